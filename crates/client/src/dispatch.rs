//! Hands each message of the gateway to whom it is for. Knows what an answer changes beside its call; does no I/O.

use protocol::{ErrorCode, Id, Kind, Message, Method, MethodName, Rejection};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::assembly::Whole;
use crate::calls::{Entry, Remedy, Role};
use crate::event::{GapParams, Position};
use crate::events::subscribed;
use crate::inbox::Outcome;
use crate::reader::End;
use crate::shared::Shared;
use crate::ticket::Change;
use crate::update::{ProgressParams, Update};
use crate::{Error, Notification};

#[derive(Deserialize)]
struct ErrorBody {
    code: u16,
    message: String,
    #[serde(default)]
    details: Option<Box<RawValue>>,
}

/// What the details of an error may ask of a client.
#[derive(Default, Deserialize)]
struct Hints {
    /// Of 4009: nothing was sent, another connection will do.
    #[serde(default)]
    draining: bool,
    /// Of 4006: trying again does no harm.
    #[serde(default)]
    repeatable: bool,
}

impl Shared {
    /// Hands each message of a frame to whom it is for.
    pub(crate) fn receive(&self, frame: Whole, scratch: &mut Vec<u8>) -> Result<(), End> {
        if let Some(speech) = &self.wire.mcp {
            return self.hear(speech, frame);
        }
        let mut fatal = None;
        self.wire.read(frame, scratch, |message| {
            if fatal.is_none() {
                fatal = self.dispatch(message).err();
            }
        })?;
        match fatal {
            None => Ok(()),
            Some(reason) => Err(End::not_understood(reason)),
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
            Err(rejection) => return self.reject(rejection.id, rejection.message.into_owned()),
        };
        match message.kind {
            Kind::Response => self.answered(message.id, raw(message.body)),
            Kind::Pong => self.answered(message.id, raw("null")),
            Kind::Error => self.fail(&message),
            Kind::Notification => self.notify(&message)?,
            Kind::Ping => self.control.answer_ping(message.id.map_or_else(String::new, token)),
            Kind::Request => return Err("a gateway does not send requests".to_owned()),
        }
        Ok(())
    }

    /// A message can't be read. One that answers a call still does: only that fails.
    pub(crate) fn reject(&self, id: Option<Id<'_>>, reason: String) -> Result<(), String> {
        let Some(entry) = id.and_then(number).and_then(|id| self.calls.take(id)) else { return Err(reason) };
        self.settle(entry, Err(Error::Protocol(reason)));
        Ok(())
    }

    pub(crate) fn answered(&self, id: Option<Id<'_>>, outcome: Outcome) {
        // An answer that nobody waits for belongs to a call whose handle was dropped, or is one that came twice.
        if let Some(entry) = id.and_then(number).and_then(|id| self.calls.take(id)) {
            self.settle(entry, outcome);
        }
    }

    fn fail(&self, message: &Message<'_>) {
        let error = match serde_json::from_str::<ErrorBody>(message.body) {
            Ok(ErrorBody { code, message, details }) => Error::Rpc { code, message, details },
            Err(error) => Error::Protocol(format!("an error that is not understood: {error}")),
        };
        self.fail_with(message.id.and_then(number), error);
    }

    /// The request with this id has come to nothing.
    pub(crate) fn fail_with(&self, id: Option<u64>, error: Error) {
        // No id, or 0 in binary: the gateway could not read whose error it is.
        let Some(id) = id.filter(|&id| id != 0) else {
            self.publish(&Err(error));
            return;
        };
        let hints = Hints::of(&error);
        let remedy = match error.rpc_code() {
            Some(ErrorCode::BackendUnavailable) if hints.draining && self.reconnects => Remedy::Elsewhere,
            Some(ErrorCode::OutcomeUnknown) if hints.repeatable => Remedy::Again,
            _ => Remedy::Nothing,
        };
        match self.calls.fail(id, remedy) {
            Some(entry) => self.settle(entry, Err(error)),
            // Perhaps it goes again at once.
            None => self.control.nudge(),
        }
    }

