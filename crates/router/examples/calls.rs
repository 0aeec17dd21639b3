//! How fast calls go, and what they cost the router's thread: a router on this thread, an echo backend
//! on another, real gRPC over loopback TCP between them.
//!
//! `cargo run --release -p router --example calls -- [in flight] [seconds]`
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backend::{Backend, Call as Served, Raw, Serve, Tool};
use protocol::{Replica, pb};
use router::{Call, Caller, Dialer, Event, Router, Sink, Table};
use tokio::sync::Notify;

const PARAMS: &[u8] = br#"{"path":"src/main.rs","line":42,"text":"hello"}"#;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (in_flight, seconds) = (number(64) as usize, number(3));
    let address = serve();
    let runtime = tokio::runtime::LocalRuntime::new().expect("a runtime can be built");
    runtime.block_on(async {
        let description = router::describe(&address, &Dialer::default(), Duration::from_secs(2))
            .await
            .expect("the backend answers");
        let replica = Arc::new(Replica { instance: "one".into(), address, description });
        let router = Router::new(Dialer::default());
        router.apply(Arc::new(Table::build(&[replica], None).0));
        let load = Rc::new(Load::new(router));
        load.run(in_flight, Duration::from_secs(1)).await;
        load.run(in_flight, Duration::from_secs(seconds)).await.print(in_flight);
    });
}

/// An echo backend on a thread of its own; returns its address.
fn serve() -> String {
    let (listening, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built");
        runtime.block_on(async {
            let echo = Tool::new("echo", |_: Served, args: Raw| async move { Ok(args) });
            let mut running =
                Backend::new("echo").tool(echo).serve(Serve::default()).await.expect("a port is free");
            listening.send(format!("http://{}", running.local_addr())).expect("main waits");
            running.wait().await.expect("it serves");
        });
    });
    address.recv().expect("the backend listens")
}

/// Keeps a number of calls in flight: whoever ends is started anew, in one go for all that ended.
struct Load {
    router: Router,
    caller: Caller,
    ended: RefCell<Vec<u64>>,
    started: RefCell<Vec<Instant>>,
    latencies: RefCell<Vec<u32>>,
    failed: Cell<u64>,
    some: Notify,
}

impl Sink for Load {
    fn deliver(&self, tag: u64, event: Event) {
        match event {
            Event::Result(_) => {
                let took = self.started.borrow()[tag as usize].elapsed().as_micros();
                self.latencies.borrow_mut().push(u32::try_from(took).unwrap_or(u32::MAX));
            }
            Event::Failed(_) => self.failed.set(self.failed.get() + 1),
            _ => return,
        }
        self.ended.borrow_mut().push(tag);
        self.some.notify_one();
    }
}

impl Load {
    fn new(router: Router) -> Self {
        let identity = pb::Identity {
            tenant: "acme".into(),
            agent: "agent-7".into(),
            scopes: vec!["tool:execute".into()],
        };
        Self {
            router,
            caller: Caller::new(&identity, "0198f0c2-7c1e-7d64-9a6f-2f1f6a1d9b11"),
            ended: RefCell::default(),
            started: RefCell::default(),
            latencies: RefCell::default(),
            failed: Cell::new(0),
            some: Notify::new(),
        }
    }

    async fn run(self: &Rc<Self>, in_flight: usize, time: Duration) -> Run {
        self.started.replace(vec![Instant::now(); in_flight]);
        self.latencies.replace(Vec::with_capacity(10_000_000));
        let table = self.router.table();
        let handler = table.tool("echo").expect("the backend has it");
        let (start, cpu) = (Instant::now(), thread_cpu());
        let mut tags: Vec<u64> = (0..in_flight as u64).collect();
        while start.elapsed() < time {
            for tag in tags.drain(..) {
                let call = Call {
                    handler,
                    method: "tool.execute",
                    params: PARAMS,
                    caller: &self.caller,
                    idempotency_key: ["0198f0c2-7c1e-7d64", ":", "17"],
                    join: false,
                    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    tracestate: "",
                    timeout: None,
                };
                self.started.borrow_mut()[tag as usize] = Instant::now();
                self.router.start(call, Rc::clone(self) as Rc<dyn Sink>, tag).expect("there is room");
            }
            self.some.notified().await;
            tags = self.ended.take();
        }
        let run = Run {
            took: start.elapsed(),
            cpu: thread_cpu().saturating_sub(cpu),
            latencies: self.latencies.take(),
            failed: self.failed.get(),
        };
        while self.router.in_flight() > 0 {
            self.some.notified().await;
        }
        self.ended.take();
        run
    }
}

struct Run {
    took: Duration,
    cpu: Duration,
    latencies: Vec<u32>,
    failed: u64,
}

impl Run {
    #[expect(clippy::print_stdout, reason = "what it measured is its output")]
    fn print(mut self, in_flight: usize) {
        let calls = self.latencies.len();
        self.latencies.sort_unstable();
        let at =
            |share: f64| self.latencies.get((calls as f64 * share) as usize).copied().unwrap_or_default();
        println!("{in_flight} in flight: {:.0} calls/s", calls as f64 / self.took.as_secs_f64());
        println!("router thread: {:.2} µs CPU a call", self.cpu.as_secs_f64() * 1e6 / calls.max(1) as f64);
        println!("latency: p50 {} µs, p99 {} µs; failed: {}", at(0.5), at(0.99), self.failed);
    }
}

/// CPU time of this thread, as the kernel counts it; zero where it does not say.
fn thread_cpu() -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or(Duration::ZERO, Duration::from_nanos)
}
