//! Who only follows the pages: the lines of docs/quick-start.md and docs/two-pods.md, pasted one after the other into a
//! shell in a folder with nothing but a release in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tests::chaos::free_address;

use crate::book::check_links;
use crate::clean;
use crate::markdown::{Block, blocks};
use crate::process::{Process, run};
use crate::repository;
use crate::shell::Shell;

/// How long packing may take.
const PACKED: Duration = Duration::from_secs(180);

/// A page that is followed.
#[derive(Debug)]
struct Walk {
    shell: Shell,
    blocks: std::vec::IntoIter<Block>,
    /// What was printed, by the titles of the blocks.
    printed: HashMap<String, String>,
    folder: TempDir,
}

impl Walk {
    /// Goes to a folder that holds a release, with these variables besides.
    fn begin(page: &str, variables: &[(&str, String)]) -> Self {
        check_installed();
        let folder = tempfile::Builder::new().prefix("newcomer").tempdir().expect("a temporary folder");
        release(folder.path());
        let mut command = clean("bash");
        // `mcpw dev` tells `mcpw call` below it where it is.
        command.current_dir(folder.path()).env("HOME", folder.path());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let shown = blocks(&repository().join("docs").join(page)).into_iter();
        let run: Vec<_> = shown.filter(|block| block.language == "sh" && block.title.is_some()).collect();
        Self { shell: Shell::start(command), blocks: run.into_iter(), printed: HashMap::new(), folder }
    }

    /// Pastes the blocks up to the one with this title; what that one printed.
    #[track_caller]
    fn up_to(&mut self, title: &str) -> &str {
        while let Some(block) = self.blocks.next() {
            let here = block.title.clone().unwrap_or_default();
            let printed = self.shell.paste(&block.text).unwrap_or_else(|why| {
                panic!("{}:{}: {why}\n{}", block.file.display(), block.line, self.logs());
            });
            self.printed.insert(here.clone(), printed);
            if here == title {
                break;
            }
        }
        self.printed.get(title).unwrap_or_else(|| panic!("the page has no block with title={title}"))
    }

    #[track_caller]
    fn follow_the_rest(&mut self) {
        let last = self.blocks.as_slice().last().and_then(|block| block.title.clone());
        self.up_to(&last.expect("there are blocks left"));
    }

    /// What was written into files whose names end in `.log`.
    fn logs(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).expect("the folder is ours");
        let files = files.map(|file| file.expect("the folder is ours").path());
        let logs = files.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
        logs.map(|file| {
            format!("== {}\n{}", file.display(), std::fs::read_to_string(&file).unwrap_or_default())
        })
        .collect()
    }

    /// What this variable of the shell holds.
    fn variable(&mut self, name: &str) -> String {
        let printed = self.shell.paste(&format!("echo ${name}")).expect("the shell is there");
        printed.trim().to_owned()
    }
}

/// A release as `cargo xtask dist` packs it, of the programs that tests use.
fn release(folder: &Path) {
    let programs = TempDir::new().expect("a temporary folder");
    for (name, built) in [
        ("mcpw", env!("CARGO_BIN_EXE_mcpw-under-test")),
        ("mcpw-tools", env!("CARGO_BIN_EXE_mcpw-tools-under-test")),
    ] {
        // Without what is there for debuggers it is packed and unpacked several times as fast.
        run(clean("strip").arg("-o").arg(programs.path().join(name)).arg(built)).success();
    }
    // Where cargo puts programs, one of which it has made for this test.
    let xtask = Path::new(env!("CARGO_BIN_EXE_mcpw-under-test")).with_file_name("xtask");
    assert!(xtask.exists(), "{} is missing: `cargo build --package xtask` makes it", xtask.display());
    let mut dist = Command::new(xtask);
    dist.args(["dist", "--level", "1", "--programs"]).arg(programs.path()).arg("--out").arg(programs.path());
    let archive = Process::start(&mut dist).end_within(PACKED).success();
    let archive = PathBuf::from(archive.trim_end());
    let name = archive.file_name().expect("an archive has a name");
    std::fs::copy(&archive, folder.join(name)).expect("the folders are ours");
}

