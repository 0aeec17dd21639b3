//! The way between gateways and a Redis, which a test can make slow, or cut where it hurts: behind a command, so that it
//! is executed and its answer is lost.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What befalls the connections.
#[derive(Debug, Default)]
struct Harm {
    /// Commands that hold one of these are the last of their connection.
    cut_behind: &'static [&'static str],
    /// How often that came true.
    cuts: usize,
    /// So long answers are on their way.
    delay: Duration,
}

/// A cable that was laid. Dropped, all connections break.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    harm: Arc<Mutex<Harm>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Cable {
    /// A good cable to the Redis at this address.
    ///
    /// # Panics
    /// The system has no port for it.
    pub fn to(redis: &str) -> Self {
        let redis: SocketAddr = redis.parse().expect("the address of a Redis");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
        listener.set_nonblocking(true).expect("it is a socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (harm, (stop, stopped)) = (Arc::<Mutex<Harm>>::default(), oneshot::channel::<()>());
        let shared = Arc::clone(&harm);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let listener = TcpListener::from_std(listener).expect("it does not block");
                tokio::select! {
                    () = carry_all(&listener, redis, &shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, harm, stop: Some(stop), thread: Some(thread) }
    }

    /// Where a gateway finds the Redis.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on a command that holds one of these is executed, and then its connection is broken. A script must have
    /// been run before: Redis knows it only then.
    pub fn cut_behind(&self, words: &'static [&'static str]) {
        self.harm().cut_behind = words;
    }

    /// From now on answers need so long.
    pub fn delay(&self, delay: Duration) {
        self.harm().delay = delay;
    }

    /// It is as good as new.
    pub fn mend(&self) {
        *self.harm() = Harm::default();
    }

    /// How often it was cut since it was good.
    pub fn cuts(&self) -> usize {
        self.harm().cuts
    }

    fn harm(&self) -> MutexGuard<'_, Harm> {
        lock(&self.harm)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(harm: &Mutex<Harm>) -> MutexGuard<'_, Harm> {
    harm.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn carry_all(listener: &TcpListener, redis: SocketAddr, harm: &Arc<Mutex<Harm>>) {
    let mut connections = JoinSet::new();
    loop {
        let (gateway, _) = listener.accept().await.expect("the system has room for a connection");
        let harm = Arc::clone(harm);
        connections.spawn(async move {
            if let Ok(redis) = TcpStream::connect(redis).await {
                // However it ends, both are closed.
                let _ = carry(gateway, redis, &harm).await;
            }
        });
    }
}

async fn carry(gateway: TcpStream, redis: TcpStream, harm: &Mutex<Harm>) -> std::io::Result<()> {
    gateway.set_nodelay(true)?;
    let (mut asks, mut hears) = gateway.into_split();
    let (mut answers, mut takes) = redis.into_split();
    let (late, mut due) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let is_last = AtomicBool::new(false);
    let ask = async {
        loop {
            let mut bytes = vec![0; 64 * 1024];
            let read = asks.read(&mut bytes).await?;
            if read == 0 {
                return takes.shutdown().await;
            }
            if lock(harm).cut_behind.iter().any(|word| holds(&bytes[..read], word)) {
                is_last.store(true, Relaxed);
            }
            takes.write_all(&bytes[..read]).await?;
        }
    };
    let answer = async {
        loop {
            let mut bytes = vec![0; 64 * 1024];
            let read = answers.read(&mut bytes).await?;
            bytes.truncate(read);
            if is_last.load(Relaxed) {
                lock(harm).cuts += 1;
                return Ok(());
            }
            let delay = lock(harm).delay;
            if read == 0 || late.send((Instant::now() + delay, bytes)).is_err() {
                return Ok(());
            }
        }
    };
    let deliver = async {
        while let Some((at, bytes)) = due.recv().await {
            tokio::time::sleep_until(at).await;
            hears.write_all(&bytes).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = ask => ended,
        ended = answer => ended,
        ended = deliver => ended,
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
