//! Lists: their order, their pages, and what they are filtered by.

use crate::{Bed, create, on_both};
use serde_json::{Value, json};
use std::time::SystemTime;
use tests::{Client, until};

on_both! {
    pages_hold_what_was_there_once_while_contexts_are_added,
    pages_by_update_begin_with_what_was_changed_last,
    lists_are_filtered_by_metadata_agent_and_time,
}

fn ids(page: &Value) -> Vec<String> {
    let contexts = page["contexts"].as_array().unwrap_or_else(|| panic!("{page}"));
    contexts.iter().map(|context| context["id"].as_str().expect("an id").to_owned()).collect()
}

/// All pages of a list; before each page but the first something happens.
fn pages(client: &mut Client, params: &Value, mut between: impl FnMut(&mut Client)) -> Vec<Vec<String>> {
    let mut params = params.clone();
    let mut pages = Vec::new();
    loop {
        let page = client.ask("context.list", &params);
        pages.push(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { return pages };
        params["cursor"] = json!(cursor);
        between(client);
    }
}

/// Several changes may share a millisecond, and the next is not to share one with those before.
fn await_next_millisecond() {
    let now = || SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970").as_millis();
    let before = now();
    until("the next millisecond", || (now() > before).then_some(()));
}

fn pages_hold_what_was_there_once_while_contexts_are_added(bed: &Bed) {
    let mut client = bed.client();
    let mut made: Vec<_> = (0..25)
        .map(|n| create(&mut client, &json!({"content": n, "metadata": {"even": n % 2 == 0}})))
        .collect();
    made.reverse();
    let add = |client: &mut Client| {
        for _ in 0..7 {
            create(client, &json!({"content": "later", "metadata": {"even": true}}));
        }
    };
    let found = pages(&mut client, &json!({"limit": 10}), add);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert_eq!(found.concat(), made);

    let even: Vec<_> = made.iter().step_by(2).cloned().collect();
    let later = client.ask("context.list", &json!({"limit": 14, "metadata": {"even": true}}));
    let params = json!({"limit": 5, "metadata": {"even": true}, "cursor": later["next_cursor"]});
    let found = pages(&mut client, &params, add);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 3]);
    assert_eq!(found.concat(), even);
    // A list does not carry contents.
    assert_eq!(later["contexts"][0].get("content"), None);
}

fn pages_by_update_begin_with_what_was_changed_last(bed: &Bed) {
    let mut client = bed.client();
    let made: Vec<_> = (0..6).map(|n| create(&mut client, &json!({ "content": n }))).collect();
    await_next_millisecond();
    client.ask("context.update", &json!({"id": made[1], "content": "changed"}));
    let found = pages(&mut client, &json!({"limit": 2, "order": "updated"}), |_| {}).concat();
    assert_eq!(found[0], made[1]);
    let sorted = |ids: &[String]| ids.iter().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!((found.len(), sorted(&found)), (made.len(), sorted(&made)));
    // In the order in which they were made nothing has moved.
    let created: Vec<_> = made.iter().rev().cloned().collect();
    assert_eq!(pages(&mut client, &json!({"limit": 4}), |_| {}).concat(), created);
}

fn lists_are_filtered_by_metadata_agent_and_time(bed: &Bed) {
    let mut client = bed.client();
    let mut other = bed.client_of("tenant", "other", &["*"]);
    let a =
        create(&mut client, &json!({"content": 1, "metadata": {"kind": "note", "n": 1, "tags": ["x", "y"]}}));
    let b = create(&mut client, &json!({"content": 2, "metadata": {"kind": "note", "n": 2}}));
    await_next_millisecond();
    let c = create(&mut other, &json!({"content": 3, "metadata": {"kind": "plan", "n": 1, "x": null}}));
    let made = crate::get(&mut client, &c);
    let time = &made["created_at"];
    for (params, expected) in [
        (json!({"metadata": {"kind": "note"}}), vec![&b, &a]),
        (json!({"metadata": {"n": 1}}), vec![&c, &a]),
        (json!({"metadata": {"n": 1.0}}), vec![&c, &a]),
        (json!({"metadata": {"n": "1"}}), vec![]),
        (json!({"metadata": {"kind": "note", "n": 1}}), vec![&a]),
        (json!({"metadata": {"tags": ["x", "y"]}}), vec![&a]),
        (json!({"metadata": {"tags": ["y", "x"]}}), vec![]),
        (json!({"metadata": {"x": null}}), vec![&c]),
        (json!({"agent": "other"}), vec![&c]),
        (json!({"agent": "agent", "metadata": {"n": 2}}), vec![&b]),
        (json!({"agent": "nobody"}), vec![]),
        (json!({"created_before": time}), vec![&b, &a]),
        (json!({"created_after": time}), vec![]),
        (json!({"created_after": "2020-01-01T00:00:00Z"}), vec![&c, &b, &a]),
        (json!({"created_before": "2020-01-01T01:00:00+01:00"}), vec![]),
        (json!({"updated_before": time, "order": "created"}), vec![&b, &a]),
        (json!({"updated_before": time, "metadata": {"n": 1}}), vec![&a]),
    ] {
        let found = ids(&client.ask("context.list", &params));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{params}");
    }
    await_next_millisecond();
    client.ask("context.update", &json!({"id": a, "metadata_patch": {"kind": null, "new": 1}}));
    for (params, expected) in [
        (json!({"metadata": {"kind": "note"}}), vec![&b]),
        (json!({"metadata": {"new": 1}}), vec![&a]),
        (json!({"updated_after": time}), vec![&a]),
        (json!({"updated_after": "2020-01-01T00:00:00Z", "limit": 1}), vec![&a]),
    ] {
        let found = ids(&client.ask("context.list", &params));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{params}");
    }
}
