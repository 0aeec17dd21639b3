//! Nothing outside of the root folder can be reached.
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Tools, folder};

/// A root `inside` beside a folder `outside` that holds a secret.
fn two_folders() -> TempDir {
    let both =
        folder(&[("inside/file", b"open"), ("inside/deep/file", b"open"), ("outside/secret", b"secret")]);
    let inside = both.path().join("inside");
    let link = |to: &Path, from: &str| symlink(to, inside.join(from)).expect("links can be made");
    link(&both.path().join("outside/secret"), "absolute-file-link");
    link(&both.path().join("outside"), "absolute-folder-link");
    link(Path::new("../outside/secret"), "relative-file-link");
    link(Path::new("../outside"), "relative-folder-link");
    link(Path::new("../../outside"), "deep/folder-link");
    link(Path::new("deep/folder-link"), "link-to-a-link");
    link(Path::new("/"), "host");
    link(Path::new("deep/file"), "good-link");
    link(Path::new("loop"), "loop");
    both
}

#[tokio::test]
async fn no_path_leads_out_of_the_root() {
    let both = two_folders();
    let tools = Tools::over(&both.path().join("inside")).await;
    let outside = both.path().join("outside");
    let absolute = outside.to_str().expect("the path is text");
    let files = [
        "../outside/secret",
        "deep/../../outside/secret",
        "./../outside/secret",
        "..",
        "/",
        "/etc/passwd",
        &format!("{absolute}/secret"),
        &format!("{}/inside/file", both.path().display()),
        "absolute-file-link",
        "relative-file-link",
        "absolute-folder-link/secret",
        "relative-folder-link/secret",
        "deep/folder-link/secret",
        "link-to-a-link/secret",
        "host/etc/passwd",
    ];
    let folders = [
        "..",
        "/",
        "../outside",
        absolute,
        "absolute-folder-link",
        "relative-folder-link",
        "link-to-a-link",
        "host",
    ];
    let check = async |tool: &str, args: serde_json::Value| {
        let error = tools.error(tool, args.clone()).await;
        assert_eq!(error.code, 4013, "{tool} {args}: {error:?}");
        assert!(error.message.contains("leads out of the root folder"), "{error:?}");
        let named = args["path"].as_str().expect("the path is text");
        let rest = error.message.replace(named, "");
        assert!(!rest.contains(&*both.path().to_string_lossy()), "{rest:?} tells of the host");
    };
    for path in files {
        check("fs.read", json!({ "path": path })).await;
        check("fs.search", json!({ "path": path, "pattern": "." })).await;
    }
    for path in folders {
        check("fs.list", json!({ "path": path })).await;
        check("fs.search", json!({ "path": path, "pattern": "." })).await;
    }
}

#[tokio::test]
async fn links_within_the_root_are_followed_and_loops_end() {
    let both = two_folders();
    let tools = Tools::over(&both.path().join("inside")).await;
    for path in ["good-link", "deep/../good-link", "./deep/file"] {
        assert_eq!(tools.result("fs.read", json!({ "path": path })).await["content"], "open");
    }
    tools.refuses("fs.read", json!({ "path": "loop" }), 4005, "too many links").await;
}

#[tokio::test]
async fn walks_list_links_but_do_not_follow_them() {
    let both = two_folders();
    let tools = Tools::over(&both.path().join("inside")).await;
    let listing = tools.result("fs.list", json!({ "recursive": true })).await;
    let paths: Vec<_> =
        listing["entries"].as_array().expect("a list").iter().map(|entry| &entry["path"]).collect();
    assert_eq!(
        paths,
        [
            "absolute-file-link",
            "absolute-folder-link",
            "deep",
            "deep/file",
            "deep/folder-link",
            "file",
            "good-link",
            "host",
            "link-to-a-link",
            "loop",
            "relative-file-link",
            "relative-folder-link",
        ]
    );
    assert_eq!(listing["entries"][0]["kind"], "symlink");
    assert!(listing["entries"][0].get("size").is_none());
    let found = tools.result("fs.search", json!({ "pattern": "secret|open" })).await;
    let paths: Vec<_> =
        found["matches"].as_array().expect("a list").iter().map(|found| &found["path"]).collect();
    assert_eq!(paths, ["deep/file", "file"]);
}

#[tokio::test]
async fn ignore_files_that_are_links_outward_are_not_read() {
    let both = two_folders();
    let inside = both.path().join("inside");
    fs::write(both.path().join("outside/rules"), "file\n").expect("files can be written");
    symlink("../outside/rules", inside.join(".gitignore")).expect("links can be made");
    symlink("/dev/zero", inside.join(".ignore")).expect("links can be made");
    let tools = Tools::over(&inside).await;
    let found = tools.result("fs.search", json!({ "pattern": "open" })).await;
    assert_eq!(found["files_searched"], 2);
}

#[tokio::test]
async fn the_root_itself_may_be_a_link() {
    let both = two_folders();
    let link = both.path().join("root-link");
    symlink("inside", &link).expect("links can be made");
    let tools = Tools::over(&link).await;
    assert_eq!(tools.result("fs.read", json!({ "path": "file" })).await["content"], "open");
    tools.refuses("fs.read", json!({ "path": "../outside/secret" }), 4013, "leads out").await;
    assert_eq!(tools.result("fs.search", json!({ "pattern": "open" })).await["files_searched"], 2);
}

#[test]
fn a_root_that_is_no_folder_is_an_error_that_names_it() {
    let folder = folder(&[("file", b"")]);
    for root in [folder.path().join("file"), folder.path().join("missing")] {
        let error = tools::backend(&root).expect_err("it is no folder");
        assert!(error.to_string().contains(&*root.to_string_lossy()), "{error}");
    }
    for limits in [
        tools::Limits { max_read: 0, ..tools::Limits::default() },
        tools::Limits { concurrent_files: 0, ..tools::Limits::default() },
    ] {
        assert!(matches!(tools::backend_with(folder.path(), limits), Err(tools::Error::Limit { .. })));
    }
}
