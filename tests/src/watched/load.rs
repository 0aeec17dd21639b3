//! Clients at work: they call, publish, subscribe, use REST, and go from pod to pod. Dropped, they stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use client::Client;
use serde_json::json;

use super::Platform;
use super::platform::SERVING;
use crate::{Endpoints, Http, Session};

/// Of each pod.
const CLIENTS: usize = 4;

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(100);

/// The clients' threads.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Clients at every pod, which come back for ever where they lose it.
    ///
    /// # Panics
    /// A pod does not let them in.
    pub fn start(platform: &Platform) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = SERVING.map(|name| {
            let pod = Endpoints::clone(platform.pod(name));
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let work = async {
                    futures_util::future::join_all((0..CLIENTS).map(|_| one(&pod, &stop))).await;
                };
                runtime.expect("a runtime can be built").block_on(work);
            })
        });
        Self { stop, threads: threads.into() }
    }

    /// Besides, a session that is taken up at one pod after another, and requests of REST at each.
    ///
    /// # Panics
    /// A pod does not do what it is asked.
    pub fn round(&self, platform: &Platform) {
        let mut session = Session::open(platform.pod("a"));
        for name in ["b", "c", "a"] {
            let pod = platform.pod(name);
            session = session.take_up(pod, json!({}));
            let answer = Http::knowing(pod, "repeat")
                .post("/tools/repeat/execute", &json!({"args": {"words": "once"}}));
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

/// What a client does, again and again; what fails while something is down is not looked at.
async fn one(pod: &Endpoints, stop: &AtomicBool) {
    let client = Client::builder(format!("ws://{}/ws", pod.clients)).token(pod.keys.token());
    let client = client.connect().await.expect("the pod lets its clients in");
    let _events = client.subscribe(["load.*"]).await.expect("a client may subscribe");
    while !stop.load(Relaxed) {
        let words = json!({"tool": "repeat", "args": {"words": "again"}});
        let refused = json!({"tool": "refuse", "args": {"words": "again"}});
        let asked = async {
            let _ = client.request("tool.execute", words).await;
            let _ = client.request("tool.execute", refused).await;
            let _ = client.publish("load.went", json!(1)).await;
        };
        // One that waits for its pod does not keep the test from ending.
        let _ = tokio::time::timeout(Duration::from_secs(2), asked).await;
        tokio::time::sleep(PAUSE).await;
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("a client's thread panicked");
            }
        }
    }
}
