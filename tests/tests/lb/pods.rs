//! Two gateways that take the same tokens, and which of them a client has reached.

use std::net::SocketAddr;

use gateway::Config;
use tempfile::NamedTempFile;
use tests::{Keys, Metrics, Process, Request, Socket, until};

use crate::balancer::{Balancer, Program, Target};

/// The series by which pods are told apart.
const UPGRADED: &str = "websocket_connections_total";

/// Two running gateways.
#[derive(Debug)]
pub(crate) struct Pods {
    pods: [Option<Process>; 2],
    targets: [Target; 2],
    keys: Keys,
    /// The key's file.
    _secret: NamedTempFile,
}

impl Pods {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// Two with other settings.
    pub(crate) fn with(configure: impl Fn(&mut Config)) -> Self {
        let keys = Keys::fresh();
        let secret = NamedTempFile::new().expect("the system has a folder for temporary files");
        std::fs::write(secret.path(), keys.secret()).expect("the file is ours");
        let key =
            auth::KeySettings { secret_file: Some(secret.path().to_owned()), ..auth::KeySettings::default() };
        let pods = [(); 2].map(|()| {
            Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
                config.auth.keys = vec![key.clone()];
                configure(config);
            })
        });
        let targets = [0, 1].map(|pod: usize| Target { clients: pods[pod].clients, admin: pods[pod].admin });
        Self { pods: pods.map(Some), targets, keys, _secret: secret }
    }

    /// A load balancer in front of them.
    #[track_caller]
    pub(crate) fn behind(&self, program: Program) -> Balancer {
        Balancer::start(program, self.targets)
    }

    pub(crate) fn targets(&self) -> [Target; 2] {
        self.targets
    }

    /// An upgrade for `mcp.v1` that every pod takes.
    pub(crate) fn upgrade(&self, address: SocketAddr) -> Request {
        Request::upgrade(address)
            .with("Authorization", &format!("Bearer {}", self.keys.token()))
            .with("Sec-WebSocket-Protocol", "mcp.v1")
    }

    /// Which pod took the one connection that is made meanwhile.
    #[track_caller]
    pub(crate) fn reached<T>(&self, connect: impl FnOnce() -> T) -> (T, usize) {
        let before = self.upgraded();
        let connected = connect();
        let pod = until("one pod to count the connection", || {
            let now = self.upgraded();
            let grown: Vec<_> = (0..2).filter(|pod| now[*pod] > before[*pod]).collect();
            assert!(grown.len() < 2, "one connection reached both pods");
            grown.first().copied()
        });
        (connected, pod)
    }

    fn upgraded(&self) -> [f64; 2] {
        [0, 1].map(|pod| self.metrics(pod).map_or(0.0, |metrics| metrics.value(UPGRADED)))
    }

    /// What a pod has counted, unless it was killed or has ended.
    fn metrics(&self, pod: usize) -> Option<Metrics> {
        self.pods[pod].as_ref().map(|pod| pod.metrics())
    }

    /// `POST /health/drain`.
    #[track_caller]
    pub(crate) fn drain(&self, pod: usize) {
        let mut socket = Socket::connect(self.targets[pod].admin);
        socket.send(b"POST /health/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(socket.response().status, 202);
    }

    /// Waits until a drained pod has ended, which it must do well.
    #[track_caller]
    pub(crate) fn await_exit(&mut self, pod: usize) {
        let mut process = self.pods[pod].take().expect("the pod runs");
        assert_eq!(process.await_exit().code(), Some(0));
    }

    /// SIGKILL.
    #[track_caller]
    pub(crate) fn kill(&mut self, pod: usize) {
        self.pods[pod].take().expect("the pod runs").end();
    }
}
