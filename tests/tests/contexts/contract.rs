//! One context at a time: made, read, changed, deleted, and by whom.

use crate::{Bed, create, get, on_both, refused};
use serde_json::{Value, json};

on_both! {
    a_context_is_read_as_it_was_made,
    an_update_replaces_what_it_names_and_raises_the_version,
    a_stale_version_is_told_the_current_one,
    patches_are_those_of_the_rfc,
    of_racing_updates_with_one_version_one_is_done,
    a_deleted_context_is_gone,
    another_tenant_sees_nothing,
    scopes_are_asked_for,
    bounds_hold_to_the_byte,
    wrong_params_are_told_with_their_field,
    a_create_that_is_sent_again_makes_no_second_context,
}

fn a_context_is_read_as_it_was_made(bed: &Bed) {
    let mut client = bed.client();
    for content in [
        json!("a text with \u{0} and \u{1F980} in it"),
        json!({"title": "One", "list": [1, 2.5, null, true]}),
        json!([1, 2]),
        json!(null),
        json!(17),
    ] {
        let metadata = json!({"kind": "note", "n": 1, "deep": {"a": [1]}, "nul": "\u{0}"});
        let made = client.ask("context.create", &json!({"content": content, "metadata": metadata}));
        assert_eq!(made["version"], 1);
        assert_eq!(
            (&made["content"], &made["metadata"], &made["agent"]),
            (&content, &metadata, &json!("agent"))
        );
        assert_eq!(made["created_at"], made["updated_at"]);
        let created = made["created_at"].as_str().expect("a time");
        assert!(created.len() == 24 && created.ends_with('Z') && &created[19..20] == ".", "{created}");
        assert_eq!(get(&mut client, made["id"].as_str().expect("an id")), made);
    }
    // Digits that no float holds stay as they are.
    client.text(
        r#"{"id":"n","type":0,"method":"context.create","params":{"content":[12345678901234567890.10]}}"#,
    );
    let frame = client.frame("the answer");
    assert!(frame.text().contains("[12345678901234567890.10]"), "{}", frame.text());
}

fn an_update_replaces_what_it_names_and_raises_the_version(bed: &Bed) {
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": "one", "metadata": {"a": 1}}));
    let two = client.ask("context.update", &json!({"id": id, "content": {"two": 2}, "expected_version": 1}));
    assert_eq!(
        (&two["version"], &two["content"], &two["metadata"]),
        (&json!(2), &json!({"two": 2}), &json!({"a": 1}))
    );
    assert!(two["updated_at"].as_str() >= two["created_at"].as_str());
    let three = client.ask("context.update", &json!({"id": id, "metadata": {"b": 2}}));
    assert_eq!(
        (&three["version"], &three["content"], &three["metadata"]),
        (&json!(3), &json!({"two": 2}), &json!({"b": 2}))
    );
    let params = json!({"id": id, "patch": {"three": 3}, "metadata_patch": {"b": null, "c": 3}});
    let four = client.ask("context.update", &params);
    assert_eq!(four["content"], json!({"two": 2, "three": 3}));
    assert_eq!(four["metadata"], json!({"c": 3}));
    assert_eq!(get(&mut client, &id), four);
}

fn a_stale_version_is_told_the_current_one(bed: &Bed) {
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": "one"}));
    client.ask("context.update", &json!({"id": id, "content": "two"}));
    let before = get(&mut client, &id);
    for method in ["context.update", "context.delete"] {
        let mut params = json!({"id": id, "expected_version": 1});
        if method == "context.update" {
            params["content"] = json!("lost");
        }
        let error = refused(&mut client, method, &params, 4011);
        assert_eq!(error["details"], json!({"version": 2}));
    }
    assert_eq!(get(&mut client, &id), before);
}

/// RFC 7386, appendix A: the content, the patch, and what comes of them.
fn patches_are_those_of_the_rfc(bed: &Bed) {
    let cases = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        (json!({"a": "foo"}), json!(null), json!(null)),
        (json!({"a": "foo"}), json!("bar"), json!("bar")),
        (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ];
    let mut client = bed.client();
    for (content, patch, expected) in cases {
        let id = create(&mut client, &json!({ "content": content }));
        let patched = client.ask("context.update", &json!({"id": id, "patch": patch}));
        assert_eq!(patched["content"], expected, "{content} and {patch}");
        assert_eq!(get(&mut client, &id), patched);
    }
}

