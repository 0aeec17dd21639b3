//! The least that stands in for a load balancer: hands each connection to the next pod that takes it.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A running forwarder. Dropped, it breaks all connections off.
#[derive(Debug)]
pub(crate) struct Forwarder {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    pub(crate) fn start(pods: Vec<SocketAddr>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
        listener.set_nonblocking(true).expect("it is a socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let listener = TcpListener::from_std(listener).expect("it does not block");
                tokio::select! {
                    () = forward(listener, &pods) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn forward(listener: TcpListener, pods: &[SocketAddr]) {
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        let (mut client, _) = listener.accept().await.expect("the system has room for a connection");
        turn += 1;
        let order: Vec<_> = pods.iter().cycle().skip(turn % pods.len()).take(pods.len()).copied().collect();
        connections.spawn(async move {
            for pod in order {
                if let Ok(mut pod) = TcpStream::connect(pod).await {
                    // However it ends, both are closed.
                    let _ = copy_bidirectional(&mut client, &mut pod).await;
                    return;
                }
            }
        });
    }
}
