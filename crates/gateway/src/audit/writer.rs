//! The thread that writes the audit log. A disk that refuses costs lines, which are counted, and never the service.

use super::Order;
use super::chain::{Chain, torn};
use super::entry::{Entry, Event};
use super::file::{self, Opened};
use super::folds::Folds;
use super::losses::Losses;
use crate::config;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long to wait before a disk that refused is tried again.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Writer {
    path: PathBuf,
    sync: bool,
    pod: String,
    file: File,
    /// Where the chain ends, as far as it is written.
    chain: Chain,
    /// What of the file is no whole line, until a line tells of it.
    torn: Option<String>,
    /// The file's last line has no end.
    is_cut: bool,
    /// The next line is the first of its file, and names the last one of the file before.
    is_first: bool,
    begun: Option<Begun>,
    losses: Arc<Losses>,
    folds: Arc<Folds>,
    is_failing: bool,
}

/// A line of which not all is written.
struct Begun {
    bytes: Vec<u8>,
    written: usize,
    /// Where the chain ends with it.
    chain: Chain,
    /// How many lines are lost with it.
    stands_for: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    pod: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a str>,
}

impl Writer {
    pub(super) fn new(
        settings: config::Audit,
        opened: Opened,
        pod: String,
        (losses, folds): (Arc<Losses>, Arc<Folds>),
    ) -> Self {
        let Opened { file, chain, torn, is_cut, .. } = opened;
        Self {
            path: settings.file.unwrap_or_default(),
            sync: settings.sync,
            pod,
            file,
            chain,
            torn,
            is_cut,
            is_first: false,
            begun: None,
            losses,
            folds,
            is_failing: false,
        }
    }

    /// Writes until it is told to end, or nobody is left who could tell it anything.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        self.catch_up();
        loop {
            let is_behind = self.begun.is_some() || self.torn.is_some() || self.losses.untold() > 0;
            let told_in = self.folds.next().map(|end| end.saturating_duration_since(Instant::now()));
            let order = match told_in.into_iter().chain(is_behind.then_some(RETRY)).min() {
                Some(wait) => orders.recv_timeout(wait),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let mut next = match order {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // All that waits is written before the disk is asked to keep it.
            while let Some(order) = next {
                match order {
                    Order::Write(entry) => self.write(&entry),
                    Order::Reopen => self.reopen(),
                    Order::End => {
                        self.write_all(&self.folds.rest());
                        return self.settle();
                    }
                }
                next = orders.try_recv().ok();
            }
            self.write_all(&self.folds.due(Instant::now()));
            self.settle();
        }
    }

    fn write_all(&mut self, entries: &[Entry]) {
        entries.iter().for_each(|entry| self.write(entry));
    }

    fn settle(&mut self) {
        self.catch_up();
        if self.sync
            && self.file.metadata().is_ok_and(|metadata| metadata.is_file())
            && let Err(error) = self.file.sync_data()
        {
            self.failed(&error);
        }
    }

    fn write(&mut self, entry: &Entry) {
        if !self.catch_up() || !self.put(entry, 1) {
            self.losses.add(1);
        }
    }

    /// Writes what has to stand before the next entry; false if it can't.
    fn catch_up(&mut self) -> bool {
        if self.begun.is_some() && !self.go_on() {
            return false;
        }
        if let Some(torn) = self.torn.clone() {
            if !self.put(&Entry::new(Event::Torn).reason(torn), 0) {
                return false;
            }
            self.torn = None;
        }
        let lost = self.losses.untold();
        if lost > 0 && self.begun.is_none() {
            if !self.put(&Entry::lost(lost), lost) {
                return false;
            }
            self.losses.told(lost);
        }
        self.begun.is_none()
    }

    /// Writes one line; false if nothing of it was written. What was begun is ended later.
    fn put(&mut self, entry: &Entry, stands_for: u64) -> bool {
        let previous = self.is_first.then_some(&*self.chain.hash);
        let line = Line { seq: self.chain.seq + 1, pod: &self.pod, entry, previous };
        // Names and numbers can always be written.
        let (line, chain) = self.chain.close(&serde_json::to_string(&line).unwrap_or_default());
        let bytes = [if self.is_cut { "\n" } else { "" }, &line, "\n"].concat().into_bytes();
        self.begun = Some(Begun { bytes, written: 0, chain, stands_for });
        self.go_on();
        self.begun.take_if(|begun| begun.written == 0).is_none()
    }

    /// Goes on with the line that was begun; false if it is not ended.
    fn go_on(&mut self) -> bool {
        let Some(begun) = &mut self.begun else { return true };
        while begun.written < begun.bytes.len() {
            match self.file.write(&begun.bytes[begun.written..]) {
                Ok(0) => {
                    self.failed(&io::ErrorKind::WriteZero.into());
                    return false;
                }
                Ok(written) => begun.written += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed(&error);
                    return false;
                }
            }
        }
        if let Some(begun) = self.begun.take() {
            self.chain = begun.chain;
        }
        (self.is_cut, self.is_first) = (false, false);
        if std::mem::take(&mut self.is_failing) {
            tracing::info!(path = %self.path.display(), "the audit log is written again");
        }
        true
    }

    /// What was begun and is not ended yet stays in the old file as it is.
    fn reopen(&mut self) {
        let opened = match file::open(&self.path) {
            Ok(opened) => opened,
            Err(error) => return self.failed(&error),
        };
        self.file = opened.file;
        (self.torn, self.is_cut) = (opened.torn, opened.is_cut);
        self.is_first = self.chain.seq > 0 && (opened.is_empty || opened.chain != self.chain);
        if let Some(begun) = self.begun.take() {
            self.losses.add(begun.stands_for);
            self.torn.get_or_insert_with(|| torn(&begun.bytes[..begun.written]));
        }
        self.write(&Entry::new(Event::Reopened));
    }

    /// Told once for as long as it goes on.
    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!(path = %self.path.display(), %error, "the audit log can't be written");
        }
    }
}