fn of_racing_updates_with_one_version_one_is_done(bed: &Bed) {
    const RACERS: usize = 8;
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": {"n": 0}}));
    let mut racers: Vec<_> = (0..RACERS).map(|_| bed.client()).collect();
    for (n, racer) in racers.iter_mut().enumerate() {
        racer.request(
            "race",
            "context.update",
            &json!({"id": id, "patch": {"by": n}, "expected_version": 1}),
        );
    }
    let answers: Vec<Value> = racers.iter_mut().map(tests::Client::message).collect();
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer["type"] == 1);
    assert_eq!((won.len(), lost.len()), (1, RACERS - 1));
    assert!(lost.iter().all(|answer| answer["error"]["code"] == 4011), "{lost:?}");
    assert_eq!(get(&mut client, &id), won[0]["result"]);
    // Without a version each is done, and none by half.
    for (n, racer) in racers.iter_mut().enumerate() {
        racer.request("more", "context.update", &json!({"id": id, "patch": {format!("m{n}"): n}}));
    }
    for racer in &mut racers {
        racer.result("more");
    }
    let after = get(&mut client, &id);
    assert_eq!(after["version"], 2 + RACERS);
    assert!((0..RACERS).all(|n| after["content"][format!("m{n}")] == n), "{after}");
}

fn a_deleted_context_is_gone(bed: &Bed) {
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": "a needle", "metadata": {"k": 1}}));
    client.ask("context.update", &json!({"id": id, "content": "another needle"}));
    let deleted = client.ask("context.delete", &json!({ "id": id }));
    assert_eq!(deleted, json!({"id": id, "version": 2, "deleted": true}));
    for (method, params) in [
        ("context.get", json!({ "id": id })),
        ("context.update", json!({"id": id, "content": 1})),
        ("context.delete", json!({ "id": id })),
        ("context.search", json!({"id": id, "query": "needle"})),
        ("context.get", json!({"id": "no id at all"})),
    ] {
        refused(&mut client, method, &params, 4010);
    }
    assert_eq!(client.ask("context.list", &json!({"metadata": {"k": 1}}))["contexts"], json!([]));
    assert_eq!(client.ask("context.search", &json!({"query": "needle"}))["hits"], json!([]));
}

fn another_tenant_sees_nothing(bed: &Bed) {
    let mut ours = bed.client();
    let id = create(&mut ours, &json!({"content": "our needle", "metadata": {"k": 1}}));
    let mut theirs = bed.client_of("other", "agent", &["*"]);
    for (method, params) in [
        ("context.get", json!({ "id": id })),
        ("context.update", json!({"id": id, "content": 1})),
        ("context.delete", json!({ "id": id })),
        ("context.search", json!({"id": id, "query": "needle"})),
    ] {
        refused(&mut theirs, method, &params, 4010);
    }
    for params in [json!({}), json!({"metadata": {"k": 1}}), json!({"agent": "agent"})] {
        assert_eq!(theirs.ask("context.list", &params)["contexts"], json!([]), "{params}");
    }
    assert_eq!(theirs.ask("context.search", &json!({"query": "needle"}))["hits"], json!([]));
    // Nobody names a tenant.
    let error = refused(&mut theirs, "context.list", &json!({"tenant": "tenant"}), 4005);
    assert!(error["message"].as_str().expect("a text").contains("tenant"), "{error}");
    assert_eq!(get(&mut ours, &id)["content"], "our needle");
}

fn scopes_are_asked_for(bed: &Bed) {
    let mut writer = bed.client_of("tenant", "writer", &["context:write"]);
    let mut reader = bed.client_of("tenant", "reader", &["context:read"]);
    let id = create(&mut writer, &json!({"content": "text"}));
    assert_eq!(get(&mut reader, &id)["agent"], "writer");
    refused(&mut writer, "context.get", &json!({ "id": id }), 4013);
    for method in ["context.create", "context.update", "context.delete"] {
        refused(&mut reader, method, &json!({"id": id, "content": 1}), 4013);
    }
    assert_eq!(get(&mut reader, &id)["version"], 1);
}

