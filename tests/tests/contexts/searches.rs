//! Searches: what is found, in which order, and what is shown of it.

use crate::{Bed, create, on_both};
use serde_json::{Value, json};
use tests::Client;

on_both! {
    a_word_in_the_middle_of_a_long_text_is_found_and_shown,
    strings_of_json_and_of_metadata_are_found,
    all_words_are_needed_and_the_better_match_goes_first,
    nothing_in_a_query_is_syntax,
    what_was_changed_is_found_by_its_new_words_alone,
    a_search_in_one_context_finds_its_places,
}

fn hits(client: &mut Client, params: &Value) -> Vec<String> {
    let found = client.ask("context.search", params);
    let hits = found["hits"].as_array().unwrap_or_else(|| panic!("{found}"));
    hits.iter().map(|hit| hit["id"].as_str().expect("an id").to_owned()).collect()
}

fn a_word_in_the_middle_of_a_long_text_is_found_and_shown(bed: &Bed) {
    let mut client = bed.client();
    let text = format!(
        "{}Here is the Nadelöhr, at last. {}",
        "hay and straw ".repeat(7_000),
        "more hay ".repeat(9_000)
    );
    let id = create(&mut client, &json!({ "content": text }));
    create(&mut client, &json!({"content": "hay alone"}));
    let found = client.ask("context.search", &json!({"query": "NADELÖHR"}));
    let hits = found["hits"].as_array().expect("hits");
    assert_eq!(hits.len(), 1, "{found}");
    assert_eq!((&hits[0]["id"], &hits[0]["version"]), (&json!(id), &json!(1)));
    let snippet = hits[0]["snippets"][0].as_str().expect("a snippet");
    assert!(snippet.contains("Here is the **Nadelöhr**, at last."), "{snippet}");
    assert!(snippet.starts_with('…') && snippet.ends_with('…') && snippet.len() < 300, "{snippet}");
    assert_eq!(hits[0].get("content"), None);
}

fn strings_of_json_and_of_metadata_are_found(bed: &Bed) {
    let mut client = bed.client();
    let content = json!({"name": "deep", "list": [{"text": "buried treasure"}, 4711]});
    let id = create(&mut client, &json!({"content": content, "metadata": {"title": "The map"}}));
    for query in ["treasure", "deep buried", "map", "THE Map treasure"] {
        assert_eq!(hits(&mut client, &json!({ "query": query })), [&*id], "{query}");
    }
    for query in ["name", "text", "title", "4711"] {
        assert_eq!(hits(&mut client, &json!({ "query": query })), [""; 0], "{query}: not a string's word");
    }
}

fn all_words_are_needed_and_the_better_match_goes_first(bed: &Bed) {
    let mut client = bed.client();
    let filler = "lorem ipsum dolor sit amet ".repeat(40);
    let seldom = create(&mut client, &json!({"content": format!("{filler} otter {filler} river")}));
    let often = create(&mut client, &json!({"content": "otter otter otter river otter"}));
    create(&mut client, &json!({"content": "the otter alone"}));
    create(&mut client, &json!({"content": "the river alone"}));
    assert_eq!(hits(&mut client, &json!({"query": "river otter"})), [&*often, &*seldom]);
    assert_eq!(hits(&mut client, &json!({"query": "river otter", "limit": 1})), [&*often]);
    assert_eq!(hits(&mut client, &json!({"query": "otter"})).len(), 3);
    assert_eq!(hits(&mut client, &json!({"query": "ott"})).len(), 0, "a part of a word is another word");
}

fn nothing_in_a_query_is_syntax(bed: &Bed) {
    let mut client = bed.client();
    let id =
        create(&mut client, &json!({"content": "src/main.rs: a OR b, NOT near(c) & user@example.com 'x'"}));
    for query in [
        "main.rs",
        "\"main",
        "main\"",
        "a OR b",
        "NOT c",
        "NEAR(c)",
        "c*",
        "words:main",
        "^main",
        "a & b",
        "a | b",
        "!c",
        "(a",
        "user@example.com",
        "'x'",
        "'; DROP TABLE mcpw_contexts; --x",
        "\\main",
        "-a",
        "a:*",
        "<-> a",
    ] {
        let found = hits(&mut client, &json!({ "query": query }));
        let expected: &[&str] = if query.contains("DROP") || query.contains("words") { &[] } else { &[&id] };
        assert_eq!(found, expected, "{query}");
    }
}

fn what_was_changed_is_found_by_its_new_words_alone(bed: &Bed) {
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": {"a": "first", "b": "kept"}}));
    client.ask("context.update", &json!({"id": id, "patch": {"a": "second"}}));
    assert_eq!(hits(&mut client, &json!({"query": "first"})), [""; 0]);
    assert_eq!(hits(&mut client, &json!({"query": "second kept"})), [&*id]);
}

fn a_search_in_one_context_finds_its_places(bed: &Bed) {
    let mut client = bed.client();
    let filler = "lorem ipsum ".repeat(50);
    let text = format!("{filler} one heron {filler} two heron {filler} three heron");
    let id = create(&mut client, &json!({ "content": text }));
    create(&mut client, &json!({"content": "heron elsewhere"}));
    let found = client.ask("context.search", &json!({"id": id, "query": "heron"}));
    let hits = found["hits"].as_array().expect("hits");
    assert_eq!(hits.len(), 1);
    let snippets = hits[0]["snippets"].as_array().expect("snippets");
    assert_eq!(snippets.len(), 3);
    for (snippet, number) in snippets.iter().zip(["one", "two", "three"]) {
        assert!(snippet.as_str().expect("a text").contains(&format!("{number} **heron**")), "{snippet}");
    }
    assert_eq!(client.ask("context.search", &json!({"id": id, "query": "elsewhere"}))["hits"], json!([]));
}
