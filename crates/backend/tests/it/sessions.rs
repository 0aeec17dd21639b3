//! Sessions that have ended, as gateways say.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backend::{Backend, Serve};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use protocol::pb::sessions_server::{Sessions, SessionsServer};
use protocol::pb::{EndedRequest, EndedResponse};
use tokio::time::timeout;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::process::Process;

/// Knows all sessions when it is asked first, and none after that.
#[derive(Default)]
struct Forgetful(AtomicBool);

#[tonic::async_trait]
impl Sessions for Forgetful {
    async fn ended(&self, request: Request<EndedRequest>) -> Result<Response<EndedResponse>, Status> {
        let was_asked = self.0.swap(true, Ordering::Relaxed);
        let session_ids = if was_asked { request.into_inner().session_ids } else { Vec::new() };
        Ok(Response::new(EndedResponse { session_ids, durable: true }))
    }
}

#[tokio::test]
async fn what_one_gateway_says_does_not_wait_for_another_that_hangs() {
    let sessions = SessionsServer::new(Forgetful::default());
    let answering = Process::start("127.0.0.1:0", Server::builder().add_service(sessions));
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let hanging_at = hanging.local_addr().expect("a bound socket has an address");
    let register_at = vec![answering.address.to_string(), hanging_at.to_string()];
    let running = Backend::new("keeper").serve(Serve { register_at, ..Serve::default() }).await;
    let sessions = running.as_ref().expect("the backend serves").sessions();
    let asking = async {
        let mut asked = FuturesUnordered::new();
        loop {
            asked.push(sessions.ended(vec!["s".to_owned()]));
            if let Ok(Some(ended)) = timeout(Duration::from_millis(50), asked.next()).await {
                return ended;
            }
        }
    };
    // It is waited for 5 seconds where all have to be heard.
    let ended = timeout(Duration::from_secs(4), asking).await.expect("the one that answers is heard");
    assert_eq!(ended, ["s"]);
}
