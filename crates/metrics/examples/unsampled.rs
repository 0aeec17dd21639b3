//! What a message costs that is not kept: `cargo run --release -p metrics --example unsampled`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use metrics::Pod;
use metrics::catalogue::Bounds;
use metrics::trace::{Context, Exporter, Process, Settings, Tracer};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const MESSAGES: u32 = 5_000_000;
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn main() -> Result<(), metrics::trace::Error> {
    // Nobody listens there, and nobody is to.
    let settings =
        Settings { endpoint: Some("http://127.0.0.1:1".to_owned()), ratio: 0.0, ..Settings::default() };
    let process = Process { instance: "example".to_owned(), version: "0" };
    let pod = Arc::new(Pod::new(Bounds { shards: 1, tools: 0, backends: 0 }));
    let Some((tracer, exporter)) = Exporter::start(&settings, &process, &pod)? else {
        return Ok(());
    };
    measure("nothing is traced", || Tracer::default().is_on());
    measure("without a parent", || tracer.begin(None).is_sampled());
    measure("below a parent", || {
        Context::parse(black_box(PARENT)).map(|parent| tracer.begin(Some(parent)).is_sampled())
    });
    measure("a call as well, with its traceparent", || {
        tracer.begin(None).part().context().traceparent().as_str().len()
    });
    exporter.end();
    Ok(())
}

fn measure<T>(what: &str, message: impl Fn() -> T) {
    let started = Instant::now();
    for _ in 0..MESSAGES {
        black_box(message());
    }
    println!("{what}: {:.0} ns", started.elapsed().as_nanos() as f64 / f64::from(MESSAGES));
}