/// Ports that nobody listens at, and that programs can be started at again.
fn free_ports<const N: usize>() -> [String; N] {
    let port = |()| free_address([127, 0, 0, 1].into()).expect("the system has free ports").port();
    [(); N].map(port).map(|port| port.to_string())
}

/// What the pages and this test start besides.
fn check_installed() {
    for (program, package) in
        [("strip", "binutils"), ("redis-cli", "redis-server"), ("haproxy", "haproxy"), ("curl", "curl")]
    {
        let mut look = clean("sh");
        look.arg("-c").arg(format!("PATH=$PATH:/usr/sbin command -v {program}"));
        let found = look.output().is_ok_and(|output| output.status.success());
        assert!(
            found,
            "there is no {program}; please run: apt-get install --no-install-recommends {package}"
        );
    }
}

#[test]
fn whoever_follows_the_quick_start_calls_tools() {
    let [clients, admin, grpc] = free_ports();
    let address = |port| format!("127.0.0.1:{port}");
    let mut walk = Walk::begin(
        "quick-start.md",
        &[
            ("WEBSOCKET_LISTEN", address(clients)),
            ("ADMIN_LISTEN", address(admin)),
            ("REGISTRY_LISTEN", address(grpc)),
        ],
    );
    let told = walk.up_to("call").to_owned();
    for part in ["fs.search", "WebSocket front door of an MCP platform"] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    assert!(walk.up_to("progress").contains("slept_ms"));
    assert!(walk.up_to("contexts").contains("The build takes seven minutes."));
    assert!(walk.up_to("events").contains("build.done"));
    assert!(walk.up_to("rest").contains("unix_ms"));
    walk.follow_the_rest();
}

#[test]
fn whoever_follows_the_page_upgrades_two_pods_and_loses_no_call() {
    const PORTS: [&str; 8] = ["FRONT", "REDIS", "POD_1", "ADMIN_1", "GRPC_1", "POD_2", "ADMIN_2", "GRPC_2"];
    let ports = free_ports::<{ PORTS.len() }>();
    let variables: Vec<_> = PORTS.into_iter().zip(ports).collect();
    let mut walk = Walk::begin("two-pods.md", &variables);
    walk.up_to("unpack");
    check_links(&walk.folder.path().join("old"));
    assert!(walk.up_to("first-call").contains("unix_ms"));

    // Traffic is seen at both pods.
    let metrics = walk.up_to("metrics").to_owned();
    let counted = |series: &str| {
        let values = metrics.lines().filter_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok());
        values.filter(|value| *value > 0.0).count()
    };
    assert_eq!((counted("backend_calls_total"), counted("store_up")), (2, 2), "{metrics}");
    assert!(counted("websocket_connections_active") > 0, "{metrics}");

    // Each pod that drains ends well, and the one that follows it is of the new folder and takes traffic.
    let folder = walk.folder.path().canonicalize().expect("it is there");
    for (number, drain, upgrade) in [("1", "drain", "upgrade"), ("2", "the-other-one", "the-other-one")] {
        assert!(walk.up_to(drain).contains(&format!("pod {number} ended with 0")), "{:?}", walk.printed);
        if drain != upgrade {
            let version = walk.up_to(upgrade);
            assert!(version.starts_with(concat!("mcpw ", env!("CARGO_PKG_VERSION"))), "{version}");
        }
        let pod = walk.variable(&format!("pod_{number}"));
        let runs = std::fs::read_link(format!("/proc/{pod}/exe")).expect("the pod is running");
        assert_eq!(runs, folder.join("new/bin/mcpw"));
    }

    assert!(walk.up_to("session").contains("tour.done"));
    let told = walk.up_to("count").to_owned();
    let answered = told.lines().find_map(|line| line.strip_prefix("answered: ")?.parse::<u32>().ok());
    assert!(answered.is_some_and(|answered| answered > 40), "{told}");
    // The counts are all that it says: no error.
    assert_eq!(told.lines().skip(1).collect::<Vec<_>>(), ["lost: 0"], "{told}");
    walk.follow_the_rest();
}
