//! The context service as a process. Dropped, it is killed.

use crate::{Endpoints, until};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// A running service.
#[derive(Debug)]
pub struct Contexts {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// Held, since the service writes to it.
    _stdout: BufReader<ChildStdout>,
    /// Where its database is, if that ends with it.
    _folder: Option<TempDir>,
}

impl Contexts {
    /// Starts `mcpw context` from this binary with this database, at this gateway, and waits until it is called.
    ///
    /// # Panics
    /// It does not start, or is not called.
    pub fn start(binary: &str, database: &str, gateway: &Endpoints) -> Self {
        let contexts = Self::serve(binary, database, &["--registry", &format!("http://{}", gateway.grpc)]);
        Self::await_calls(gateway);
        contexts
    }

    /// Starts it with a database that ends with it.
    ///
    /// # Panics
    /// As [`Contexts::start`].
    pub fn passing(binary: &str, gateway: &Endpoints) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let database = format!("sqlite:{}/contexts.db", folder.path().display());
        let mut contexts = Self::start(binary, &database, gateway);
        contexts._folder = Some(folder);
        contexts
    }

    /// Starts it with these arguments besides, and waits until it listens.
    ///
    /// # Panics
    /// It does not.
    pub fn serve(binary: &str, database: &str, arguments: &[&str]) -> Self {
        Self::launch(&[binary], database, arguments)
    }

    /// As [`Contexts::start`], by a command that becomes the binary: its words stand before it.
    ///
    /// # Panics
    /// As [`Contexts::start`].
    pub fn through(command: &[&str], binary: &str, database: &str, gateway: &Endpoints) -> Self {
        let command = [command, &[binary]].concat();
        let contexts = Self::launch(&command, database, &["--registry", &format!("http://{}", gateway.grpc)]);
        Self::await_calls(gateway);
        contexts
    }

    fn launch(command: &[&str], database: &str, arguments: &[&str]) -> Self {
        let mut command = self::command(command, database);
        let mut child = command
            .args(arguments)
            // Small, so that tests reach them.
            .env("CONTEXT_MAX_CONTENT_BYTES", "262144")
            .env("CONTEXT_MAX_METADATA_BYTES", "1024")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the service writes UTF-8");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it ended early: {line}"));
        let address = ready["listening"].as_str().expect("it says where it listens").to_owned();
        Self { child, address, _stdout: stdout, _folder: None }
    }

    /// Runs it with this database to its end; what it said on standard error.
    ///
    /// # Panics
    /// It serves, or ends well.
    pub fn refused(binary: &str, database: &str) -> String {
        let mut child = command(&[binary], database)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let status = until("the service to end", || child.try_wait().expect("it is our child"));
        let mut said = String::new();
        child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it writes UTF-8");
        assert!(!status.success(), "it has ended well: {said}");
        said
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the gateway has a service of contexts.
    pub fn await_calls(gateway: &Endpoints) {
        let mut client = gateway.connect();
        until("the service to be called", || {
            client.request("list", "context.list", &json!({}));
            (client.message()["type"] == 1).then_some(())
        });
    }

    /// Kills it with SIGKILL. It is gone on return.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends SIGTERM and waits for its end.
    ///
    /// # Panics
    /// It does not end in time, or there is no command `kill`.
    pub fn terminate(mut self) -> ExitStatus {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(status.expect("there is a command kill").success());
        until("the end of the service", || self.child.try_wait().expect("it is our child"))
    }
}

fn command(words: &[&str], database: &str) -> Command {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args(["context", "--database", database])
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

impl Drop for Contexts {
    fn drop(&mut self) {
        self.kill();
    }
}
