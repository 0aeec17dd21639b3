//! Backends on a thread of their own, registered over real gRPC. Dropped, they break off.

use crate::{Endpoints, PATIENCE};
use backend::{Backend, Serve};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A backend that a gateway knows.
#[derive(Debug)]
pub struct Tools {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Held open for tools that read files.
    _root: Option<TempDir>,
}

impl Tools {
    /// The platform's own tools, `sleep` and `echo` among them, over an empty folder.
    ///
    /// # Panics
    /// They do not start, or the gateway does not take them.
    pub fn at(gateway: &Endpoints) -> Self {
        let root = TempDir::new().expect("the system has a folder for temporary files");
        let backend = tools::backend(root.path()).expect("the folder can be opened");
        let mut tools = Self::serve(backend, gateway);
        tools._root = Some(root);
        tools
    }

    /// Any backend.
    ///
    /// # Panics
    /// It does not start, or the gateway does not take it.
    pub fn serve(backend: Backend, gateway: &Endpoints) -> Self {
        let (tools, taken) = Self::offer(backend, gateway, PATIENCE);
        assert!(taken, "the gateway takes the backend");
        tools
    }

    /// Any backend, and whether the gateway has taken it within this time.
    pub fn offer(backend: Backend, gateway: &Endpoints, limit: Duration) -> (Self, bool) {
        let serve = Serve { register_at: vec![format!("http://{}", gateway.grpc)], ..Serve::default() };
        Self::serve_with(backend, serve, limit)
    }

    /// Any backend with any options, and whether all its gateways have taken it within this time.
    pub fn serve_with(backend: Backend, serve: Serve, limit: Duration) -> (Self, bool) {
        let (stop, mut stopped) = oneshot::channel::<()>();
        let (ready, registered) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let running = backend.serve(serve).await.expect("the backend serves");
                tokio::select! {
                    () = running.registered() => {
                        // The test may have failed already.
                        let _ = ready.send(());
                        let _ = stopped.await;
                    }
                    _ = &mut stopped => {}
                }
            });
        });
        let tools = Self { stop: Some(stop), thread: Some(thread), _root: None };
        let taken = registered.recv_timeout(limit).is_ok();
        (tools, taken)
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the backend's thread panicked");
        }
    }
}
