//! `mcpw admin drain`, `revoke`, `tail` and `log-level`: what takes more than a question.

use super::link::{Failure, Link};
use super::print;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

/// How often a drain is looked at.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Drain {
    /// Wait until the pod has ended, and tell how far it is.
    #[arg(long)]
    wait: bool,
    /// Begin nothing: say how far it is.
    #[arg(long, conflicts_with = "wait")]
    status: bool,
}

#[derive(Debug, clap::Args)]
#[group(id = "whom", required = true, multiple = true, args = ["token_id", "tenant"])]
pub(super) struct Revoke {
    /// The id of a token, its `jti`, or of an API key: mcpw_ and its id.
    #[arg(long, conflicts_with_all = ["tenant", "agent"])]
    token_id: Option<String>,
    /// A tenant as a whole, or that of --agent.
    #[arg(long)]
    tenant: Option<String>,
    /// An agent of --tenant.
    #[arg(long, requires = "tenant")]
    agent: Option<String>,
    /// Why; the audit log keeps it.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Tail {
    /// The session's id.
    session: uuid::Uuid,
    /// Tell the names of the members of params and results too, but no values.
    #[arg(long)]
    keys: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct LogLevel {
    /// error, warn, info, debug, trace, or a filter such as gateway=debug,info.
    level: Option<String>,
    /// For how many seconds; otherwise until the settings are read again.
    #[arg(long = "for", value_name = "SECONDS", requires = "level")]
    for_s: Option<u64>,
}

impl Drain {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        const PATH: &str = "/admin/v1/drain";
        if self.status {
            return link.show("GET", PATH).await;
        }
        let mut progress = link.ask("POST", PATH, None).await?;
        if !self.wait {
            return Ok(print::answer(&progress, link.json)?);
        }
        let mut told = Value::Null;
        loop {
            if told != progress {
                print::answer_line(&progress, link.json)?;
                told = progress;
            }
            tokio::time::sleep(LOOK).await;
            progress = match link.ask("GET", PATH, None).await {
                Ok(progress) => progress,
                // The process has ended, and its port with it.
                Err(Failure::Unreachable { .. }) => {
                    return Ok(print::answer_line(&json!({"state": "ended", "connections": 0}), link.json)?);
                }
                Err(failure) => return Err(failure),
            };
        }
    }
}

impl Revoke {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        let mut body = json!({});
        let members = [
            ("token_id", self.token_id),
            ("tenant", self.tenant),
            ("agent", self.agent),
            ("reason", self.reason),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                body[name] = value.into();
            }
        }
        let answer = link.ask("POST", "/admin/v1/revoke", Some(&body)).await?;
        Ok(print::answer(&answer, link.json)?)
    }
}

impl LogLevel {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        const PATH: &str = "/admin/v1/log-level";
        let Some(level) = self.level else { return link.show("GET", PATH).await };
        let mut body = json!({"level": level});
        if let Some(seconds) = self.for_s {
            body["for_s"] = seconds.into();
        }
        let answer = link.ask("PUT", PATH, Some(&body)).await?;
        Ok(print::answer(&answer, link.json)?)
    }
}

impl Tail {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        let path = format!("/admin/v1/sessions/{}/tail?keys={}", self.session, self.keys);
        let mut body = link.stream(&path).await?;
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            let broken =
                |error: hyper::Error| Failure::Unreachable { url: path.clone(), reason: error.to_string() };
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            text.extend_from_slice(&data);
            while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                if told(&String::from_utf8_lossy(&event), link.json)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Prints an event; whether it is the last.
fn told(event: &str, json: bool) -> Result<bool, Failure> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let (Some(kind), Some(data)) = (field("event: "), field("data: ")) else { return Ok(false) };
    let value: Value = serde_json::from_str(data).unwrap_or_default();
    if kind == "end" {
        print::note(value["reason"].as_str().unwrap_or("the stream has ended"));
        return Ok(true);
    }
    if json {
        writeln!(std::io::stdout().lock(), "{data}")?;
    } else {
        if let Some(dropped) = value["dropped"].as_u64() {
            print::note(&format!("{dropped} messages came faster than they could be told"));
        }
        print::line(&value, &["time", "direction", "type", "method", "id", "size", "code", "keys"])?;
    }
    Ok(false)
}
