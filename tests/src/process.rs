//! A gateway as a process: the binary with a configuration file, signals and log lines.

use crate::gateway::base;
use crate::{Endpoints, Keys, Usage, until};
use gateway::Config;
use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A running process. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    endpoints: Endpoints,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    config: Config,
    /// Holds the configuration and the secret.
    folder: TempDir,
}

impl Process {
    /// Starts `mcpw gateway` from this binary with these settings, and waits until it has bound its ports. It
    /// logs JSON lines from `debug` up.
    ///
    /// # Panics
    /// It does not start with them.
    pub fn start(binary: &str, configure: impl FnOnce(&mut Config)) -> Self {
        Self::with_keys(binary, Keys::fresh(), configure)
    }

    /// As [`Self::start`], with this key.
    ///
    /// # Panics
    /// It does not start with them.
    pub fn with_keys(binary: &str, keys: Keys, configure: impl FnOnce(&mut Config)) -> Self {
        Self::launch(&[binary], keys, configure)
    }

    /// As [`Self::start`], by a command that becomes the binary: its words stand before it.
    ///
    /// # Panics
    /// It does not start with them.
    pub fn through(command: &[&str], binary: &str, configure: impl FnOnce(&mut Config)) -> Self {
        Self::through_with_keys(command, binary, Keys::fresh(), configure)
    }

    /// As [`Self::through`], with this key.
    ///
    /// # Panics
    /// It does not start with them.
    pub fn through_with_keys(
        command: &[&str],
        binary: &str,
        keys: Keys,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        Self::launch(&[command, &[binary]].concat(), keys, configure)
    }

    fn launch(command: &[&str], keys: Keys, configure: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let mut config = base();
        config.log.level = "debug".to_owned();
        // A configuration never shows its secrets, so the key is in a file.
        let secret = folder.path().join("secret");
        std::fs::write(&secret, keys.secret()).expect("the folder is ours");
        config.auth.keys.push(auth::KeySettings { secret_file: Some(secret), ..Default::default() });
        configure(&mut config);
        let file = folder.path().join("mcpw.yaml");
        let text = serde_json::to_string_pretty(&config).expect("a configuration is plain data");
        std::fs::write(&file, text).expect("the folder is ours");
        Self::run(command, &file, keys, folder, config)
    }

    fn run(command: &[&str], file: &Path, keys: Keys, folder: TempDir, config: Config) -> Self {
        let mut child = Command::new(command[0])
            .args(&command[1..])
            .args(["gateway", "--config"])
            .arg(file)
            .env_clear()
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = child.stderr.take().expect("it is piped");
        let sink = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(log).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8(line).expect("a log line is UTF-8");
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let bound = until("the log line with the bound addresses", || {
            let ended = child.try_wait().expect("it is our child");
            let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(ended.is_none(), "{file:?}: the gateway ended with {ended:?}: {lines:#?}");
            lines.iter().find(|line| line.contains("bound") && line.contains("grpc")).cloned()
        });
        let address = |name: &str| {
            // Lines for machines and those for people have the same fields: `"grpc":"…"` or `grpc=…`.
            let (_, rest) = bound.split_once(name).unwrap_or_else(|| panic!("no {name} in {bound}"));
            let rest = rest.trim_start_matches(['"', ':', '=']);
            let text = rest.split(['"', ' ']).next().unwrap_or_default();
            text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
        };
        let endpoints =
            Endpoints { clients: address("clients"), admin: address("admin"), grpc: address("grpc"), keys };
        Self { endpoints, child, lines, reader: Some(reader), config, folder }
    }

    /// Its file of settings.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("mcpw.yaml")
    }

    /// Writes other settings into its file, which nobody reads until it is told to.
    ///
    /// # Panics
    /// The file can't be written.
    pub fn rewrite(&mut self, configure: impl FnOnce(&mut Config)) {
        configure(&mut self.config);
        let text = serde_json::to_string_pretty(&self.config).expect("a configuration is plain data");
        std::fs::write(self.file(), text).expect("the folder is ours");
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it uses.
    pub fn usage(&self) -> Usage {
        Usage::of(self.child.id())
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// There is no command `kill`.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGHUP.
    ///
    /// # Panics
    /// There is no command `kill`.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Has it hold still, go on, or end, as `kill` names it.
    ///
    /// # Panics
    /// There is no command `kill`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.expect("there is a command kill").success());
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// It has not within [`crate::PATIENCE`].
    pub fn await_exit(&mut self) -> ExitStatus {
        until("the end of the process", || self.child.try_wait().expect("it is our child"))
    }

    /// The log lines so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a log line that holds this text.
    pub fn await_log(&self, text: &str) -> String {
        until(&format!("a log line with {text:?}"), || {
            self.log().into_iter().find(|line| line.contains(text))
        })
    }

    /// Ends it and answers all of its log.
    pub fn end(mut self) -> Vec<String> {
        self.kill();
        self.log()
    }

    fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take()
            && reader.join().is_err()
            && !std::thread::panicking()
        {
            panic!("a log line was not UTF-8");
        }
    }
}

impl Deref for Process {
    type Target = Endpoints;

    fn deref(&self) -> &Endpoints {
        &self.endpoints
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
