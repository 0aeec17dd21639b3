//! Messages as lines of a child's pipes. `basic/transports/stdio`.
use crate::conversation::Conversation;
use std::sync::Weak;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
    BufReader,
};
use tokio::process::ChildStdout;
use tokio::sync::mpsc;

/// Lines that wait to be written.
pub(crate) const UNWRITTEN: usize = 256;
/// The longest line of a log; a longer one becomes several.
const LOG_LINE: u64 = 8 << 10;

/// Why a child is lost that has closed its pipe.
pub(crate) const ENDED: &str = "it has ended";

/// Towards a child. Dropped, the child's input ends.
#[derive(Debug)]
pub(crate) struct Stdio {
    lines: mpsc::Sender<String>,
}

impl Stdio {
    /// The link, and the future that writes what is sent.
    pub(crate) fn new(to: impl AsyncWrite + Unpin + Send) -> (Self, impl Future<Output = ()> + Send) {
        let (lines, unwritten) = mpsc::channel(UNWRITTEN);
        (Self { lines }, write(to, unwritten))
    }

    pub(crate) async fn send(&self, text: String) {
        // A child that is gone is noticed where it is read from.
        let _ = self.lines.send(text).await;
    }

    pub(crate) fn tell(&self, text: String) {
        if self.lines.try_send(text).is_err() {
            tracing::debug!("the server does not read; a notification is left out");
        }
    }
}

async fn write(mut to: impl AsyncWrite + Unpin, mut lines: mpsc::Receiver<String>) {
    while let Some(mut line) = lines.recv().await {
        // JSON has line breaks between values alone, where a blank does as well.
        if line.contains(['\n', '\r']) {
            line = line.replace(['\n', '\r'], " ");
        }
        line.push('\n');
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// Hands each line to the conversation, until the child writes no more. Says why that is.
pub(crate) async fn read(from: ChildStdout, to: Weak<Conversation>, longest: usize) -> String {
    let mut from = BufReader::with_capacity(64 << 10, from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match next_line(&mut from, &mut line, longest).await {
            Ok(true) => {}
            Ok(false) => return ENDED.to_owned(),
            Err(error) => return error.to_string(),
        }
        let Some(conversation) = to.upgrade() else { return "nobody listens".to_owned() };
        match std::str::from_utf8(&line) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => conversation.take(text.trim_end_matches(['\r', '\n']), None),
            Err(_) => tracing::warn!("the server sent a line that is not UTF-8"),
        }
    }
}

/// Reads one line; `false` at the end.
async fn next_line(
    from: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    longest: usize,
) -> std::io::Result<bool> {
    loop {
        let read = from.fill_buf().await?;
        if read.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(read.len(), |end| end + 1);
        if line.len() + taken > longest {
            return Err(std::io::Error::other(format!("it sent a message of more than {longest} bytes")));
        }
        line.extend_from_slice(&read[..taken]);
        from.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Passes what the child writes for people to the log, line by line.
pub(crate) async fn log(from: impl AsyncRead + Unpin, server: String) {
    let mut from = BufReader::new(from);
    while let Some(line) = log_line(&mut from).await {
        if !line.is_empty() {
            tracing::info!(target: "bridge::server", server, "{line}");
        }
    }
}

/// The next line, or as much of it as there may be at once; `None` at the end.
async fn log_line(from: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    match from.take(LOG_LINE).read_until(b'\n', &mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_of_a_log_that_never_ends_is_told_in_parts() {
        let mut from = BufReader::new(tokio::io::repeat(b'x'));
        let line = log_line(&mut from).await.expect("it is no end");
        assert_eq!(line.len() as u64, LOG_LINE);
        let mut from = BufReader::new(&b"one\r\n\ntwo"[..]);
        for expected in [Some("one"), Some(""), Some("two"), None] {
            assert_eq!(log_line(&mut from).await.as_deref(), expected);
        }
    }
}
