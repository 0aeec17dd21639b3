//! A Prometheus of a test's own. Dropped, it is killed.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use crate::{PATIENCE, until};

/// A running server.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    process: Child,
    folder: TempDir,
}

impl Prometheus {
    /// The name of its only job.
    pub const JOB: &str = "mcpw";

    /// Starts one that scrapes each second, with these files of rules: a name and a text.
    ///
    /// # Panics
    /// There is none to start; says what to install.
    pub fn start(rules: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it is ours");
        rules.iter().for_each(|(name, text)| write(name, text));
        let names: Vec<_> = rules.iter().map(|(name, _)| *name).collect();
        write("targets.json", "[]");
        write(
            "prometheus.yml",
            &serde_json::json!({
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                "rule_files": names,
                "scrape_configs": [{
                    "job_name": Self::JOB,
                    "file_sd_configs": [{"files": ["targets.json"], "refresh_interval": "1s"}],
                }],
            })
            .to_string(),
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        drop(listener);
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).expect("the folder is ours"))
            .spawn()
            .expect("there is no prometheus; please run: apt-get install --no-install-recommends prometheus");
        let prometheus = Self { address, process, folder };
        until("Prometheus to be ready", || prometheus.get("/-/ready").is_some().then_some(()));
        prometheus
    }

    /// Has these scraped, each under the name of a pod, and nothing else.
    ///
    /// # Panics
    /// The folder is full.
    pub fn scrape<'a>(&self, pods: impl IntoIterator<Item = (&'a str, SocketAddr)>) {
        let target = |(pod, address): (&str, SocketAddr)| serde_json::json!({"targets": [address.to_string()], "labels": {"pod": pod}});
        let targets: Vec<_> = pods.into_iter().map(target).collect();
        let written = self.folder.path().join("targets.new");
        fs::write(&written, serde_json::to_string(&targets).expect("it is JSON"))
            .expect("the folder is ours");
        fs::rename(written, self.folder.path().join("targets.json")).expect("the folder is ours");
    }

    /// The samples that an expression has at this moment.
    ///
    /// # Panics
    /// Prometheus does not understand it.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.api(&format!("/api/v1/query?query={}", escaped(expression)));
        answer["result"].as_array().unwrap_or_else(|| panic!("{expression}: {answer}")).clone()
    }

    /// The samples that an expression had in the last so many seconds, one a second.
    ///
    /// # Panics
    /// Prometheus does not understand it.
    pub fn range(&self, expression: &str, seconds: u64) -> Vec<Value> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
        let (start, query) = (now - seconds, escaped(expression));
        let answer = self.api(&format!("/api/v1/query_range?query={query}&start={start}&end={now}&step=1"));
        answer["result"].as_array().unwrap_or_else(|| panic!("{expression}: {answer}")).clone()
    }

    /// The alerts that fire.
    ///
    /// # Panics
    /// Prometheus does not answer.
    pub fn firing(&self) -> Vec<Value> {
        let alerts = self.api("/api/v1/alerts")["alerts"].take();
        let alerts = alerts.as_array().expect("there is a list");
        alerts.iter().filter(|alert| alert["state"] == "firing").cloned().collect()
    }

    /// All rules, with how they fare.
    ///
    /// # Panics
    /// Prometheus does not answer.
    pub fn rules(&self) -> Vec<Value> {
        let groups = self.api("/api/v1/rules")["groups"].take();
        let groups = groups.as_array().expect("there is a list");
        groups.iter().flat_map(|group| group["rules"].as_array().expect("there is a list").clone()).collect()
    }

    /// The answer of its API to a question.
    ///
    /// # Panics
    /// There is none.
    pub fn ask(&self, path: &str) -> Value {
        let body = self.get(path).unwrap_or_else(|| panic!("no answer to {path}"));
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    fn api(&self, path: &str) -> Value {
        let mut answer = self.ask(path);
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].take()
    }

    /// The body of an answer with 200.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        // What answers HTTP/1.0 sends no chunks.
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: prometheus\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let known = head.split(' ').nth(1).is_some_and(|status| ["200", "400", "422"].contains(&status));
        known.then(|| body.to_owned())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// For a query of a URL.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