/// 262,144 bytes of content and 1,024 of metadata are set.
fn bounds_hold_to_the_byte(bed: &Bed) {
    let mut client = bed.client();
    let text = "a".repeat(262_144);
    let id = create(&mut client, &json!({ "content": text }));
    let longer = text + "a";
    refused(&mut client, "context.create", &json!({ "content": longer }), 4012);
    refused(&mut client, "context.update", &json!({"id": id, "content": longer}), 4012);
    // As JSON text, with quotes and brackets.
    let list = json!(["a".repeat(262_140)]);
    create(&mut client, &json!({ "content": list }));
    refused(&mut client, "context.create", &json!({"content": ["a".repeat(262_141)]}), 4012);
    let metadata = |length: usize| json!({"k": "a".repeat(length)});
    create(&mut client, &json!({"content": 1, "metadata": metadata(1_024 - 8)}));
    refused(&mut client, "context.create", &json!({"content": 1, "metadata": metadata(1_024 - 7)}), 4012);
    // A patch counts by what comes of it.
    let id = create(&mut client, &json!({"content": {"a": "a".repeat(200_000)}}));
    refused(&mut client, "context.update", &json!({"id": id, "patch": {"b": "b".repeat(100_000)}}), 4012);
    assert_eq!(get(&mut client, &id)["version"], 1);
    let members = |count: usize| (0..count).map(|n| (format!("k{n}"), json!(n))).collect::<Value>();
    create(&mut client, &json!({"content": 1, "metadata": members(64)}));
    refused(&mut client, "context.create", &json!({"content": 1, "metadata": members(65)}), 4005);
    assert_eq!(
        client.ask("context.list", &json!({"limit": 200}))["contexts"].as_array().map(Vec::len),
        Some(5)
    );
    refused(&mut client, "context.list", &json!({"limit": 201}), 4005);
    client.ask("context.search", &json!({"query": "a", "limit": 100}));
    refused(&mut client, "context.search", &json!({"query": "a", "limit": 101}), 4005);
}

fn wrong_params_are_told_with_their_field(bed: &Bed) {
    let mut client = bed.client();
    let id = create(&mut client, &json!({"content": {"a": 1}}));
    for (method, params, field) in [
        ("context.create", json!({}), "content"),
        ("context.create", json!({"content": 1, "metadata": [1]}), "metadata"),
        ("context.create", json!({"content": 1, "owner": "me"}), "owner"),
        ("context.get", json!({}), "id"),
        ("context.get", json!({"id": 7}), "id"),
        ("context.update", json!({ "id": id }), "content"),
        ("context.update", json!({"id": id, "content": 1, "patch": {}}), "patch"),
        ("context.update", json!({"id": id, "metadata": {}, "metadata_patch": {}}), "metadata_patch"),
        ("context.update", json!({"id": id, "metadata_patch": [1]}), "metadata"),
        ("context.update", json!({"id": id, "content": 1, "expected_version": "1"}), "expected_version"),
        ("context.list", json!({"limit": 0}), "limit"),
        ("context.list", json!({"limit": -1}), "limit"),
        ("context.list", json!({"cursor": "nonsense"}), "cursor"),
        ("context.list", json!({"order": "size"}), "order"),
        ("context.list", json!({"created_after": "yesterday"}), "created_after"),
        ("context.list", json!({"metadata": "k"}), "metadata"),
        ("context.search", json!({}), "query"),
        ("context.search", json!({"query": " ,;"}), "query"),
        ("context.search", json!({"query": "a ".repeat(600)}), "query"),
    ] {
        let error = refused(&mut client, method, &params, 4005);
        assert!(error["message"].as_str().expect("a text").contains(field), "{method} {params}: {error}");
    }
    assert_eq!(get(&mut client, &id)["version"], 1);
}

/// As a gateway sends it that could not know whether the first one was done.
fn a_create_that_is_sent_again_makes_no_second_context(bed: &Bed) {
    let params = json!({"content": "once"});
    let mut again = crate::servers::Caller::of(&bed.service.address);
    let first = again.call("context.create", &params, "session:1");
    assert_eq!(again.call("context.create", &params, "session:1"), first);
    let other = again.call("context.create", &params, "session:2");
    assert_ne!(other["id"], first["id"]);
    // An id that was used for another request is another request.
    let reused = again.call("context.create", &json!({"content": "twice"}), "session:1");
    assert_ne!(reused["id"], first["id"]);
    assert_eq!(bed.client().ask("context.list", &json!({}))["contexts"].as_array().map(Vec::len), Some(3));
}
