//! `fs.read`
use serde_json::json;

use crate::harness::{Tools, folder};

#[tokio::test]
async fn a_text_file_is_read_whole() {
    let folder = folder(&[("src/main.rs", b"fn main() {}\n")]);
    let tools = Tools::over(folder.path()).await;
    assert_eq!(
        tools.result("fs.read", json!({ "path": "src/main.rs" })).await,
        json!({ "path": "src/main.rs", "content": "fn main() {}\n", "size": 13, "truncated": false })
    );
}

#[tokio::test]
async fn windows_join_to_the_whole_file() {
    let text = "aä€🦀".repeat(50);
    let folder = folder(&[("text", text.as_bytes())]);
    let tools = Tools::over(folder.path()).await;
    for limit in 4..20 {
        let (mut joined, mut offset) = (String::new(), 0);
        loop {
            let args = json!({ "path": "text", "offset": offset, "limit": limit });
            let window = tools.result("fs.read", args).await;
            assert_eq!(window["size"], text.len());
            let content = window["content"].as_str().expect("windows end at whole characters");
            assert!(!content.is_empty() && content.len() <= limit, "{content:?}");
            joined.push_str(content);
            if window["truncated"] == json!(false) {
                assert!(window.get("next_offset").is_none());
                break;
            }
            offset = window["next_offset"].as_u64().expect("a truncated window says where to go on");
        }
        assert_eq!(joined, text);
    }
}

#[tokio::test]
async fn bytes_that_are_not_text_come_in_base64() {
    let folder = folder(&[("bytes", b"\xff\x00\x80abc"), ("text", "ä".as_bytes())]);
    let tools = Tools::over(folder.path()).await;
    assert_eq!(
        tools.result("fs.read", json!({ "path": "bytes" })).await,
        json!({ "path": "bytes", "content_base64": "/wCAYWJj", "size": 6, "truncated": false })
    );
    let half_a_character = tools.result("fs.read", json!({ "path": "text", "limit": 1 })).await;
    assert_eq!(
        half_a_character,
        json!({ "path": "text", "content_base64": "ww==", "size": 2, "truncated": true, "next_offset": 1 })
    );
}

#[tokio::test]
async fn limits_hold_to_the_byte() {
    let folder = folder(&[("ten", b"0123456789")]);
    let limits = tools::Limits { max_read: 10, ..tools::Limits::default() };
    let tools = Tools::with_limits(folder.path(), limits).await;
    let read = async |args| tools.result("fs.read", args).await;
    let all = read(json!({ "path": "ten", "limit": 10 })).await;
    assert_eq!((&all["content"], &all["truncated"]), (&json!("0123456789"), &json!(false)));
    let less = read(json!({ "path": "ten", "limit": 9 })).await;
    assert_eq!((&less["content"], &less["next_offset"]), (&json!("012345678"), &json!(9)));
    let rest = read(json!({ "path": "ten", "offset": 9, "limit": 1 })).await;
    assert_eq!((&rest["content"], &rest["truncated"]), (&json!("9"), &json!(false)));
    for offset in [10, 11, 1_000_000] {
        let behind = read(json!({ "path": "ten", "offset": offset })).await;
        assert_eq!(behind, json!({ "path": "ten", "content": "", "size": 10, "truncated": false }));
    }
    for limit in [json!(0), json!(11), json!(u64::MAX)] {
        tools.refuses("fs.read", json!({ "path": "ten", "limit": limit }), 4005, "limit: use 1 to 10").await;
    }
    tools.refuses("fs.read", json!({ "path": "ten", "offset": u64::MAX }), 4005, "offset").await;
    tools.refuses("fs.read", json!({ "path": "ten", "limit": -1 }), 4005, "limit").await;
    tools.refuses("fs.read", json!({ "path": "ten", "lines": 1 }), 4005, "lines").await;
    tools.refuses("fs.read", json!({}), 4005, "path").await;
}

#[tokio::test]
async fn without_a_limit_one_mebibyte_is_read() {
    let content = vec![b'x'; (1 << 20) + 1];
    let folder = folder(&[("at", &content[1..]), ("past", &content)]);
    let tools = Tools::over(folder.path()).await;
    let at = tools.result("fs.read", json!({ "path": "at" })).await;
    assert_eq!((at["content"].as_str().map(str::len), &at["truncated"]), (Some(1 << 20), &json!(false)));
    let past = tools.result("fs.read", json!({ "path": "past" })).await;
    assert_eq!((past["content"].as_str().map(str::len), &past["truncated"]), (Some(1 << 20), &json!(true)));
}

#[tokio::test]
async fn what_is_no_file_is_named_as_such() {
    let folder = folder(&[("folder/file", b"")]);
    let tools = Tools::over(folder.path()).await;
    let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    assert!(pipe.expect("mkfifo is there").success());
    let check = async |path: &str, code: u32, names: &str| {
        tools.refuses("fs.read", json!({ "path": path }), code, names).await;
    };
    check("missing", 4010, "missing").await;
    check("folder", 4005, "is a folder").await;
    check("folder/file/deeper", 4005, "folder/file/deeper").await;
    check("pipe", 4005, "not a regular file").await;
    check("", 4010, "path").await;
    check("nul\0nul", 4005, "not a valid path").await;
    check(&"x".repeat(5_000), 4005, "not a valid path").await;
}
