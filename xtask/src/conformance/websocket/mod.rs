//! RFC 6455 as the Autobahn test suite sees it: its fuzzing client against the gateway's raw echo endpoint.

mod report;
mod suite;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::report::Report;
use crate::server::{Server, dev};
use crate::workspace;

/// Framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, limits, and what is called misc.
const CORE: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];

/// The settings of the test mode. The limits are raised for group 9: 16 MiB in one message, or in 64-byte fragments.
const SETTINGS: [(&str, &str); 6] = [
    ("WEBSOCKET_ECHO_PATH", "/echo"),
    ("WEBSOCKET_MAX_FRAGMENTS", "1000000"),
    ("WEBSOCKET_MAX_MESSAGE_SIZE", "67108864"),
    ("WEBSOCKET_MAX_FRAME_SIZE", "67108864"),
    ("RUNTIME_SHARDS", "1"),
    ("LOG_LEVEL", "warn"),
];

#[derive(Debug, clap::Args)]
#[group(id = "websocket")]
pub(crate) struct Options {
    /// Only these cases, as numbers or patterns: 1.*,6.4.*,7.1.1
    #[arg(long, value_delimiter = ',', default_values = CORE)]
    cases: Vec<String>,
    /// Another server's echo endpoint instead of the gateway's.
    #[arg(long, value_name = "WS_URL")]
    url: Option<String>,
    /// Tests the mcpw in this folder instead of building it.
    #[arg(long, value_name = "FOLDER", conflicts_with = "url")]
    programs: Option<PathBuf>,
    /// How long the whole run may take.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

impl Options {
    /// The folder with the mcpw to test, if it is not to be built.
    pub(crate) fn programs(&self) -> Option<&Path> {
        self.programs.as_deref()
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = workspace::target()?.join("conformance");
    let suite = suite::install(&folder)?;
    let (gateway, url) = match &options.url {
        Some(url) => (None, url.clone()),
        None => {
            let gateway = start_gateway(options.programs.as_deref(), &folder)?;
            let url = gateway.ready("url")?;
            let (origin, _) = url.rsplit_once('/').context("the gateway's URL has no path")?;
            let url = format!("{origin}/echo");
            (Some(gateway), url)
        }
    };
    let started = Instant::now();
    let reports = folder.join("reports");
    fuzz(&suite, &url, &options.cases, &reports, Duration::from_secs(options.seconds))?;
    drop(gateway);

    let report = Report::read(&reports).with_context(|| format!("cases {}", options.cases.join(",")))?;
    print!("{report}");
    println!(
        "{} cases in {:.0} s, reports in {}",
        report.cases(),
        started.elapsed().as_secs_f64(),
        reports.display()
    );
    match report.failed() {
        0 => Ok(()),
        failed => bail!("{failed} of {} cases failed", report.cases()),
    }
}

fn start_gateway(programs: Option<&Path>, folder: &Path) -> Result<Server> {
    let programs = match programs {
        Some(programs) => programs.to_owned(),
        None => workspace::build_release(&["gateway"])?,
    };
    let mut command = dev(&programs);
    command.envs(SETTINGS);
    Server::start(command, None, &folder.join("gateway.log"))
}

/// Runs the fuzzing client, whose reports replace those of the run before.
fn fuzz(suite: &suite::Suite, url: &str, cases: &[String], reports: &Path, limit: Duration) -> Result<()> {
    if reports.exists() {
        std::fs::remove_dir_all(reports)?;
    }
    std::fs::create_dir_all(reports)?;
    let spec = reports.join("spec.json");
    let server = serde_json::json!({ "agent": report::AGENT, "url": url });
    let content = serde_json::json!({
        "outdir": reports, "servers": [server], "cases": cases, "exclude-cases": [], "exclude-agent-cases": {},
    });
    std::fs::write(&spec, content.to_string())?;

    let log = reports.join("fuzzer.log");
    let output = std::fs::File::create(&log)?;
    let mut fuzzer = suite.fuzzer(&spec).stdout(output.try_clone()?).stderr(output).spawn()?;
    let until = Instant::now() + limit;
    let status = loop {
        if let Some(status) = fuzzer.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            fuzzer.kill()?;
            fuzzer.wait()?;
            bail!("the suite was not through after {} s; its log is {}", limit.as_secs(), log.display());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    ensure!(status.success(), "the suite failed: {status}\n{}", std::fs::read_to_string(&log)?);
    Ok(())
}
