//! `fs.search`
use std::fs;
use std::pin::pin;
use std::time::Duration;

use protocol::pb::call_event::Event;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Tools, folder, next, soon};

/// What was found, as `path:line:text`.
fn lines(searched: &Value) -> Vec<String> {
    let matches = searched["matches"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    matches
        .iter()
        .map(|found| format!("{}:{}:{}", text(&found["path"]), found["line"], text(&found["text"])))
        .collect()
}

#[tokio::test]
async fn lines_are_found_by_pattern_in_all_text_files_below() {
    let folder = folder(&[
        ("a.rs", b"fn main() {\n    run();\n}\n"),
        ("b/c.rs", b"// no\r\nfn main_too() {}\r\nfn other() {}"),
        ("b/d.txt", b"FN MAIN\n"),
    ]);
    let tools = Tools::over(folder.path()).await;
    let check = async |args: Value, expected: &[&str]| {
        let searched = tools.result("fs.search", args.clone()).await;
        assert_eq!(lines(&searched), expected, "{args}");
        assert_eq!(searched["truncated"], json!(false));
    };
    check(json!({ "pattern": "fn main" }), &["a.rs:1:fn main() {", "b/c.rs:2:fn main_too() {}"]).await;
    check(json!({ "pattern": "^fn \\w+\\(\\) \\{\\}$" }), &["b/c.rs:3:fn other() {}"]).await;
    check(
        json!({ "pattern": "()", "literal": true, "glob": "a.*" }),
        &["a.rs:1:fn main() {", "a.rs:2:    run();"],
    )
    .await;
    check(json!({ "pattern": "fn main$", "case_insensitive": true }), &["b/d.txt:1:FN MAIN"]).await;
    check(json!({ "pattern": "fn", "path": "b" }), &["b/c.rs:2:fn main_too() {}", "b/c.rs:3:fn other() {}"])
        .await;
    check(json!({ "pattern": "fn", "path": "a.rs" }), &["a.rs:1:fn main() {"]).await;
    check(json!({ "pattern": "nowhere" }), &[]).await;
}

#[tokio::test]
async fn globs_choose_files() {
    let folder = folder(&[("a.rs", b"x"), ("src/b.rs", b"x"), ("src/c.txt", b"x"), ("src/deep/d.rs", b"x")]);
    let tools = Tools::over(folder.path()).await;
    let check = async |glob: &str, expected: &[&str]| {
        let searched = tools.result("fs.search", json!({ "pattern": "x", "glob": glob })).await;
        assert_eq!(lines(&searched), expected, "{glob}");
        assert_eq!(searched["files_searched"], expected.len());
    };
    check("*.rs", &["a.rs:1:x", "src/b.rs:1:x", "src/deep/d.rs:1:x"]).await;
    check("src/**", &["src/b.rs:1:x", "src/c.txt:1:x", "src/deep/d.rs:1:x"]).await;
    check("src/*.rs", &["src/b.rs:1:x"]).await;
    check("/*.rs", &["a.rs:1:x"]).await;
    check("!*.rs", &["src/c.txt:1:x"]).await;
    check("*.py", &[]).await;
}

#[tokio::test]
async fn hidden_binary_and_ignored_files_are_left_out() {
    let folder = folder(&[
        (".gitignore", b"*.log\n/target\nsrc/generated/\n!keep.log\n"),
        (".hidden", b"x"),
        (".git/config", b"x"),
        ("binary", b"x\n\0x\n"),
        ("keep.log", b"x"),
        ("other.log", b"x"),
        ("src/.gitignore", b"local.txt\n!special.log\n"),
        ("src/generated/a.rs", b"x"),
        ("src/local.txt", b"x"),
        ("src/main.rs", b"x"),
        ("src/special.log", b"x"),
        ("src/target/a.rs", b"x"),
        ("target/a.rs", b"x"),
    ]);
    let mut late_binary = vec![b'x', b'\n'];
    late_binary.extend(std::iter::repeat_n(b"yyyyyyy\n", 100_000).flatten());
    late_binary.push(0);
    fs::write(folder.path().join("late-binary"), late_binary).expect("files can be written");

    let tools = Tools::over(folder.path()).await;
    let searched = tools.result("fs.search", json!({ "pattern": "x" })).await;
    assert_eq!(
        lines(&searched),
        ["keep.log:1:x", "src/main.rs:1:x", "src/special.log:1:x", "src/target/a.rs:1:x"]
    );
    assert_eq!(searched["files_searched"], 4);
    let below = tools.result("fs.search", json!({ "pattern": "x", "path": "src" })).await;
    assert_eq!(lines(&below), ["src/main.rs:1:x", "src/special.log:1:x", "src/target/a.rs:1:x"]);
    let named = tools.result("fs.search", json!({ "pattern": "x", "path": "other.log" })).await;
    assert_eq!(lines(&named), ["other.log:1:x"], "a file that is named is searched");
}

#[tokio::test]
async fn limits_hold_to_the_match() {
    let folder = folder(&[("a", b"x\nx\n"), ("b", b"x\ny\n")]);
    let tools = Tools::over(folder.path()).await;
    let at = tools.result("fs.search", json!({ "pattern": "x", "limit": 3 })).await;
    assert_eq!((lines(&at).len(), &at["truncated"]), (3, &json!(false)));
    let past = tools.result("fs.search", json!({ "pattern": "x", "limit": 2 })).await;
    assert_eq!(
        (lines(&past), &past["truncated"]),
        (vec!["a:1:x".to_owned(), "a:2:x".to_owned()], &json!(true))
    );
    for limit in [0, 10_001] {
        tools
            .refuses("fs.search", json!({ "pattern": "x", "limit": limit }), 4005, "limit: use 1 to 10000")
            .await;
    }
    tools.refuses("fs.search", json!({ "pattern": "x", "context": 21 }), 4005, "context: use 0 to 20").await;
}

#[tokio::test]
async fn without_a_limit_two_hundred_matches_are_returned() {
    let folder = folder(&[("at", "x\n".repeat(200).as_bytes()), ("past/past", "x\n".repeat(201).as_bytes())]);
    let tools = Tools::over(folder.path()).await;
    let at = tools.result("fs.search", json!({ "pattern": "x", "path": "at" })).await;
    assert_eq!((lines(&at).len(), &at["truncated"]), (200, &json!(false)));
    let past = tools.result("fs.search", json!({ "pattern": "x", "path": "past" })).await;
    assert_eq!((lines(&past).len(), &past["truncated"]), (200, &json!(true)));
}

#[tokio::test]
async fn context_brings_the_lines_around_each_match() {
    let folder = folder(&[("a", b"1\n2\nx3\n4\nx5\n6\n7\n8\n9\nx10"), ("b", b"x1\n2\n")]);
    let tools = Tools::over(folder.path()).await;
    let found = |path: &str, line: u64, text: &str, before: &[&str], after: &[&str]| {
        let mut found = json!({ "path": path, "line": line, "text": text });
        for (name, lines) in [("before", before), ("after", after)] {
            if !lines.is_empty() {
                found[name] = json!(lines);
            }
        }
        found
    };
    let searched = tools.result("fs.search", json!({ "pattern": "x", "context": 2 })).await;
    assert_eq!(
        searched["matches"],
        json!([
            found("a", 3, "x3", &["1", "2"], &["4", "x5"]),
            found("a", 5, "x5", &["x3", "4"], &["6", "7"]),
            found("a", 10, "x10", &["8", "9"], &[]),
            found("b", 1, "x1", &[], &["2"]),
        ])
    );
    let last = tools.result("fs.search", json!({ "pattern": "x", "context": 1, "limit": 1 })).await;
    assert_eq!(
        last["matches"],
        json!([found("a", 3, "x3", &["2"], &["4"])]),
        "the last match has its context too"
    );
    assert_eq!(last["truncated"], json!(true));
}

#[tokio::test]
async fn long_lines_are_cut_at_a_character() {
    let ascii = format!("{}end", "x".repeat(498));
    let folder = folder(&[
        ("at", format!("{}x", "€".repeat(166)).as_bytes()),
        ("cut", format!("x{}", "€".repeat(167)).as_bytes()),
        ("latin", b"x\xe4y"),
        ("past", ascii.as_bytes()),
    ]);
    let tools = Tools::over(folder.path()).await;
    let searched = tools.result("fs.search", json!({ "pattern": "x" })).await;
    assert_eq!(
        lines(&searched),
        [
            format!("at:1:{}x", "€".repeat(166)),
            format!("cut:1:x{}…", "€".repeat(166)),
            "latin:1:x\u{fffd}y".to_owned(),
            format!("past:1:{}en…", "x".repeat(498)),
        ]
    );
}

#[tokio::test]
async fn the_text_of_a_result_is_bounded() {
    let line = format!("{}\n", "x".repeat(499));
    let folder = folder(&[("a", line.repeat(10_000).as_bytes())]);
    let tools = Tools::over(folder.path()).await;
    let searched = tools.result("fs.search", json!({ "pattern": "x", "limit": 10_000, "context": 20 })).await;
    assert_eq!(searched["truncated"], json!(true));
    let size = searched.to_string().len();
    assert!((3 << 20..5 << 20).contains(&size), "{size} bytes");
}

#[tokio::test]
async fn bad_patterns_name_the_field() {
    let folder = folder(&[]);
    let tools = Tools::over(folder.path()).await;
    tools.refuses("fs.search", json!({ "pattern": "(" }), 4005, "pattern: ").await;
    tools.refuses("fs.search", json!({ "pattern": "a\\nb" }), 4005, "pattern: ").await;
    tools.refuses("fs.search", json!({ "pattern": "x", "glob": "[" }), 4005, "glob: ").await;
    tools.refuses("fs.search", json!({ "pattern": "x", "path": "missing" }), 4010, "missing").await;
    tools.refuses("fs.search", json!({}), 4005, "pattern").await;
}

#[tokio::test]
async fn a_pattern_that_grows_too_large_is_refused() {
    let folder = folder(&[]);
    let tools = Tools::over(folder.path()).await;
    let pattern = r"(\p{L}{1,50}\s?){1,50}\d";
    tools.refuses("fs.search", json!({ "pattern": pattern }), 4005, "size limit").await;
}

#[tokio::test]
async fn a_cancel_stops_a_search_in_the_middle() {
    // Much to search in little space: one file by many names.
    let folder = folder(&[("0", "neither here nor there\n".repeat(1 << 20).as_bytes()), ("z/file", b"read")]);
    for number in 1..2_000 {
        let name = folder.path().join(number.to_string());
        fs::hard_link(folder.path().join("0"), name).expect("links can be made");
    }
    let limits = tools::Limits { concurrent_files: 1, ..tools::Limits::default() };
    let tools = Tools::with_limits(folder.path(), limits).await;
    let mut events = tools.start("fs.search", r#"{"pattern":"nowhere"}"#).await;
    assert!(matches!(next(&mut events).await, Event::Progress(_)), "the search says how far it is");

    // The one place for work with files is free only when the search has really stopped.
    let mut read = pin!(tools.result("fs.read", json!({ "path": "z/file" })));
    let waited = timeout(Duration::from_millis(200), &mut read).await;
    assert!(waited.is_err(), "the search still has the one place: {waited:?}");
    drop(events);
    assert_eq!(soon(read).await["content"], "read");
}
