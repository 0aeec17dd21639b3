//! The programs of docs/migration.md, run as they stand there against `mcpw dev`.

use crate::clean;
use crate::dev::Dev;
use crate::foreign::{installed, written_from};
use crate::markdown::blocks;
use crate::process::run;
use crate::repository;

/// What the program of this title has printed, run by this one, which finds its packages from this folder on.
#[track_caller]
fn printed(title: &str, interpreter: impl AsRef<std::ffi::OsStr>, packages: &std::path::Path) -> String {
    let dev = Dev::start();
    let folder = packages.ancestors().nth(2).expect("it is two folders down");
    let (_own, file) = written_from(&repository().join("docs/migration.md"), folder, title);
    let mut command = clean(interpreter);
    run(command.arg(file).env("MCPW_URL", dev.url()).env("MCPW_TOKEN", dev.token())).success()
}

#[track_caller]
fn python(title: &str) -> String {
    let interpreter = installed("venv/bin/python");
    printed(title, &interpreter, &interpreter)
}

/// What stands between these two.
#[track_caller]
fn number(printed: &str, before: &str, after: &str) -> u32 {
    let found = printed.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("{printed}"))
}

#[test]
fn a_connected_job_sends_less_than_one_that_polls() {
    let polling = number(&python("poll.py"), "done, events [1, 2], ", " requests");
    let connected = number(&python("job.py"), "done, events [1, 2], ", " messages");
    // Three requests, and one for each event; one that polls on a busy machine comes to ask less often than the page says.
    assert!(connected == 5 && polling > connected, "{connected} messages, {polling} requests");
}

#[test]
fn a_reader_goes_on_where_polling_has_come_to() {
    assert_eq!(python("hear.py"), "heard [1, 2]\n");
}

#[test]
fn a_job_survives_a_cut_connection() {
    let printed = printed("job.mjs", "node", &installed("node/node_modules/ws"));
    assert_eq!(printed, "done, events 1,2, 2 connections\n");
}

#[test]
fn every_program_of_the_page_is_run() {
    let titles: Vec<_> =
        blocks(&repository().join("docs/migration.md")).into_iter().filter_map(|block| block.title).collect();
    assert_eq!(titles, ["poll.py", "hear.py", "job.py", "job.mjs"]);
}
