//! A client with a session: it knows what it needs to take it up again on another connection.

use crate::{Client, Endpoints, Opcode};
use serde_json::{Value, json};
use std::ops::{Deref, DerefMut};

/// A connection whose session was opened.
#[derive(Debug)]
pub struct Session {
    client: Client,
    /// The answer to `initialize`.
    pub opened: Value,
}

impl Session {
    /// Opens a session on a fresh connection.
    pub fn open(gateway: &Endpoints) -> Self {
        Self::initialize(gateway.connect(), json!({}))
    }

    /// Opens a session on this connection with these params.
    ///
    /// # Panics
    /// The gateway does not answer with a result.
    pub fn initialize(mut client: Client, params: Value) -> Self {
        client.tolerate_pings();
        let opened = client.ask("initialize", &params);
        Self { client, opened }
    }

    /// What a resume of this session says.
    pub fn resume(&self, more: Value) -> Value {
        let mut resume =
            json!({"session_id": self.opened["session_id"], "resume_token": self.opened["resume_token"]});
        if let (Value::Object(resume), Value::Object(more)) = (&mut resume, more) {
            resume.extend(more);
        }
        json!({ "resume": resume })
    }

    /// Takes the session up on a fresh connection, while this one is still there.
    pub fn take_up(&self, gateway: &Endpoints, more: Value) -> Self {
        Self::initialize(gateway.connect(), self.resume(more))
    }

    /// Ends the connection as a cut cable does, and takes the session up on another.
    pub fn move_to(self, gateway: &Endpoints, more: Value) -> Self {
        let params = self.resume(more);
        self.client.reset_now();
        Self::initialize(gateway.connect(), params)
    }

    /// Ends the connection as a cut cable does; what a resume says.
    pub fn cut(self, more: Value) -> Value {
        let params = self.resume(more);
        self.client.reset_now();
        params
    }

    /// The next message that is not progress.
    pub fn hear(&mut self) -> Value {
        loop {
            let message = self.client.message();
            if message["method"] != "tool.progress" {
                return message;
            }
        }
    }

    /// The next message, which must be an event: its offset, name and data.
    ///
    /// # Panics
    /// Anything else comes.
    pub fn event(&mut self) -> (u64, String, Value) {
        let mut message = self.hear();
        assert_eq!((&message["type"], &message["method"]), (&json!(2), &json!("event")), "{message}");
        let name = message["params"]["name"].as_str().expect("a name").to_owned();
        (message["seq"].as_u64().expect("an offset"), name, message["params"]["data"].take())
    }

    /// Calls a tool and returns at once.
    pub fn call(&mut self, id: &str, tool: &str, args: &Value) {
        self.client.request(id, "tool.execute", &json!({"tool": tool, "args": args}));
    }

    /// Subscribes; the answer.
    pub fn subscribe(&mut self, names: &[&str]) -> Value {
        self.client.ask("event.subscribe", &json!({ "names": names }))
    }

    /// Publishes; the offset.
    ///
    /// # Panics
    /// The event is not stored.
    pub fn publish(&mut self, name: &str, data: &Value) -> u64 {
        let answer = self.client.ask("event.publish", &json!({"name": name, "data": data}));
        answer["offset"].as_u64().expect("an offset")
    }

    /// Waits until the gateway closes with this code; whatever comes before is left.
    ///
    /// # Panics
    /// It closes with another code.
    pub fn await_close(&mut self, code: u16) -> String {
        loop {
            let frame = self.client.frame("a close");
            if frame.opcode == Opcode::CLOSE {
                let (found, reason) = frame.close();
                assert_eq!(found, code, "{reason}");
                return reason;
            }
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
