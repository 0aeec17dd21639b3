//! The matching lines of a search, with the lines around them, within limits.
use std::collections::VecDeque;
use std::io;

use grep_searcher::{Searcher, Sink, SinkContext, SinkFinish, SinkMatch};
use schemars::JsonSchema;
use serde::Serialize;

/// Bytes of a line that are returned.
const MAX_LINE: usize = 500;
/// Bytes of lines that one search returns.
const MAX_TEXT: usize = 4 << 20;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Found {
    /// Relative to the root folder.
    path: String,
    /// Counted from 1.
    line: u64,
    text: String,
    /// The lines before it, if context was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    /// The lines after it, if context was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
}

pub(crate) struct Matches {
    limit: usize,
    context: u64,
    found: Vec<Found>,
    text_size: usize,
    truncated: bool,
    path: String,
    /// Where the matches of the current file start in `found`, and the text size then.
    file_start: (usize, usize),
    /// The last lines of the current file, as many as context was asked for.
    recent: VecDeque<(u64, String)>,
    binary: bool,
}

impl Matches {
    pub(crate) fn new(limit: usize, context: usize) -> Self {
        Self {
            limit,
            context: context as u64,
            found: Vec::new(),
            text_size: 0,
            truncated: false,
            path: String::new(),
            file_start: (0, 0),
            recent: VecDeque::new(),
            binary: false,
        }
    }

    pub(crate) fn start_file(&mut self, path: String) {
        self.path = path;
        self.file_start = (self.found.len(), self.text_size);
        self.recent.clear();
        self.binary = false;
    }

    /// Forgets the current file's matches.
    pub(crate) fn drop_file(&mut self) {
        self.found.truncate(self.file_start.0);
        self.text_size = self.file_start.1;
        self.truncated = false;
    }

    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    pub(crate) fn binary(&self) -> bool {
        self.binary
    }

    pub(crate) fn into_found(self) -> Vec<Found> {
        self.found
    }

    /// Notes a line that stands around matches. False if there is no room for it.
    fn line(&mut self, number: u64, text: &str) -> bool {
        if self.context == 0 {
            return true;
        }
        for earlier in self.found[self.file_start.0..].iter_mut().rev() {
            if earlier.line + self.context < number {
                break;
            }
            if self.text_size + text.len() > MAX_TEXT {
                self.truncated = true;
                return false;
            }
            self.text_size += text.len();
            earlier.after.push(text.to_owned());
        }
        self.recent.push_back((number, text.to_owned()));
        while self.recent.front().is_some_and(|(first, _)| first + self.context <= number) {
            self.recent.pop_front();
        }
        true
    }

    fn matched(&mut self, number: u64, text: String) -> bool {
        let near = |first: u64| first + self.context >= number;
        let before: Vec<_> =
            self.recent.iter().filter(|(first, _)| near(*first)).map(|(_, text)| text.clone()).collect();
        if !self.line(number, &text) {
            return false;
        }
        let size = text.len() + before.iter().map(String::len).sum::<usize>();
        if self.found.len() == self.limit || self.text_size + size > MAX_TEXT {
            self.truncated = true;
            return false;
        }
        self.text_size += size;
        self.found.push(Found { path: self.path.clone(), line: number, text, before, after: Vec::new() });
        true
    }
}

impl Sink for &mut Matches {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let number = found.line_number().unwrap_or_default();
        Ok(Matches::matched(self, number, cut(found.bytes())))
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> io::Result<bool> {
        let number = context.line_number().unwrap_or_default();
        Ok(self.line(number, &cut(context.bytes())))
    }

    fn finish(&mut self, _: &Searcher, finish: &SinkFinish) -> io::Result<()> {
        self.binary = finish.binary_byte_offset().is_some();
        Ok(())
    }
}

/// The line without its end, and not longer than is readable.
fn cut(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() <= MAX_LINE {
        return String::from_utf8_lossy(line).into_owned();
    }
    let mut end = MAX_LINE;
    // Not in the middle of a character: its later bytes start with the bits 10.
    while end > MAX_LINE - 4 && line[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    format!("{}…", String::from_utf8_lossy(&line[..end]))
}
