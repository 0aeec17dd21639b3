//! What a reader costs that stops reading while events go on, and whether it gets them all when it goes on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use socket2::SockRef;

use super::budget::{Bound, Budgets, Spread, grouped};
use super::crowd;
use super::events::{Published, Subscriber};
use super::socket::Connection;
use super::subject::{self, Programs};
use super::wire::Wire;
use crate::affinity::{Cpus, pin_thread};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections subscribe.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    readers: u32,
    /// For how long they stop reading.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many events are published a second.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(500..))]
    rate: u32,
}

const WIRE: Wire = Wire::Json;
const BYTES_LIMIT: f64 = 65_536.0;
/// Bytes of padding in each event's data.
const PADDING: usize = 100;
/// How many times a second the due events are published.
const STEPS: u32 = 500;
/// A stopped reader's receive buffer: the kernel takes no more for it, so that the gateway sees that it stopped.
const STOPPED_BUFFER: usize = 16 * 1024;
/// The buffer of one that reads. With less than loopback's segments of 64 KiB the kernel itself would hold it back.
const READING_BUFFER: usize = 1024 * 1024;
/// For how long the readers go on with that small buffer.
const HESITATION: Duration = Duration::from_secs(2);
/// How long the readers may take to catch up.
const PATIENCE: Duration = Duration::from_secs(120);

/// The gateway's memory in one of the two runs.
struct Measured {
    before: u64,
    /// When the last event was published.
    after: u64,
    /// When all readers had all events.
    end: u64,
    /// The most at any time.
    peak: u64,
    publishing: Duration,
    catching_up: Duration,
    /// What the readers had when the last event was published, on average.
    received: f64,
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    println!(
        "\n{} readers, {} events/s for {} s, over {}.",
        options.readers,
        grouped(f64::from(options.rate), 0),
        options.seconds,
        WIRE.name()
    );
    let reading = measure(options, programs, cpus, false).context("readers that read")?;
    let stopped = measure(options, programs, cpus, true).context("readers that stop")?;
    table::head(&[
        "readers",
        "resident MiB before",
        "after",
        "at the end",
        "at most",
        "published in s",
        "received until then",
        "the rest in s",
    ]);
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    for (name, run) in [("that read", &reading), ("that stop", &stopped)] {
        table::row(&[
            name,
            &mib(run.before),
            &mib(run.after),
            &mib(run.end),
            &mib(run.peak),
            &format!("{:.1}", run.publishing.as_secs_f64()),
            &grouped(run.received, 0),
            &format!("{:.1}", run.catching_up.as_secs_f64()),
        ]);
    }
    let per_reader = |value: fn(&Measured) -> u64| {
        (value(&stopped) as f64 - value(&reading) as f64) / f64::from(options.readers)
    };
    table::head(&["a stopped reader", "bytes", "budget"]);
    for (name, bytes) in
        [("when all is published", per_reader(|run| run.after)), ("at its peak", per_reader(|run| run.peak))]
    {
        let bytes = Spread::once(bytes);
        let what = format!("a stopped reader {name}: memory");
        let judged = budgets.judge(what, bytes, ("bytes", 0), Bound::Below(BYTES_LIMIT));
        table::row(&[name, &bytes.shown(0), &judged]);
    }
    Ok(())
}

/// Publishes at an even rate, before readers that read or that stop until all is published; then they take the rest.
fn measure(options: &Options, programs: &Programs, cpus: Cpus, stop: bool) -> Result<Measured> {
    let settings = [
        // Enough for all that is published, so that nothing is lost for whoever lags behind.
        ("STORE_BOUNDS_LOG_EVENTS", "1000000".to_owned()),
        ("STORE_BOUNDS_LOG_BYTES", (1u64 << 30).to_string()),
        // A reader that takes nothing for this long is cut off; the default is as long as these stop.
        ("WEBSOCKET_WRITE_TIMEOUT_MS", (u64::from(options.seconds + 60) * 1_000).to_string()),
    ];
    let gateway = programs.gateway(cpus.server, &settings)?;
    let endpoint = subject::endpoint(&gateway, WIRE)?;
    let mut publisher = Connection::open(&endpoint)?;
    let mut readers = Subscriber::all(crowd::open(&endpoint, options.readers, crowd::BURST)?, WIRE)?;
    set_buffers(&readers, if stop { STOPPED_BUFFER } else { READING_BUFFER })?;
    let mut published = Published::new(WIRE, PADDING);
    let mut space = vec![0; 256 * 1024];
    // One event brings the code into memory that all others use.
    published.publish(&mut publisher, 1)?;
    read_all(&mut readers, &mut published, &mut space)?;
    let before = gateway.process.resident_bytes()?;

    let started = Instant::now();
    for step in 1..=options.seconds * STEPS {
        let due = (u64::from(options.rate) * u64::from(step) / u64::from(STEPS)) as usize;
        published.publish(&mut publisher, due + 1 - published.count())?;
        if !stop {
            read_each(&mut readers, &mut published, &mut space)?;
        }
        let next = started + Duration::from_secs(1) * step / STEPS;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let publishing = started.elapsed();
    let after = gateway.process.resident_bytes()?;

    let started = Instant::now();
    let count = |reader: &Subscriber| reader.count() as f64;
    let received = readers.iter().map(count).sum::<f64>() / f64::from(options.readers);
    // At first as slowly as before, which is when the gateway holds most for them.
    while started.elapsed() < HESITATION {
        read_each(&mut readers, &mut published, &mut space)?;
    }
    set_buffers(&readers, READING_BUFFER)?;
    read_all(&mut readers, &mut published, &mut space)?;
    Ok(Measured {
        before,
        after,
        end: gateway.process.resident_bytes()?,
        peak: gateway.process.peak_resident_bytes()?,
        publishing,
        catching_up: started.elapsed(),
        received,
    })
}

fn set_buffers(readers: &[Subscriber], size: usize) -> Result<()> {
    for reader in readers {
        SockRef::from(reader.socket()).set_recv_buffer_size(size)?;
    }
    Ok(())
}

/// Reads until every reader has every event.
fn read_all(readers: &mut [Subscriber], published: &mut Published, space: &mut [u8]) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while readers.iter().any(|reader| reader.count() < published.count()) {
        ensure!(Instant::now() < until, "events are missing after {PATIENCE:?}");
        read_each(readers, published, space)?;
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// Takes what is there for each reader.
fn read_each(readers: &mut [Subscriber], published: &mut Published, space: &mut [u8]) -> Result<()> {
    readers.iter_mut().try_for_each(|reader| reader.read(published, space))
}
