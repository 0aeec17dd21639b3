//! The lines of the page on benches, each of them run at the `mcpw dev` of the same user.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::markdown::blocks;
use crate::process::{Process, run};
use crate::{mcpw, repository};

fn of_this_user(home: &Path) -> Command {
    let mut command = mcpw();
    command.env("HOME", home).current_dir(home);
    command
}

#[test]
fn the_documented_lines_do_what_they_say_at_a_running_dev() {
    let home = TempDir::new().expect("a temporary folder");
    let mut dev = of_this_user(home.path());
    dev.args(["dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
    let mut dev = Process::start(&mut dev);
    dev.await_output("ws://");

    let page = blocks(&repository().join("docs/bench.md"));
    let shown =
        page.iter().find(|block| block.title.as_deref() == Some("bench.sh")).expect("lines are shown");
    let mut count = 0;
    for line in shown.text.lines() {
        let words = line.strip_prefix("mcpw ").unwrap_or_else(|| panic!("{line} is no command of mcpw"));
        let words = words.split(' ').map(|word| word.trim_matches('\''));
        let ended = run(of_this_user(home.path()).args(words));
        assert!(ended.code == Some(0), "{line}: {ended:?}");
        assert!(!ended.stdout.contains("error  "), "{line}: {}", ended.stdout);
        count += 1;
    }
    assert!(count >= 8, "{count} lines");
    assert!(home.path().join("report.html").exists());
}
