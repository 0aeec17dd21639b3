//! `mcpw admin connections`, `sessions` and `backends`: lists, page by page.

use super::link::{Failure, Link};
use super::print;
use serde_json::{Value, json};

/// The longest page that a gateway gives.
const LONGEST: u32 = 1_000;

/// Which rows, and how many.
#[derive(Debug, clap::Args)]
struct Rows {
    /// Those of this tenant alone.
    #[arg(long)]
    tenant: Option<String>,
    /// Those of this agent alone.
    #[arg(long)]
    agent: Option<String>,
    /// Those from this address alone.
    #[arg(long)]
    address: Option<std::net::IpAddr>,
    /// The most rows of one page.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST)))]
    limit: u32,
    /// Where a list goes on, as the page before said.
    #[arg(long, conflicts_with = "all")]
    cursor: Option<String>,
    /// All pages.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Connections {
    #[command(flatten)]
    rows: Rows,
    /// That of this session alone.
    #[arg(long)]
    session: Option<uuid::Uuid>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Sessions {
    #[command(flatten)]
    rows: Rows,
}

#[derive(Debug, clap::Args)]
pub(super) struct Backends {
    /// Those of this backend alone.
    #[arg(long)]
    backend: Option<String>,
}

impl Connections {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        let columns = [
            ("ID", "id"),
            ("ADDRESS", "address"),
            ("TENANT", "tenant"),
            ("AGENT", "agent"),
            ("SESSION", "session"),
            ("PROTOCOL", "protocol"),
            ("TLS", "tls"),
            ("SINCE", "since"),
            ("STATE", "state"),
            ("IN", "bytes_received"),
            ("OUT", "bytes_sent"),
            ("MESSAGES", "messages_received"),
            ("CALLS", "calls_in_flight"),
            ("SUBSCRIPTIONS", "subscriptions"),
            ("LAG", "lag"),
        ];
        let session = self.session.map(|session| ("session", session.to_string()));
        self.rows.list(link, "connections", session, &columns).await
    }
}

impl Sessions {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        let columns = [
            ("ID", "id"),
            ("TENANT", "tenant"),
            ("AGENT", "agent"),
            ("CONNECTION", "connection"),
            ("SINCE", "since"),
            ("EPOCH", "epoch"),
            ("RESUMABLE", "resumable"),
            ("CALLS", "calls_in_flight"),
            ("UNACKNOWLEDGED", "unacknowledged"),
            ("LAG", "lag"),
            ("SUBSCRIPTIONS", "subscriptions"),
        ];
        self.rows.list(link, "sessions", None, &columns).await
    }
}

impl Backends {
    pub(super) async fn run(self, link: &Link) -> Result<(), Failure> {
        let columns = [
            ("BACKEND", "backend"),
            ("INSTANCE", "instance"),
            ("ADDRESS", "address"),
            ("SOURCE", "source"),
            ("STATE", "state"),
            ("EJECTED BY", "ejected_by"),
            ("CALLS", "calls_in_flight"),
            ("SINCE", "since"),
            ("TOOLS", "tools"),
            ("METHODS", "methods"),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(backend) = &self.backend {
            query.append_pair("backend", backend);
        }
        let answer = link.ask("GET", &path("backends", query), None).await?;
        shown(link, &answer, "backends", &columns)
    }
}

impl Rows {
    async fn list(
        self,
        link: &Link,
        what: &str,
        session: Option<(&str, String)>,
        columns: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let (mut rows, mut cursor) = (Vec::new(), self.cursor.clone());
        loop {
            let mut answer =
                link.ask("GET", &self.page(what, session.as_ref(), cursor.as_deref()), None).await?;
            if let Value::Array(more) = answer[what].take() {
                rows.extend(more);
            }
            cursor = answer["cursor"].as_str().map(str::to_owned);
            if cursor.is_none() || !self.all {
                break;
            }
        }
        shown(link, &json!({what: rows, "cursor": cursor}), what, columns)?;
        if let (Some(cursor), false) = (cursor, link.json) {
            print::note(&format!("there may be more: --cursor {cursor}, or --all"));
        }
        Ok(())
    }

    fn page(&self, what: &str, session: Option<&(&str, String)>, cursor: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let limit = if self.all { LONGEST } else { self.limit };
        query.append_pair("limit", &limit.to_string());
        let address = self.address.map(|address| address.to_string());
        let filters = [("tenant", &self.tenant), ("agent", &self.agent), ("address", &address)];
        for (name, value) in filters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if let Some((name, value)) = session {
            query.append_pair(name, value);
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        path(what, query)
    }
}

fn path(what: &str, mut query: form_urlencoded::Serializer<'_, String>) -> String {
    match query.finish() {
        query if query.is_empty() => format!("/admin/v1/{what}"),
        query => format!("/admin/v1/{what}?{query}"),
    }
}

fn shown(link: &Link, answer: &Value, what: &str, columns: &[(&str, &str)]) -> Result<(), Failure> {
    if link.json {
        print::answer(answer, true)?;
    } else {
        print::table(columns, answer[what].as_array().map_or(&[][..], |rows| rows))?;
    }
    Ok(())
}
