//! A folder to look at, and the tools that look at it.
use std::fs;
use std::path::Path;
use std::time::Duration;

use backend::{Running, Serve};
use protocol::pb::backend_client::BackendClient;
use protocol::pb::{CallEvent, CallRequest, Error, call_event::Event};
use serde_json::Value;
use tempfile::TempDir;
use tonic::Streaming;
use tonic::transport::Channel;

pub(crate) struct Tools {
    _running: Running,
    pub(crate) client: BackendClient<Channel>,
}

/// Fails the test if this takes longer than anything should.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens soon")
}

/// A folder with these files, by path and content.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("folders can be made");
        fs::write(path, content).expect("files can be written");
    }
    folder
}

impl Tools {
    pub(crate) async fn over(root: &Path) -> Self {
        Self::with_limits(root, tools::Limits::default()).await
    }

    pub(crate) async fn with_limits(root: &Path, limits: tools::Limits) -> Self {
        let backend = tools::backend_with(root, limits).expect("the root can be opened");
        let running = backend.serve(Serve::default()).await.expect("the backend serves");
        let client = dial(&running.local_addr().to_string()).await;
        Self { _running: running, client }
    }

    pub(crate) async fn start(&self, tool: &str, args: &str) -> Streaming<CallEvent> {
        let request = CallRequest {
            method: "tool.execute".to_owned(),
            tool: tool.to_owned(),
            params: args.to_owned().into(),
            ..CallRequest::default()
        };
        self.client.clone().call(request).await.expect("the call is taken").into_inner()
    }

    /// The last event of a call.
    pub(crate) async fn last(&self, tool: &str, args: &str) -> Event {
        let mut events = self.start(tool, args).await;
        loop {
            if let event @ (Event::Result(_) | Event::Error(_)) = next(&mut events).await {
                return event;
            }
        }
    }

    pub(crate) async fn result(&self, tool: &str, args: Value) -> Value {
        match self.last(tool, &args.to_string()).await {
            Event::Result(json) => serde_json::from_slice(&json).expect("a result is JSON"),
            other => panic!("{tool} {args} failed: {other:?}"),
        }
    }

    pub(crate) async fn error(&self, tool: &str, args: Value) -> Error {
        match self.last(tool, &args.to_string()).await {
            Event::Error(error) => error,
            other => panic!("{tool} {args} did not fail: {other:?}"),
        }
    }

    /// The call fails with this code, and its message names this.
    pub(crate) async fn refuses(&self, tool: &str, args: Value, code: u32, names: &str) {
        let error = self.error(tool, args.clone()).await;
        assert_eq!(error.code, code, "{tool} {args}: {error:?}");
        assert!(error.message.contains(names), "{tool} {args}: {:?} does not name {names:?}", error.message);
    }
}

pub(crate) async fn dial(address: &str) -> BackendClient<Channel> {
    let client = BackendClient::connect(format!("http://{address}")).await;
    client.expect("the backend can be dialled").max_decoding_message_size(usize::MAX)
}

pub(crate) async fn next(events: &mut Streaming<CallEvent>) -> Event {
    let event = soon(events.message()).await.expect("the stream is sound").expect("the stream goes on");
    event.event.expect("an event is not empty")
}
