//! The thread that delivers spans: it waits for some, sends them together, and never holds up whoever told them.

use super::collector::Collector;
use super::resource::{self, Process};
use super::settings::{Error, Settings};
use super::span::Span;
use super::tracer::Tracer;
use crate::Pod;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The most spans of one delivery.
const BATCH: usize = 512;
/// How long the first of them waits for others.
const PATIENCE: Duration = Duration::from_millis(500);

/// The exporter of a process.
#[derive(Debug)]
pub struct Exporter {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Exporter {
    /// Starts one, and how spans come to it; `None` if no endpoint is set. A collector that can't be reached is no error.
    ///
    /// # Errors
    /// Settings, headers, certificates or a thread that can't be had.
    pub fn start(
        settings: &Settings,
        process: &Process,
        counts: &Arc<Pod>,
    ) -> Result<Option<(Tracer, Self)>, Error> {
        settings.check()?;
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        let system = |error: std::io::Error| Error::Exporter(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(system)?;
        let collector = {
            let _entered = runtime.enter();
            Collector::new(endpoint, settings, &resource::of(process))?
        };
        let (queue, spans) = mpsc::channel(settings.queue);
        let (end, asked) = oneshot::channel();
        let delivery = Delivery { collector, spans, counts: Arc::clone(counts), told: String::new() };
        let within = Duration::from_millis(settings.timeout_ms);
        let run = move || runtime.block_on(delivery.run(asked, within));
        let thread = std::thread::Builder::new().name("traces".to_owned()).spawn(run).map_err(system)?;
        Ok(Some((Tracer::new(settings.ratio, queue, Arc::clone(counts)), Self { end, thread })))
    }

    /// Whether it could be started with these settings: reads the files, and connects to nobody.
    ///
    /// # Errors
    /// As of [`Self::start`].
    pub fn check(settings: &Settings) -> Result<(), Error> {
        settings.check()?;
        let Some(endpoint) = &settings.endpoint else { return Ok(()) };
        let system = |error: std::io::Error| Error::Exporter(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(system)?;
        let _entered = runtime.enter();
        let process = Process { instance: String::new(), version: "" };
        Collector::new(endpoint, settings, &resource::of(&process)).map(drop)
    }

    /// Delivers what waits, in no more than twice the timeout of the settings, and ends the thread. Blocks for as long.
    pub fn end(self) {
        let _ = self.end.send(());
        let _ = self.thread.join();
    }
}

struct Delivery {
    collector: Collector,
    spans: Receiver<Span>,
    counts: Arc<Pod>,
    /// The last failure that was logged.
    told: String,
}

/// Spans that are on their way. Given up, they are dropped and counted.
struct OnTheWay<'a>(usize, &'a Pod);

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.1.spans_dropped.add(self.0 as u64);
    }
}

impl Delivery {
    /// Delivers spans until nobody can tell any more, or its end is asked for; then those that wait, if there is time.
    async fn run(mut self, mut asked: oneshot::Receiver<()>, within: Duration) {
        let mut batch = Vec::new();
        loop {
            let gathered = tokio::select! {
                _ = &mut asked => break,
                gathered = self.gather(&mut batch) => gathered,
            };
            if !gathered {
                return;
            }
            self.deliver(&mut batch).await;
        }
        self.spans.close();
        let rest = async {
            while self.gather(&mut batch).await {
                self.deliver(&mut batch).await;
            }
        };
        let _ = tokio::time::timeout(within, rest).await;
        let left = std::iter::from_fn(|| self.spans.try_recv().ok()).count();
        self.counts.spans_dropped.add((batch.len() + left) as u64);
    }

    /// Waits for spans, and then for more; false if there will be none. Cancel safe: what is gathered stays.
    async fn gather(&mut self, batch: &mut Vec<Span>) -> bool {
        if batch.is_empty() && self.spans.recv_many(batch, BATCH).await == 0 {
            return false;
        }
        let due = Instant::now() + PATIENCE;
        while batch.len() < BATCH {
            let more = self.spans.recv_many(batch, BATCH - batch.len());
            match tokio::time::timeout_at(due, more).await {
                Ok(count) if count > 0 => {}
                _ => break,
            }
        }
        true
    }

    async fn deliver(&mut self, batch: &mut Vec<Span>) {
        let mut on_the_way = OnTheWay(batch.len(), &self.counts);
        let delivered = self.collector.take(std::mem::take(batch)).await;
        if delivered.is_ok() {
            self.counts.spans_exported.add(std::mem::take(&mut on_the_way.0) as u64);
        }
        drop(on_the_way);
        self.tell(delivered);
    }

    /// Logs a failure once for as long as it stays the same.
    fn tell(&mut self, delivered: Result<(), String>) {
        match delivered {
            Ok(()) if self.told.is_empty() => {}
            Ok(()) => {
                self.told.clear();
                tracing::info!("traces are exported again");
            }
            Err(error) if error == self.told => {}
            Err(error) => {
                tracing::warn!(error, "traces are not exported, and their spans dropped");
                self.told = error;
            }
        }
    }
}
