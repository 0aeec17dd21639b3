//! All clients of a run on a thread of their own: they call, publish and subscribe until they are told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use auth::Claims;
use client::{Client, Format, Reconnect};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::caller::{self, Caller};
use super::calls::{self, Call};
use super::events::{self, Publication, Reading};
use super::presence::{self, Pace, Presence};
use super::publisher::{self, Publisher};
use super::steady::Steady;
use super::{Dice, Executions, Incidents, Ledger, Settings, subscriber};
use crate::Keys;

/// Until all clients are connected.
const START: Duration = Duration::from_secs(60);
/// For the last event, and for connections to close.
const END: Duration = Duration::from_secs(10);

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    /// The key of the next call.
    keys: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<Records>>>,
}

/// What the clients remember.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Of all clients.
    calls: Vec<Call>,
    /// Of all publishers.
    publications: Vec<Publication>,
    /// One for each subscriber.
    readings: Vec<Reading>,
    /// One for each client.
    presences: Vec<Presence>,
    /// Why clients had no connection in the end, one for each that had none.
    gone: Vec<String>,
    /// From the first call to the word to stop.
    lasted: Duration,
    /// How many events the log keeps.
    log_events: u64,
}

impl Records {
    /// How often clients came back after a lost connection.
    pub fn reconnects(&self) -> u64 {
        self.presences.iter().map(Presence::reconnects).sum()
    }

    /// Enters all that the clients remember. With a pace, it is a loss to pass it.
    pub fn settle(
        &self,
        executions: &Executions,
        incidents: &Incidents,
        pace: Option<Pace>,
        ledger: &mut Ledger,
    ) {
        let rate = |count: usize| format!("{:.0} a second", count as f64 / self.lasted.as_secs_f64());
        ledger.row("load", format!("{:.1} s", self.lasted.as_secs_f64()));
        ledger.row("  calls", rate(self.calls.len()));
        ledger.row("  events", rate(self.publications.len()));
        calls::settle(&self.calls, executions, incidents, ledger);
        events::settle(&self.publications, &self.readings, self.log_events, incidents, ledger);
        presence::settle(&self.presences, &self.gone, pace, ledger);
    }
}

impl Load {
    /// Connects all clients and lets them work, subscribers first. They go to the URLs in
    /// turn, and speak JSON and binary in turn.
    ///
    /// # Errors
    /// A client can't connect, or not subscribe.
    pub fn start(urls: &[String], keys: &Keys, settings: &Settings, dice: &Dice) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (ready, started) = mpsc::channel();
        let calls = Arc::new(AtomicU64::new(0));
        let clients = Clients {
            urls: urls.to_vec(),
            keys: Arc::clone(&calls),
            // The life of a token is not what is tested.
            token: keys.mint(&Claims { ttl: Duration::from_secs(86_400), ..Keys::claims() }),
            settings: settings.clone(),
            dice: dice.clone(),
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(clients.work(ready, stopped))
        });
        let mut load = Self { keys: calls, stop, thread: Some(thread) };
        match started.recv_timeout(START) {
            Ok(()) => Ok(load),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("not all clients are connected after {START:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                load.join().and_then(|_| bail!("the clients ended by themselves"))
            }
        }
    }

    /// How many calls were begun.
    pub fn calls(&self) -> u64 {
        self.keys.load(Relaxed)
    }

    /// Stops, waits for what is due, and answers what the clients remember.
    ///
    /// # Errors
    /// The clients could not do their work.
    pub fn stop(mut self) -> Result<Records> {
        let _ = self.stop.send(true);
        self.join()
    }

    fn join(&mut self) -> Result<Records> {
        let thread = self.thread.take().context("it is joined once")?;
        thread.join().unwrap_or_else(|_| Err(anyhow!("the clients panicked")))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if self.thread.is_some() {
            let _ = self.join();
        }
    }
}

/// What the clients' thread is given.
struct Clients {
    urls: Vec<String>,
    /// Of calls.
    keys: Arc<AtomicU64>,
    token: String,
    settings: Settings,
    dice: Dice,
}

