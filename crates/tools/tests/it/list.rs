//! `fs.list`
use serde_json::{Value, json};

use crate::harness::{Tools, folder};

fn paths(listing: &Value) -> Vec<&str> {
    let entries = listing["entries"].as_array().expect("a list");
    entries.iter().map(|entry| entry["path"].as_str().expect("a path is text")).collect()
}

#[tokio::test]
async fn a_folder_is_listed_by_name_with_kinds_sizes_and_times() {
    let folder = folder(&[("b.txt", b"12345"), ("a/c.txt", b"1"), (".hidden", b"")]);
    let tools = Tools::over(folder.path()).await;
    let mut listing = tools.result("fs.list", json!({})).await;
    for entry in listing["entries"].as_array_mut().expect("a list") {
        let modified = entry.as_object_mut().and_then(|entry| entry.remove("modified")).expect("a time");
        let modified: jiff::Timestamp = modified.as_str().expect("text").parse().expect("RFC 3339");
        let age = jiff::Timestamp::now().duration_since(modified).as_secs();
        assert!((0..600).contains(&age), "it was written just now, not {age} s ago");
    }
    assert_eq!(
        listing,
        json!({
            "path": ".",
            "entries": [
                { "name": ".hidden", "path": ".hidden", "kind": "file", "size": 0 },
                { "name": "a", "path": "a", "kind": "folder" },
                { "name": "b.txt", "path": "b.txt", "kind": "file", "size": 5 },
            ],
            "truncated": false,
        })
    );
}

#[tokio::test]
async fn a_recursive_listing_goes_into_folders() {
    let folder = folder(&[("a/b/c", b""), ("a/d", b""), ("e", b"")]);
    let tools = Tools::over(folder.path()).await;
    let all = tools.result("fs.list", json!({ "recursive": true })).await;
    assert_eq!(paths(&all), ["a", "a/b", "a/b/c", "a/d", "e"]);
    for path in ["a", "./a/", "a/b/.."] {
        let below = tools.result("fs.list", json!({ "path": path, "recursive": true })).await;
        assert_eq!(below["path"], "a");
        assert_eq!(paths(&below), ["a/b", "a/b/c", "a/d"]);
    }
    assert_eq!(paths(&tools.result("fs.list", json!({ "path": "a" })).await), ["a/b", "a/d"]);
}

#[tokio::test]
async fn limits_hold_to_the_entry() {
    let folder = folder(&[("1", b""), ("2", b""), ("3", b"")]);
    let tools = Tools::over(folder.path()).await;
    let at = tools.result("fs.list", json!({ "limit": 3 })).await;
    assert_eq!((paths(&at).len(), &at["truncated"]), (3, &json!(false)));
    let past = tools.result("fs.list", json!({ "limit": 2 })).await;
    assert_eq!((paths(&past), &past["truncated"]), (vec!["1", "2"], &json!(true)));
    assert!(tools.result("fs.list", json!({ "limit": 10_000 })).await["entries"].is_array());
    for limit in [0, 10_001] {
        tools.refuses("fs.list", json!({ "limit": limit }), 4005, "limit: use 1 to 10000").await;
    }
}

#[tokio::test]
async fn what_is_no_folder_is_named_as_such() {
    let folder = folder(&[("file", b"")]);
    let tools = Tools::over(folder.path()).await;
    tools.refuses("fs.list", json!({ "path": "file" }), 4005, "is not a folder").await;
    tools.refuses("fs.list", json!({ "path": "missing" }), 4010, "missing").await;
    tools.refuses("fs.list", json!({ "path": 7 }), 4005, "path: invalid type").await;
}
