//! A Prometheus of a test's own. Dropped, it is killed.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use dashboards::{Pace, files};
use serde_json::Value;
use tempfile::TempDir;
use tests::{PATIENCE, until};

use crate::JOB;

/// A running server.
#[derive(Debug)]
pub(crate) struct Prometheus {
    address: SocketAddr,
    process: Child,
    folder: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes each second, with our rules at this pace.
    ///
    /// # Panics
    /// There is none to start; says what to install.
    pub(crate) fn start(pace: Pace) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it is ours");
        for file in files(pace) {
            if let Some(name) = file.path.strip_prefix("deploy/prometheus/") {
                write(name, &file.text);
            }
        }
        write("targets.json", "[]");
        write(
            "prometheus.yml",
            &format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
                 rule_files: [rules.yaml, alerts.yaml]\n\
                 scrape_configs: [{{job_name: {JOB}, file_sd_configs: [{{files: [targets.json], refresh_interval: 1s}}]}}]\n"
            ),
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        drop(listener);
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
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
    pub(crate) fn scrape<'a>(&self, pods: impl IntoIterator<Item = (&'a str, SocketAddr)>) {
        let target = |(pod, address): (&str, SocketAddr)| serde_json::json!({"targets": [address.to_string()], "labels": {"pod": pod}});
        let targets: Vec<_> = pods.into_iter().map(target).collect();
        let written = self.folder.path().join("targets.new");
        fs::write(&written, serde_json::to_string(&targets).expect("it is JSON")).expect("the folder is ours");
        fs::rename(written, self.folder.path().join("targets.json")).expect("the folder is ours");
    }

    /// The samples that an expression has at this moment.
    ///
    /// # Panics
    /// Prometheus does not understand it.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.api(&format!("/api/v1/query?query={}", escaped(expression)));
        answer["result"].as_array().unwrap_or_else(|| panic!("{expression}: {answer}")).clone()
    }

    /// The alerts that fire.
    pub(crate) fn firing(&self) -> Vec<Value> {
        let alerts = self.api("/api/v1/alerts")["alerts"].take();
        let alerts = alerts.as_array().expect("there is a list");
        alerts.iter().filter(|alert| alert["state"] == "firing").cloned().collect()
    }

    /// All rules, with how they fare.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let groups = self.api("/api/v1/rules")["groups"].take();
        let groups = groups.as_array().expect("there is a list");
        groups.iter().flat_map(|group| group["rules"].as_array().expect("there is a list").clone()).collect()
    }

    fn api(&self, path: &str) -> Value {
        let body = self.get(path).unwrap_or_else(|| panic!("no answer to {path}"));
        let mut answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
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
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
