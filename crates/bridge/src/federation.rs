//! All servers as one: what they offer together is kept in step with them, and whoever asks finds the one that is meant.
use crate::backoff::Backoff;
use crate::calls::{self, Request};
use crate::catalog::{Catalog, Tool};
use crate::conversation::Conversation;
use crate::conversation::event::Notice;
use crate::instance::State;
use crate::offers::Offers;
use crate::server::Server;
use crate::settings::Settings;
use crate::waiting::Room;
use backend::{Call, Failure, Raw};
use mcp::Edit;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Changes within this time are one.
const SETTLE: Duration = Duration::from_millis(50);

pub(crate) struct Federation {
    pub(crate) settings: Settings,
    pub(crate) servers: Vec<Arc<Server>>,
    catalog: RwLock<Arc<Catalog>>,
    offers: Mutex<Vec<Option<Offers>>>,
    /// One for each server: whether it was asked once, with or without success.
    settled: watch::Sender<Vec<bool>>,
    /// How often the catalog was made anew.
    changes: watch::Sender<u64>,
    pub(crate) room: Room,
}

impl Federation {
    pub(crate) fn new(settings: Settings, supervisor: &Path) -> Arc<Self> {
        let patience = Duration::from_millis(settings.start_timeout_ms);
        let longest = settings.max_message_bytes;
        let server = |one: &crate::settings::Server| {
            Arc::new(Server::new(one.clone(), supervisor.to_owned(), patience, longest))
        };
        let servers: Vec<_> = settings.servers.iter().map(server).collect();
        let room = Room::new(settings.max_waiting, Duration::from_millis(settings.input_timeout_ms));
        Arc::new(Self {
            catalog: RwLock::default(),
            offers: Mutex::new(vec![None; servers.len()]),
            settled: watch::channel(vec![false; servers.len()]).0,
            changes: watch::channel(0).0,
            room,
            servers,
            settings,
        })
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.settings.start_timeout_ms)
    }

    /// Fires whenever the catalog is another one.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Ready once each server has told what it offers, or has failed to.
    pub(crate) async fn settled(&self) {
        let mut settled = self.settled.subscribe();
        // Fails only without a sender, and this is one.
        let _ = settled.wait_for(|settled| settled.iter().all(|settled| *settled)).await;
    }

    /// Keeps what one server offers in step with it, for as long as it is polled.
    pub(crate) async fn follow(self: Arc<Self>, at: usize) {
        let server = Arc::clone(&self.servers[at]);
        let mut states = server.states();
        loop {
            let state = states.borrow_and_update().clone();
            match state {
                State::Up(conversation) => self.keep(at, &conversation).await,
                State::Down(_) => self.settle(at),
                State::Starting => {}
            }
            if states.changed().await.is_err() {
                return;
            }
        }
    }

    /// Reads the lists of a server, and again with each change, until it is lost.
    async fn keep(&self, at: usize, conversation: &Arc<Conversation>) {
        // Before the lists, so that no change between them is missed.
        let mut notices = conversation.notices();
        let _listening = conversation.listen_for_lists();
        let settings = self.servers[at].settings();
        let mut backoff = Backoff::new(settings.backoff_ms, settings.backoff_max_ms);
        loop {
            let again = match Offers::of(conversation, self.patience()).await {
                Ok(offers) => {
                    self.offered(at, conversation, offers);
                    backoff.reset();
                    None
                }
                Err(error) => {
                    let pause = backoff.pause();
                    tracing::warn!(
                        server = settings.name,
                        error = error.message,
                        code = error.code,
                        pause_ms = pause.as_millis() as u64,
                        "a server's lists can't be read; it is asked again"
                    );
                    Some(pause)
                }
            };
            self.settle(at);
            let changed = async {
                loop {
                    match notices.recv().await {
                        Ok(Notice::Changed) | Err(broadcast::error::RecvError::Lagged(_)) => return true,
                        Ok(Notice::Updated(_)) => {}
                        Err(broadcast::error::RecvError::Closed) => return false,
                    }
                }
            };
            let again = async {
                match again {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                true = changed => {}
                () = again => {}
                () = conversation.lost() => return,
                else => return,
            }
            tokio::time::sleep(SETTLE).await;
            notices = conversation.notices();
        }
    }

    fn settle(&self, at: usize) {
        self.settled.send_if_modified(|settled| !std::mem::replace(&mut settled[at], true));
    }

    fn offered(&self, at: usize, conversation: &Conversation, mut offers: Offers) {
        let left_out = conversation.mirror(&mut offers.tools);
        let server = self.servers[at].name();
        for reason in left_out.into_iter().chain(offers.take_out_tasks()) {
            tracing::error!(server, reason, "a tool is left out");
        }
        let all = {
            let mut all = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
            all[at] = Some(offers);
            all.clone()
        };
        let names: Vec<&str> = self.servers.iter().map(|server| server.name()).collect();
        let catalog = Arc::new(Catalog::new(&names, all, self.settings.prefix));
        let before = std::mem::replace(
            &mut *self.catalog.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&catalog),
        );
        for clash in catalog.clashes.iter().filter(|clash| !before.clashes.contains(clash)) {
            tracing::error!("{clash}");
        }
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Calls a tool: `tools/call` with the protocol's params, or `tool.execute` with the tool's arguments alone.
    ///
    /// # Errors
    /// The server's, or why it can't be asked.
    pub(crate) async fn call(&self, tool: &Tool, call: &Call, params: &Raw) -> Result<Raw, Failure> {
        let given = text(params)?;
        let is_mcp = call.method() == mcp::method::TOOLS_CALL;
        let own = if is_mcp {
            Edit::of(given).set_text("name", &tool.own).finish().into_owned()
        } else {
            format!("{{\"name\":{},\"arguments\":{given}}}", mcp::text::quoted(&tool.own))
        };
        let request = Request {
            call,
            method: mcp::method::TOOLS_CALL,
            params: if is_mcp { given } else { "{}" },
            is_mcp,
        };
        let conversation = self.conversation(tool.server, call).await?;
        request.ask(&conversation, &own, &self.room).await
    }

    /// The conversation with a server for this call.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn conversation(&self, at: usize, call: &Call) -> Result<Arc<Conversation>, Failure> {
        let server = &self.servers[at];
        server.conversation(&calls::session(call)).await.map_err(|reason| {
            Failure::unavailable(format!(
                "server {} is down: {reason}; nothing was sent, try again",
                server.name()
            ))
        })
    }
}

/// The text of what was checked to be JSON.
pub(crate) fn text(raw: &Raw) -> Result<&str, Failure> {
    std::str::from_utf8(raw.as_bytes()).map_err(|_| Failure::invalid_params("the params are not UTF-8"))
}
