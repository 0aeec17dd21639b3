//! A file that is no database, is damaged, of another program, or of a newer version: told, and left as it is.

use crate::{Kept, MCPW, create};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;
use tests::{Contexts, Gateway};

/// A file with a thousand contexts, whose service has ended well.
fn filled() -> (Kept, Vec<u8>) {
    let database = Kept::sqlite();
    let Kept::Sqlite(folder) = &database else { unreachable!("it was made so") };
    let gateway = Gateway::start();
    let service = Contexts::start(MCPW, &database.url(), &gateway);
    let mut client = gateway.connect();
    for n in 0..300 {
        create(
            &mut client,
            &json!({"content": format!("{n} {}", "text ".repeat(400)), "metadata": {"n": n}}),
        );
    }
    assert!(service.terminate().success());
    let path = folder.path().join("contexts.db");
    let names: Vec<_> = contents(folder.path()).into_keys().collect();
    assert_eq!(names, ["contexts.db"], "nothing is left beside the file");
    let bytes = std::fs::read(path).expect("the file is there");
    (database, bytes)
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    files
        .map(|file| {
            let file = file.expect("the folder can be read");
            let bytes = std::fs::read(file.path()).expect("the file can be read");
            (file.file_name().into_string().expect("our names are UTF-8"), bytes)
        })
        .collect()
}

#[track_caller]
fn check_refused(bytes: &[u8], said: &[&str]) {
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let path = folder.path().join("contexts.db");
    std::fs::write(&path, bytes).expect("the folder is ours");
    let before = contents(folder.path());
    let error = Contexts::refused(MCPW, &format!("sqlite:{}", path.display()));
    for part in said.iter().chain(&["contexts.db"]) {
        assert!(error.contains(part), "{error:?} does not hold {part:?}");
    }
    assert!(contents(folder.path()) == before, "the folder has changed");
}

#[test]
fn a_file_that_is_not_right_is_told_and_left_as_it_is() {
    let (database, whole) = filled();
    check_refused(b"# a text\n", &["is not an SQLite database"]);
    check_refused(&vec![0; 8_192], &["is not an SQLite database"]);
    check_refused(&whole[..whole.len() / 2], &["is damaged", "backup"]);
    check_refused(&whole[..90], &["is not an SQLite database"]);

    let mut overwritten = whole.clone();
    let middle = overwritten.len() / 2 / 4_096 * 4_096;
    overwritten[middle..middle + 8 * 4_096].fill(0xA5);
    check_refused(&overwritten, &["is damaged", "backup"]);

    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    check_refused(&newer, &["schema 99", "newer mcpw"]);

    let mut foreign = whole;
    foreign[68..72].fill(0);
    check_refused(&foreign, &["another program"]);

    // And the whole one is served.
    let gateway = Gateway::start();
    let _service = Contexts::start(MCPW, &database.url(), &gateway);
    let found = gateway.connect().ask("context.search", &json!({"query": "299 text"}));
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_damaged_file_whose_service_was_killed_is_left_as_it_is() {
    let database = Kept::sqlite();
    let Kept::Sqlite(folder) = &database else { unreachable!("it was made so") };
    let gateway = Gateway::start();
    // The first life leaves pages in the file, the second in the log beside it.
    let service = Contexts::start(MCPW, &database.url(), &gateway);
    let mut client = gateway.connect();
    for n in 0..100 {
        create(&mut client, &json!({"content": format!("{n} {}", "text ".repeat(400))}));
    }
    assert!(service.terminate().success());
    let mut service = Contexts::start(MCPW, &database.url(), &gateway);
    let mut client = gateway.connect();
    create(&mut client, &json!({"content": "one more"}));
    service.kill();
    let path = folder.path().join("contexts.db");
    let mut bytes = std::fs::read(&path).expect("the file is there");
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 8 * 4_096].fill(0xA5);
    std::fs::write(&path, &bytes).expect("the folder is ours");
    let before = contents(folder.path());
    assert!(before["contexts.db-wal"].len() > 32, "there is a log");

    let error = Contexts::refused(MCPW, &database.url());
    assert!(error.contains("is damaged"), "{error}");
    let mut after = contents(folder.path());
    // Shared memory of those that have it open; it holds nothing of its own.
    let shared = "contexts.db-shm";
    assert_eq!(after.remove(shared).is_some(), before.contains_key(shared));
    assert!(after.iter().all(|(name, bytes)| &before[name] == bytes), "a file has changed");
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let error = Contexts::refused(MCPW, "sqlite:/nowhere/at/all/contexts.db");
    assert!(error.contains("cannot open /nowhere/at/all/contexts.db"), "{error}");
    let error = Contexts::refused(MCPW, "mysql://root:s3cret@db/x");
    assert!(error.contains("sqlite:PATH") && !error.contains("s3cret"), "{error}");
}