    /// What the answer changes has changed before anything that follows it is read.
    fn settle(&self, entry: Entry, outcome: Outcome) {
        let outcome = match &outcome {
            Ok(answer) => self.heed(entry.role, answer).and(outcome),
            Err(_) => outcome,
        };
        entry.inbox.settle(outcome);
    }

    fn heed(&self, role: Role, answer: &RawValue) -> Result<(), Error> {
        match role {
            Role::Caller | Role::Passing | Role::Cancel(_) => {}
            Role::Greeting => {
                let welcome = self.wire.welcome(answer)?;
                self.sign_with(welcome.key.as_ref())?;
                self.ticket().clone_from(&welcome.ticket);
                self.events.welcomed(&welcome);
                self.set_session(welcome.session);
            }
            Role::Renewal { replay } => self.events.renewed(subscribed(answer)?, replay),
            Role::Subscription(queue) => self.events.confirmed(subscribed(answer)?, &queue),
            // A caller's own request may be answered by whatever: then nothing is renewed.
            Role::Asking(names) => {
                if let Ok(answer) = subscribed(answer) {
                    self.events.asked(answer, names);
                }
            }
            Role::Unasking(names) => self.events.unasked(&names),
        }
        Ok(())
    }

    fn notify(&self, message: &Message<'_>) -> Result<(), String> {
        let method = message.method.as_ref();
        let body = if message.body.is_empty() { "null" } else { message.body };
        match method {
            Some(MethodName::Known(Method::ToolProgress)) => {
                if let Ok(params) = serde_json::from_str::<ProgressParams>(body) {
                    let id = params.id;
                    if let Some(update) = params.into_update() {
                        self.update(id, update);
                    }
                    return Ok(());
                }
            }
            // An event that was there before is nobody's news.
            Some(MethodName::Known(Method::Event)) if !self.events.take(message.seq, body) => return Ok(()),
            Some(MethodName::Known(Method::EventGap)) => {
                if let Ok(GapParams { log_epoch, last_offset }) = serde_json::from_str(body) {
                    self.events.gap(Position { log_epoch, last_offset });
                }
            }
            Some(MethodName::Known(Method::SessionChanged)) => self.changed(body),
            Some(MethodName::Known(Method::SessionMigrate)) => self.migrate(),
            _ => {}
        }
        self.publish(&Ok(Notification {
            method: method.map(|method| method.name().to_owned()).unwrap_or_default(),
            params: raw(body).map_err(|error| error.to_string())?,
            seq: message.seq,
        }));
        Ok(())
    }

    /// The session is resumed with another ticket from now on, or can't be.
    pub(crate) fn changed(&self, params: &str) {
        if let Ok(change) = serde_json::from_str::<Change>(params) {
            *self.ticket() = change.into_ticket();
        }
    }

    /// The gateway drains: a session that can be resumed goes on elsewhere.
    pub(crate) fn migrate(&self) {
        if self.reconnects && self.ticket().is_some() {
            self.control.hold();
        }
    }

    /// Tells a call how far it is, if somebody still waits for it.
    pub(crate) fn update(&self, id: u64, update: Update) {
        let Some(inbox) = self.calls.inbox(id) else { return };
        if !inbox.push(update) {
            self.abandon(id);
            inbox.settle(Err(Error::Lagged { missed: 1 }));
        }
    }
}

impl Hints {
    fn of(error: &Error) -> Self {
        match error {
            Error::Rpc { details: Some(details), .. } => {
                serde_json::from_str(details.get()).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }
}

pub(crate) fn raw(json: &str) -> Outcome {
    RawValue::from_string(json.to_owned()).map_err(|error| Error::Protocol(error.to_string()))
}

/// The id as this client wrote it; `None` for one that it cannot have written.
pub(crate) fn number(id: Id<'_>) -> Option<u64> {
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
