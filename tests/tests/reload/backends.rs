//! Backends that are listed, and are not any more.

use crate::{apply, process};
use backend::{Backend, Call, Raw, Serve, Tool};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tests::until;
use tokio::sync::oneshot;

/// A backend that registers nowhere.
struct Listed {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listed {
    fn with_tool(name: &'static str) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, bound) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let answer = |_: Call, _: Raw| async { Ok(1) };
                let backend = Backend::new(name).tool(Tool::new(name, answer));
                let running = backend.serve(Serve::default()).await.expect("the backend serves");
                told.send(running.local_addr()).expect("the test waits");
                let _ = stopped.await;
                running.shutdown().await;
            });
        });
        let address = bound.recv().expect("the backend is bound");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Listed {
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

#[test]
fn a_backend_is_added_and_removed() {
    let (one, other) = (Listed::with_tool("one"), Listed::with_tool("other"));
    let listed = |backend: &Listed| format!("http://{}", backend.address);
    let mut process = process(|config| config.backends = vec![listed(&one)]);
    let mut client = process.connect();
    client.await_tool("one");
    apply(&mut process, |config| config.backends.push(listed(&other)), &["backends"]);
    client.await_tool("other");
    client.ask("tool.execute", &json!({"tool": "one"}));
    client.ask("tool.execute", &json!({"tool": "other"}));
    apply(&mut process, |config| _ = config.backends.remove(0), &["backends"]);
    until("the end of the tool", || {
        let list = client.ask("tool.list", &json!({}));
        let tools = list["tools"].as_array().expect("a list of tools");
        tools.iter().all(|tool| tool["name"] != "one").then_some(())
    });
    client.ask("tool.execute", &json!({"tool": "other"}));
}
