//! A server of Model Context Protocol that does nothing but answer, over its pipes: what the bridge is measured with.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Answers each line until its input ends, in the era that has sessions.
pub(crate) fn serve() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let result = match request["method"].as_str().unwrap_or_default() {
            "initialize" => json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "bench", "version": "1"},
            }),
            "tools/list" => json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}),
            "tools/call" => {
                json!({"content": [{"type": "text", "text": request["params"]["arguments"]["text"]}]})
            }
            _ => Value::Null,
        };
        let answer = match (&request["id"], result) {
            // Notifications have no answer.
            (Value::Null, _) => continue,
            (id, Value::Null) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}})
            }
            (id, result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// The command that serves so.
pub(crate) fn command() -> Result<[String; 2]> {
    let program = std::env::current_exe()?.into_os_string().into_string();
    let program = program.ok().context("the path of this program is no text")?;
    Ok([program, "serve-stdio".to_owned()])
}

/// Such a server, spoken with over its pipes. Dropped, it is ended.
#[derive(Debug)]
pub(crate) struct Direct {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Direct {
    pub(crate) fn start() -> Result<Self> {
        let [program, argument] = command()?;
        let mut child =
            Command::new(program).arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = input.zip(output).context("the child has its pipes")?;
        let mut direct = Self { child, input, output: BufReader::new(output) };
        let initialize = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}});
        let opened = direct
            .ask(&format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{initialize}}}"#))?;
        ensure!(opened.contains("2025-11-25"), "another answer than expected: {opened}");
        Ok(direct)
    }

    /// Sends a request, and waits for the line that answers it.
    pub(crate) fn ask(&mut self, request: &str) -> Result<String> {
        let mut line = request.to_owned();
        line.push('\n');
        self.input.write_all(line.as_bytes())?;
        line.clear();
        ensure!(self.output.read_line(&mut line)? > 0, "the server has ended");
        Ok(line)
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
