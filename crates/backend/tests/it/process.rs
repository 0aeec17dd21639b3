//! A gRPC server that ends as a killed process does.
use std::net::SocketAddr;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::server::Router;

/// Serves on a runtime of its own. When it is dropped, the runtime ends, and with it every connection.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(address: &str, services: Router) -> Self {
        let listener = listen(address);
        let address = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the runtime takes a socket");
                tokio::select! {
                    ended = services.serve_with_incoming(TcpListenerStream::new(listener)) => {
                        ended.expect("the services are served");
                    }
                    _ = stopped => {}
                }
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

/// The standard library sets SO_REUSEADDR, so one that is started again gets the address of the one before it.
fn listen(address: &str) -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind(address).expect("the address is free");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    listener
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}
