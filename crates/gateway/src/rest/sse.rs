//! Server-sent events: how one is written, and the events of a call.

use super::Link;
use super::answer::{self, Answer};
use super::problem::Problem;
use super::running::Running;
use crate::session::progress;
use bytes::Bytes;
use futures_util::stream;
use router::Event;
use std::time::Duration;

/// What keeps a connection busy on which nothing happens.
pub(crate) const KEEP_ALIVE: &[u8] = b": still here\n\n";

/// One event. `kind` and `id` are left out if empty; neither has control characters.
pub(crate) fn write(kind: &str, id: &str, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(kind.len() + id.len() + data.len() + 32);
    for (name, value) in [("id", id), ("event", kind)] {
        if !value.is_empty() {
            out.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        }
    }
    // JSON has line breaks between its tokens alone, where one is as good as another.
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.into()
}

/// The end of a stream whose pod goes: when to come back.
pub(super) fn retry(link: &Link) -> Bytes {
    Bytes::from(format!("retry: {}\n\n", link.shard.pod.reconnect_delay_ms()))
}

/// What comes of a call: `progress` and `partial` as they come, at last `result` or `error`.
pub(super) fn call(running: Running, heartbeat: Duration) -> Answer {
    answer::events(stream::unfold(Some(running), move |running| async move {
        let mut running = running?;
        let Ok(event) = tokio::time::timeout(heartbeat, running.next()).await else {
            return Some((Bytes::from_static(KEEP_ALIVE), Some(running)));
        };
        Some(match event {
            Event::Progress(told) => {
                let data = [b"{", &progress::member_of(&told)[..], b"}"].concat();
                (write("progress", "", &data), Some(running))
            }
            Event::Partial(part) => (write("partial", "", &part), Some(running)),
            Event::Result(result) => (write("result", "", &result), None),
            Event::Failed(failure) => (write("error", "", &Problem::from(failure).body()), None),
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_in_the_data_is_no_end_of_the_event() {
        for (kind, id, data, expected) in [
            ("", "", &b"1"[..], "data: 1\n\n"),
            ("gap", "a:1", b"{}", "id: a:1\nevent: gap\ndata: {}\n\n"),
            ("", "", b"{\r\n\"a\":1}\n", "data: {\ndata: \"a\":1}\n\n"),
        ] {
            assert_eq!(write(kind, id, data), expected.as_bytes());
        }
    }
}
