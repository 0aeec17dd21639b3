//! What the control plane hears of a backend.
use std::pin::{Pin, pin};
use std::time::Duration;

use backend::{Backend, Call as Served, Raw, Tool};
use futures_util::{FutureExt, Stream, StreamExt};
use protocol::pb;
use router::{Dialer, Error, Health, Options, describe, watch};

use crate::rogue::{Rogue, description};
use crate::shard::{PATIENCE, Process, dialer, on_shard};

fn make() -> Backend {
    Backend::new("real").tool(Tool::new("echo", |_: Served, args: Raw| async move { Ok(args) }))
}

async fn next(health: &mut Pin<&mut (impl Stream<Item = Health> + Send)>) -> Health {
    tokio::time::timeout(PATIENCE, health.next()).await.expect("something is said").expect("it never ends")
}

async fn up(health: &mut Pin<&mut (impl Stream<Item = Health> + Send)>) -> pb::Description {
    match next(health).await {
        Health::Up(description) => description,
        Health::Down(reason) => panic!("expected it to be up: {reason}"),
    }
}

async fn down(health: &mut Pin<&mut (impl Stream<Item = Health> + Send)>) -> String {
    match next(health).await {
        Health::Down(reason) => reason,
        Health::Up(_) => panic!("expected it to be down"),
    }
}

#[test]
fn a_backend_is_up_then_down_when_it_dies_and_up_when_it_is_back() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", make);
        let mut health = pin!(watch(process.address.clone(), Dialer::default()));
        assert_eq!(up(&mut health).await.tools[0].name, "echo");
        let start = std::time::Instant::now();
        let address = process.kill();
        assert!(!down(&mut health).await.is_empty());
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        let _again = Process::backend(&address, || {
            make().tool(Tool::new("more", |_: Served, args: Raw| async move { Ok(args) }))
        });
        assert_eq!(up(&mut health).await.tools.len(), 2, "it is described anew");
    });
}

#[test]
fn a_backend_that_is_not_there_is_down_once_until_it_comes() {
    on_shard(async {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = free.local_addr().expect("it is bound").to_string();
        drop(free);
        let options = Options { reconnect_max_ms: 50, ..Options::default() };
        let mut health = pin!(watch(address.clone(), dialer(options)));
        let reason = down(&mut health).await;
        assert!(reason.contains(&address) && reason.to_lowercase().contains("refused"), "{reason}");
        let _process = Process::backend(&address, make);
        up(&mut health).await;
    });
}

#[test]
fn a_backend_that_shuts_down_in_good_order_is_down_too() {
    on_shard(async {
        let running = make().serve(backend::Serve::default()).await.expect("it can listen");
        let mut health = pin!(watch(running.local_addr().to_string(), Dialer::default()));
        up(&mut health).await;
        let shut = async {
            running.shutdown().await;
        };
        let (reason, ()) = tokio::join!(down(&mut health), shut);
        assert!(!reason.is_empty());
    });
}

#[test]
fn a_backend_without_a_health_service_is_asked_to_describe_itself_again() {
    on_shard(async {
        let rogue = Rogue::start(&["any"], |_, _| ());
        let options = Options { describe_ms: 50, ..Options::default() };
        let mut health = pin!(watch(rogue.address().to_owned(), dialer(options)));
        assert_eq!(up(&mut health).await, description(&["any"], true));
        assert!(health.next().now_or_never().is_none(), "the same description is not said twice");
        drop(rogue);
        down(&mut health).await;
    });
}

#[test]
fn a_frozen_backend_is_down_when_its_keepalive_passes() {
    on_shard(async {
        // Accepts and says nothing, as a stopped process does.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = silent.local_addr().expect("it is bound").to_string();
        let options = Options { connect_timeout_ms: 200, ..Options::default() };
        let mut health = pin!(watch(address, dialer(options)));
        assert!(down(&mut health).await.contains("200 ms"));
    });
}

#[test]
fn a_description_that_breaks_a_rule_is_refused_with_the_rule() {
    on_shard(async {
        let mut wrong = description(&["any"], true);
        wrong.tools[0].input_schema = "{".into();
        let rogue = Rogue::serve(wrong, |_, _| ());
        let error =
            describe(rogue.address(), &Dialer::default(), PATIENCE).await.expect_err("the schema is broken");
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("input schema of tool any"), "{error}");
        let mut health = pin!(watch(rogue.address().to_owned(), Dialer::default()));
        assert!(down(&mut health).await.contains("input schema"));
    });
}

#[test]
fn describing_tells_apart_what_went_wrong() {
    on_shard(async {
        let short = Duration::from_millis(300);
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = silent.local_addr().expect("it is bound").to_string();
        assert!(matches!(
            describe(&address, &Dialer::default(), short).await,
            Err(Error::Unreachable { .. })
        ));
        drop(silent);
        assert!(matches!(
            describe(&address, &Dialer::default(), short).await,
            Err(Error::Unreachable { .. })
        ));
        assert!(matches!(describe("ftp://x:1", &Dialer::default(), short).await, Err(Error::Address { .. })));
        let other = Process::spawn(|listening| async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let address = listener.local_addr().expect("it is bound");
            listening.send(address.to_string()).expect("the test waits");
            let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
            let (_, health) = tonic_health::server::health_reporter();
            let server = tonic::transport::Server::builder().add_service(health);
            server.serve_with_incoming(incoming).await.expect("it serves");
        });
        assert!(matches!(
            describe(&other.address, &Dialer::default(), short).await,
            Err(Error::Refused { .. })
        ));
    });
}

#[test]
fn the_stream_can_be_polled_on_any_thread() {
    fn sendable<T: Send + 'static>(_: T) {}
    sendable(watch("127.0.0.1:1".into(), Dialer::default()));
}
