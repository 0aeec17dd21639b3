//! A shard for tests: its runtime, a sink that remembers, replicas on threads of their own.
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use backend::{Backend, Serve};
use protocol::{ErrorCode, Replica, pb};
use router::{Call, CallKey, Caller, Dialer, Event, Failure, Options, Router, Sink, Table};
use tokio::sync::{Notify, oneshot};

/// No wait of a test may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a test as a shard runs: one thread, tasks that need not be Send.
pub(crate) fn on_shard(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::LocalRuntime::new().expect("a runtime can be built");
    runtime.block_on(async { tokio::time::timeout(PATIENCE * 2, test).await }).expect("the test ends");
}

/// A server on a thread of its own. Dropping it ends it as SIGKILL would: all sockets close at once.
pub(crate) struct Process {
    pub(crate) address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Process {
    /// Runs `serve`, which sends its address once it listens and then holds what it serves.
    pub(crate) fn spawn<F>(serve: impl FnOnce(mpsc::Sender<String>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()>,
    {
        let (listening, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be built");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listening) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        let address = address.recv_timeout(PATIENCE).expect("the server listens");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// A real backend, on this address or a free one.
    pub(crate) fn backend(listen: &str, make: impl FnOnce() -> Backend + Send + 'static) -> Self {
        let listen = listen.trim_start_matches("http://").to_owned();
        Self::spawn(move |listening| async move {
            let options = Serve { listen, ..Serve::default() };
            let mut running = make().serve(options).await.expect("the backend can listen");
            listening.send(format!("http://{}", running.local_addr())).expect("the test waits");
            running.wait().await.expect("the backend serves");
        })
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) -> String {
        self.end();
        self.address.clone()
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Remembers every event of every call.
#[derive(Default)]
pub(crate) struct Inbox {
    events: RefCell<VecDeque<(u64, Event)>>,
    arrived: Notify,
}

impl Sink for Inbox {
    fn deliver(&self, tag: u64, event: Event) {
        self.events.borrow_mut().push_back((tag, event));
        self.arrived.notify_one();
    }
}

impl Inbox {
    pub(crate) fn new() -> Rc<Self> {
        Rc::default()
    }

    pub(crate) async fn next(&self) -> (u64, Event) {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let first = self.events.borrow_mut().pop_front();
                match first {
                    Some(event) => break event,
                    None => self.arrived.notified().await,
                }
            }
        })
        .await
        .expect("an event arrives")
    }

    pub(crate) async fn result(&self) -> String {
        match self.next().await.1 {
            Event::Result(text) => String::from_utf8(text.to_vec()).expect("it is UTF-8"),
            other => panic!("expected a result, got {other:?}"),
        }
    }

    pub(crate) async fn failure(&self, code: ErrorCode) -> Failure {
        match self.next().await.1 {
            Event::Failed(failure) if failure.code == code => failure,
            other => panic!("expected {code:?}, got {other:?}"),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.borrow().is_empty()
    }
}

/// One with these options, and without files.
pub(crate) fn dialer(options: Options) -> Dialer {
    Dialer::new(options).expect("there are no files")
}

/// A router that is connected to these replicas.
pub(crate) async fn router(options: Options, addresses: &[&str]) -> Router {
    let router = Router::new(dialer(options));
    apply(&router, addresses).await;
    all_up(&router, addresses.len()).await;
    router
}

pub(crate) async fn all_up(router: &Router, links: usize) {
    until("every link", || router.stats().links_up == links).await;
}

/// Asks every address what it is and applies the table of all.
pub(crate) async fn apply(router: &Router, addresses: &[&str]) {
    let mut replicas = Vec::new();
    for address in addresses {
        let description =
            router::describe(address, &Dialer::default(), PATIENCE).await.expect("it describes itself");
        replicas.push(replica(address, description));
    }
    apply_replicas(router, &replicas);
}

pub(crate) fn apply_replicas(router: &Router, replicas: &[Arc<Replica>]) {
    let (table, conflicts) = Table::build(replicas, Some(&router.table()));
    assert_eq!(conflicts, []);
    router.apply(Arc::new(table));
}

/// A replica whose instance is its address.
pub(crate) fn replica(address: &str, description: pb::Description) -> Arc<Replica> {
    Arc::new(Replica { instance: address.to_owned(), address: address.to_owned(), description })
}

/// A call of a tool, from nobody in particular.
pub(crate) struct Request<'a> {
    pub(crate) tool: &'a str,
    pub(crate) params: &'a str,
    pub(crate) timeout_ms: Option<u64>,
}

pub(crate) fn tool<'a>(tool: &'a str, params: &'a str) -> Request<'a> {
    Request { tool, params, timeout_ms: None }
}

impl Request<'_> {
    pub(crate) fn within_ms(mut self, timeout_ms: u64) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }

    pub(crate) fn start(&self, router: &Router, inbox: &Rc<Inbox>, tag: u64) -> Result<CallKey, Failure> {
        let table = router.table();
        let caller = Caller::new(&pb::Identity::default(), "");
        let call = Call {
            handler: table.tool(self.tool).expect("the table has the tool"),
            method: "tool.execute",
            params: self.params.as_bytes(),
            caller: &caller,
            idempotency_key: [""; 3],
            join: false,
            traceparent: "",
            tracestate: "",
            timeout: self.timeout_ms.map(Duration::from_millis),
        };
        router.start(call, Rc::clone(inbox) as Rc<dyn Sink>, tag)
    }

    /// Starts it and waits for its one event.
    pub(crate) async fn run(&self, router: &Router) -> Event {
        let inbox = Inbox::new();
        self.start(router, &inbox, 0).expect("a replica is there");
        inbox.next().await.1
    }
}

/// Lets other tasks run until `done`.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} never came"));
}
