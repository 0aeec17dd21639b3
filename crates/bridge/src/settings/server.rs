//! One server: how it is reached, and what is done with what it offers.
use hyper::Uri;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A server of Model Context Protocol: a program that is started, or one that is reached by HTTP.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// What it is called here, 1 to 32 of `[A-Za-z0-9._-]` without a double `_`.
    pub name: String,
    /// The program and its arguments. Either this or `url`.
    pub command: Vec<String>,
    /// Variables of its environment, above those few that every child gets: PATH, HOME and the like.
    pub env: Secrets,
    /// Variables that it gets as the bridge itself has them.
    pub pass_env: Vec<String>,
    /// Its working folder. Default: the bridge's.
    pub folder: Option<PathBuf>,
    /// Whether all callers share one child. Default: they do.
    pub per: Per,
    /// How long a child of one session stays without a call, and without anybody who listens. Default 10 min.
    pub idle_timeout_ms: u64,
    /// The first pause before it is started again; each one is twice as long, and up to a half longer by chance. Default 500 ms.
    pub backoff_ms: u64,
    /// The longest pause. Default 30 s.
    pub backoff_max_ms: u64,
    /// Its endpoint, `http://host/path` or `https://host/path`.
    pub url: Option<String>,
    /// A file with the token that the bridge shows there, read again for each request.
    pub bearer_token_file: Option<PathBuf>,
    /// The variable of the environment with that token.
    pub bearer_token_env: Option<String>,
    /// More headers of each request.
    pub headers: Secrets,
    /// The authorities that its certificate may come from, PEM. Default: those of the system.
    pub server_ca_file: Option<PathBuf>,
    /// Which era of the protocol it speaks. Default: it is asked.
    pub era: Era,
    /// What a caller's token must hold for each of its tools.
    pub scopes: Vec<String>,
    /// How long a call may take where the caller names no time. Default: the gateway's own.
    pub timeout_ms: u32,
    /// Whether its tools' hints on what they change are believed. Default: they are.
    pub trust_annotations: bool,
    /// Resources whose URI begins with one of these are its own.
    pub uri_prefixes: Vec<String>,
}

/// Who shares a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// All callers.
    Bridge,
    /// The calls of one session; of an agent, where calls have none.
    Session,
}

/// Which era of the protocol a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// What it answers to `server/discover` tells.
    Auto,
    /// That of `initialize`.
    Legacy,
    /// That of 2026-07-28 and later.
    Modern,
}

/// Texts by name, which are never written out again.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secrets(pub BTreeMap<String, String>);

impl Secrets {
    fn shown(&self) -> BTreeMap<&str, &str> {
        self.0.keys().map(|name| (name.as_str(), "[redacted]")).collect()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl Serialize for Secrets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: String::new(),
            command: Vec::new(),
            env: Secrets::default(),
            pass_env: Vec::new(),
            folder: None,
            per: Per::Bridge,
            idle_timeout_ms: 600_000,
            backoff_ms: 500,
            backoff_max_ms: 30_000,
            url: None,
            bearer_token_file: None,
            bearer_token_env: None,
            headers: Secrets::default(),
            server_ca_file: None,
            era: Era::Auto,
            scopes: Vec::new(),
            timeout_ms: 0,
            trust_annotations: true,
            uri_prefixes: Vec::new(),
        }
    }
}

impl Server {
    /// A server that is started by this command line, as `npx -y PACKAGE`. Its name is made of the last word's.
    pub fn of_command(line: &str) -> Self {
        let command: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let words = command.iter().filter(|word| !word.starts_with('-'));
        let program = words.clone().nth(1).or_else(|| words.clone().next()).map_or("mcp", String::as_str);
        let last = program.rsplit(['/', '@']).find(|part| !part.is_empty()).unwrap_or("mcp");
        Self { name: crate::names::fitting(last, 32), command, ..Self::default() }
    }

    /// # Errors
    /// What would be right.
    pub(crate) fn check(&self) -> Result<(), String> {
        match (&self.url, self.command.first()) {
            (None, None) => return Err("command or url".to_owned()),
            (Some(_), Some(_)) => return Err("either command or url".to_owned()),
            (Some(url), None) => {
                let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
                if !url.parse::<Uri>().is_ok_and(|uri| is_http(&uri) && uri.host().is_some()) {
                    return Err("as url http://host/path or https://host/path".to_owned());
                }
                if self.per == Per::Session {
                    return Err("per: session for a command alone".to_owned());
                }
            }
            (None, Some(program)) if program.is_empty() => return Err("a program in command".to_owned()),
            (None, Some(_)) => {}
        }
        if self.bearer_token_file.is_some() && self.bearer_token_env.is_some() {
            return Err("either bearer_token_file or bearer_token_env".to_owned());
        }
        if self.url.is_none() && (self.bearer_token_file.is_some() || self.bearer_token_env.is_some()) {
            return Err("a bearer token for a url alone".to_owned());
        }
        if !(1..=self.backoff_max_ms).contains(&self.backoff_ms) {
            return Err("backoff_ms of 1 up to backoff_max_ms".to_owned());
        }
        if self.idle_timeout_ms == 0 {
            return Err("idle_timeout_ms of 1 or more".to_owned());
        }
        for (name, value) in &self.headers.0 {
            use hyper::header::{HeaderName, HeaderValue};
            if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value).is_err() {
                return Err(format!("a name and a value in headers that HTTP allows, not those of {name:?}"));
            }
        }
        Ok(())
    }
}
