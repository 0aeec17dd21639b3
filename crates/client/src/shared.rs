//! What the tasks and handles of one connection share: the calls in flight, the readers of notifications, and whether
//! the connection has ended. Does no I/O.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use protocol::{CloseCode, ErrorCode, Id, Kind, Message, Method, MethodName, Rejection};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::SetOnce;

use crate::assembly::Whole;
use crate::control::Control;
use crate::heartbeat::Pulse;
use crate::inbox::{Inbox, Outcome};
use crate::notification::Feed;
use crate::reader::End;
use crate::update::ProgressParams;
use crate::wire::Wire;
use crate::{Error, Notification};

pub(crate) struct Shared {
    pub(crate) wire: Wire,
    pub(crate) control: Control,
    pub(crate) pulse: Pulse,
    /// Set when nothing can be sent or received any more.
    pub(crate) ended: SetOnce<Error>,
    last_id: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    calls: HashMap<u64, Arc<Inbox>>,
    feeds: Vec<Weak<Feed>>,
    ended: Option<Error>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: u16,
    message: String,
    #[serde(default)]
    details: Option<Box<RawValue>>,
}

impl Shared {
    pub(crate) fn new(wire: Wire) -> Self {
        Self {
            wire,
            control: Control::default(),
            pulse: Pulse::default(),
            ended: SetOnce::new(),
            last_id: AtomicU64::new(0),
            table: Mutex::default(),
        }
    }

    /// An id that no request of this connection has; from 1.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Enters a call before it is sent.
    pub(crate) fn register(&self, id: u64, inbox: Arc<Inbox>) -> Result<(), Error> {
        let mut table = self.table();
        if let Some(error) = &table.ended {
            return Err(error.clone());
        }
        table.calls.insert(id, inbox);
        Ok(())
    }

    /// Forgets a call: its answer, if one comes, is nobody's.
    pub(crate) fn forget(&self, id: u64) {
        self.table().calls.remove(&id);
    }

    pub(crate) fn listen(&self, feed: &Arc<Feed>) {
        let mut table = self.table();
        if table.ended.is_some() {
            feed.end();
            return;
        }
        table.feeds.retain(|feed| feed.strong_count() > 0);
        table.feeds.push(Arc::downgrade(feed));
    }

    /// Why the connection has ended, if it has.
    pub(crate) fn reason(&self) -> Error {
        self.ended.get().cloned().unwrap_or_else(|| Error::abnormal("the connection is closing"))
    }

    /// Ends everything that waits; the first reason counts.
    pub(crate) fn end(&self, error: Error) {
        let (calls, feeds) = {
            let mut table = self.table();
            if table.ended.is_some() {
                return;
            }
            table.ended = Some(error.clone());
            (std::mem::take(&mut table.calls), std::mem::take(&mut table.feeds))
        };
        let _ = self.ended.set(error.clone());
        for inbox in calls.into_values() {
            inbox.settle(Err(error.clone()));
        }
        for feed in feeds.iter().filter_map(Weak::upgrade) {
            feed.end();
        }
    }

    /// Hands each message of a frame to whom it is for.
    pub(crate) fn receive(&self, frame: Whole, scratch: &mut Vec<u8>) -> Result<(), End> {
        let mut fatal = None;
        self.wire.read(frame, scratch, |message| {
            if fatal.is_none() {
                fatal = self.dispatch(message).err();
            }
        })?;
        match fatal {
            None => Ok(()),
            Some(reason) => {
                let reply = Some((
                    CloseCode::PolicyViolation.as_u16(),
                    "a message that is not understood".to_owned(),
                ));
                Err(End { error: Error::Protocol(reason), reply })
            }
        }
    }