impl Clients {
    async fn work(self, ready: mpsc::Sender<()>, mut stop: watch::Receiver<bool>) -> Result<Records> {
        let settings = &self.settings;
        let (done, over) = watch::channel(false);
        let clients = self.connect().await?;
        let mut presences = JoinSet::new();
        for client in &clients {
            presences.spawn(Presence::of(client.clone()));
        }
        let mut subscribers = JoinSet::new();
        let (at_end, mut ends) = tokio::sync::mpsc::channel(settings.subscribers.max(1));
        for client in clients.iter().take(settings.subscribers) {
            let subscription = subscriber::subscribe(client).await.context("a client can't subscribe")?;
            subscribers.spawn(subscriber::run(subscription, at_end.clone(), over.clone()));
        }

        let began = Instant::now();
        let mut callers = self.callers(&clients, &stop);
        let mut publishers = self.publishers(&clients, &stop);
        // Whoever waits for it may have given up.
        let _ = ready.send(());
        let _ = stop.wait_for(|stop| *stop).await;
        let lasted = began.elapsed();

        let mut records = Records { lasted, log_events: settings.log_events, ..Records::default() };
        while let Some(calls) = callers.join_next().await {
            records.calls.extend(calls.context("a caller panicked")?);
        }
        while let Some(publications) = publishers.join_next().await {
            records.publications.extend(publications.context("a publisher panicked")?);
        }
        if let Some(client) = clients.last().filter(|_| settings.subscribers > 0) {
            // Each subscriber that comes to it has come past all others.
            let _ = tokio::time::timeout(END, client.publish(subscriber::END, ())).await;
            let _ = tokio::time::timeout(settings.grace, async {
                for _ in 0..settings.subscribers {
                    ends.recv().await;
                }
            })
            .await;
        }
        let _ = done.send(true);
        while let Some(reading) = subscribers.join_next().await {
            records.readings.push(reading.context("a subscriber panicked")?);
        }
        records.gone = clients.iter().filter_map(presence::gone).collect();
        let _ = tokio::time::timeout(END, close(clients)).await;
        let _ = tokio::time::timeout(END, async {
            while let Some(presence) = presences.join_next().await {
                records.presences.extend(presence);
            }
        })
        .await;
        ensure!(records.presences.len() == settings.clients, "not every client has ended");
        Ok(records)
    }

    async fn connect(&self) -> Result<Vec<Client>> {
        let reconnect =
            Reconnect { first: Duration::from_millis(50), most: Duration::from_secs(1), give_up_after: None };
        let mut clients = Vec::new();
        for (number, url) in (0..self.settings.clients).zip(self.urls.iter().cycle()) {
            let client =
                Client::builder(url).token(&self.token).reconnect(reconnect).name(format!("chaos-{number}"));
            let client = client.format(if number % 2 == 0 { Format::Json } else { Format::Binary });
            clients.push(client.connect().await.context("a client can't connect")?);
        }
        Ok(clients)
    }

    fn callers(&self, clients: &[Client], stop: &watch::Receiver<bool>) -> JoinSet<Vec<Call>> {
        let steady = self.steady(clients.len(), self.settings.calls, caller::MOST);
        let mut callers = JoinSet::new();
        for (number, client) in clients.iter().enumerate() {
            let caller = Caller {
                client: client.clone(),
                number,
                dice: self.dice.part(number as u64),
                keys: Arc::clone(&self.keys),
                longest: self.settings.longest_call,
            };
            callers.spawn(caller.run(steady, stop.clone()));
        }
        callers
    }

    /// The last clients publish.
    fn publishers(&self, clients: &[Client], stop: &watch::Receiver<bool>) -> JoinSet<Vec<Publication>> {
        let steady = self.steady(self.settings.publishers, self.settings.events, publisher::MOST);
        let mut publishers = JoinSet::new();
        for (number, client) in (0..).zip(clients.iter().rev().take(self.settings.publishers)) {
            let dice = self.dice.part(1_000_000 + number);
            let publisher = Publisher { client: client.clone(), dice, number };
            publishers.spawn(publisher.run(steady, stop.clone()));
        }
        publishers
    }

    /// So many a second, by so many clients together.
    fn steady(&self, clients: usize, rate: u32, most: usize) -> Steady {
        let period = Duration::from_secs_f64(clients.max(1) as f64 / f64::from(rate.max(1)));
        Steady { period, most, grace: self.settings.grace }
    }
}

async fn close(clients: Vec<Client>) {
    let mut closing = JoinSet::new();
    for client in clients {
        closing.spawn(async move { client.close().await });
    }
    closing.join_all().await;
}
