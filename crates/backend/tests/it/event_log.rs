//! A small gateway's event log: real gRPC, keys that count, and answers that go wrong as planned.
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::pb::events_server::{Events, EventsServer};
use protocol::pb::{PublishRequest, PublishResponse};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};

use crate::process::Process;

/// What becomes of the next publish.
pub(crate) enum Plan {
    /// It is answered with this, and not stored.
    Refuse(Code, &'static str),
    /// It is stored, and its answer lost.
    Lose,
    /// It is never answered.
    Hang,
}

#[derive(Default)]
pub(crate) struct Log {
    /// Every request that came.
    pub(crate) seen: Vec<PublishRequest>,
    /// The first of each key.
    pub(crate) stored: Vec<PublishRequest>,
    plan: VecDeque<Plan>,
}

struct Service(Arc<Mutex<Log>>);

#[tonic::async_trait]
impl Events for Service {
    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let request = request.into_inner();
        let planned = {
            let mut log = lock(&self.0);
            log.seen.push(request.clone());
            log.plan.pop_front()
        };
        match planned {
            Some(Plan::Refuse(code, message)) => return Err(Status::new(code, message)),
            Some(Plan::Hang) => std::future::pending().await,
            Some(Plan::Lose) => {
                lock(&self.0).append(request);
                return Err(Status::unavailable("the answer is lost"));
            }
            None => {}
        }
        let offset = lock(&self.0).append(request);
        Ok(Response::new(PublishResponse { offset, log_epoch: "00000000000000ab".to_owned() }))
    }
}

impl Log {
    fn append(&mut self, request: PublishRequest) -> u64 {
        let known = self.stored.iter().position(|first| {
            !request.idempotency_key.is_empty()
                && (&first.tenant, &first.idempotency_key) == (&request.tenant, &request.idempotency_key)
        });
        let place = known.unwrap_or_else(|| {
            self.stored.push(request);
            self.stored.len() - 1
        });
        place as u64 + 1
    }

    /// The stored events as tenant, name and data.
    pub(crate) fn events(&self) -> Vec<(&str, &str, &str)> {
        self.stored
            .iter()
            .map(|event| {
                let data = std::str::from_utf8(&event.data).expect("JSON is UTF-8");
                (&*event.tenant, &*event.name, data)
            })
            .collect()
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends as a killed process does when it is dropped.
pub(crate) struct RunningLog {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Log>>,
    _process: Process,
}

impl RunningLog {
    pub(crate) fn start() -> Self {
        let log = Arc::<Mutex<Log>>::default();
        let events = EventsServer::new(Service(Arc::clone(&log)));
        let process = Process::start("127.0.0.1:0", Server::builder().add_service(events));
        Self { address: process.address, log, _process: process }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    /// What becomes of the next publishes; later ones go well.
    pub(crate) fn plan(&self, plan: impl IntoIterator<Item = Plan>) {
        self.log().plan.extend(plan);
    }
}