    /// An error ends the connection.
    fn dispatch(&self, message: Result<Message<'_>, Rejection<'_>>) -> Result<(), String> {
        let message = match message {
            Ok(message) => message,
            Err(rejection) if rejection.code == ErrorCode::MethodNotFound => {
                // A notification of a newer gateway, whose number this client does not know.
                self.publish(&Err(Error::Protocol(rejection.message.into_owned())));
                return Ok(());
            }
            Err(rejection) => {
                // An answer that can't be read still is one: only its own call fails.
                let known = rejection.id.and_then(number).and_then(|id| self.take(id));
                return match known {
                    Some(inbox) => {
                        inbox.settle(Err(Error::Protocol(rejection.message.into_owned())));
                        Ok(())
                    }
                    None => Err(rejection.message.into_owned()),
                };
            }
        };
        match message.kind {
            Kind::Response => {
                let result = raw(message.body);
                self.settle(message.id, result);
            }
            Kind::Error => self.fail(&message),
            Kind::Notification => self.notify(&message)?,
            Kind::Ping => self.control.answer_ping(message.id.map_or_else(String::new, token)),
            Kind::Pong => self.settle(message.id, raw("null")),
            Kind::Request => return Err("a gateway does not send requests".to_owned()),
        }
        Ok(())
    }

    fn settle(&self, id: Option<Id<'_>>, outcome: Outcome) {
        // An answer that nobody waits for belongs to a call whose handle was dropped.
        if let Some(inbox) = id.and_then(number).and_then(|id| self.take(id)) {
            inbox.settle(outcome);
        }
    }

    fn fail(&self, message: &Message<'_>) {
        let error = match serde_json::from_str::<ErrorBody>(message.body) {
            Ok(ErrorBody { code, message, details }) => Error::Rpc { code, message, details },
            Err(error) => Error::Protocol(format!("an error that is not understood: {error}")),
        };
        // No id, or 0 in binary: the gateway could not read whose error it is.
        match message.id.and_then(number).filter(|&id| id != 0) {
            Some(id) => self.settle(Some(Id::Sequence(id)), Err(error)),
            None => self.publish(&Err(error)),
        }
    }

    fn notify(&self, message: &Message<'_>) -> Result<(), String> {
        let method = message.method.as_ref();
        if method == Some(&MethodName::Known(Method::ToolProgress))
            && let Ok(params) = serde_json::from_str::<ProgressParams>(message.body)
        {
            self.update(params);
            return Ok(());
        }
        let params = raw(if message.body.is_empty() { "null" } else { message.body });
        self.publish(&Ok(Notification {
            method: method.map(|method| method.name().to_owned()).unwrap_or_default(),
            params: params.map_err(|error| error.to_string())?,
            seq: message.seq,
        }));
        Ok(())
    }

    fn update(&self, params: ProgressParams) {
        let id = params.id;
        let inbox = self.table().calls.get(&id).cloned();
        let (Some(inbox), Some(update)) = (inbox, params.into_update()) else { return };
        if !inbox.push(update) {
            self.forget(id);
            self.control.cancel(id);
            inbox.settle(Err(Error::Lagged { missed: 1 }));
        }
    }

    fn publish(&self, item: &Result<Notification, Error>) {
        let feeds: Vec<_> = self.table().feeds.iter().filter_map(Weak::upgrade).collect();
        for feed in feeds {
            feed.push(item.clone());
        }
    }

    fn take(&self, id: u64) -> Option<Arc<Inbox>> {
        self.table().calls.remove(&id)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn raw(json: &str) -> Outcome {
    RawValue::from_string(json.to_owned()).map_err(|error| Error::Protocol(error.to_string()))
}

/// The id as this client wrote it; `None` for one that it cannot have written.
fn number(id: Id<'_>) -> Option<u64> {
    match id {
        Id::Sequence(number) => Some(number),
        Id::Token(token) => token.parse().ok(),
    }
}

fn token(id: Id<'_>) -> String {
    match id {
        Id::Sequence(number) => number.to_string(),
        Id::Token(token) => token.to_owned(),
    }
}
