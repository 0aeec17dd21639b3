//! An upgraded connection: sends what it is told, reads strictly.

use crate::{Draft, Frame, Opcode, Packet, Received, Response, Socket, until};
use serde_json::{Value, json};
use std::ops::{Deref, DerefMut};

/// A connection after its upgrade.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    /// The answer to the upgrade.
    pub response: Response,
    last_id: u64,
    tolerates_pings: bool,
}

impl Client {
    /// A connection whose upgrade was answered.
    pub fn new(socket: Socket, response: Response) -> Self {
        Self { socket, response, last_id: 0, tolerates_pings: false }
    }

    /// From now on pings of the gateway may come before a message; they are not answered.
    pub fn tolerate_pings(&mut self) {
        self.tolerates_pings = true;
    }

    /// Sends a frame.
    pub fn draft(&mut self, draft: &Draft) {
        self.socket.send(&draft.bytes());
    }

    /// Sends a text.
    pub fn text(&mut self, text: &str) {
        self.draft(&Draft::text(text));
    }

    /// Sends a message, or a batch, as text.
    pub fn json(&mut self, message: &Value) {
        self.text(&message.to_string());
    }

    /// Sends a request.
    pub fn request(&mut self, id: &str, method: &str, params: &Value) {
        self.json(&json!({"id": id, "type": 0, "method": method, "params": params}));
    }

    /// Sends a packet of `mcp.v1.binary` in a frame of its own.
    pub fn packet(&mut self, packet: &Packet) {
        self.draft(&Draft::binary(&packet.bytes()));
    }

    /// The next frame.
    pub fn frame(&mut self, awaited: &str) -> Frame {
        self.socket.parse(awaited, Frame::parse)
    }

    /// The next frame of this kind; any other is a failure.
    ///
    /// # Panics
    /// Another frame comes.
    pub fn frame_of(&mut self, opcode: Opcode, awaited: &str) -> Frame {
        let frame = self.frame(awaited);
        assert_eq!(frame.opcode, opcode, "awaited {awaited}, found {frame:?}");
        frame
    }

    /// The next message, which must be a text.
    ///
    /// # Panics
    /// Another frame comes, or it is no JSON.
    pub fn message(&mut self) -> Value {
        let mut frame = self.frame("a message");
        while self.tolerates_pings && frame.opcode == Opcode::PING {
            frame = self.frame("a message");
        }
        assert_eq!(frame.opcode, Opcode::TEXT, "awaited a message, found {frame:?}");
        serde_json::from_str(frame.text()).unwrap_or_else(|error| panic!("{frame:?} is no JSON: {error}"))
    }

    /// The next packet of `mcp.v1.binary`, which must be alone in its frame.
    pub fn reply(&mut self) -> Packet {
        let mut frame = self.frame("a packet");
        while self.tolerates_pings && frame.opcode == Opcode::PING {
            frame = self.frame("a packet");
        }
        assert_eq!(frame.opcode, Opcode::BINARY, "awaited a packet, found {frame:?}");
        Packet::parse(&frame.payload)
    }

    /// The next message, which must answer the request with this id; its result.
    ///
    /// # Panics
    /// Another message comes.
    pub fn result(&mut self, id: &str) -> Value {
        let mut message = self.message();
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!(1)), "{message}");
        message["result"].take()
    }

    /// As [`Self::result`], for a request whose id is a number.
    ///
    /// # Panics
    /// Another message comes.
    pub fn result_of(&mut self, id: u64) -> Value {
        let mut message = self.message();
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!(1)), "{message}");
        message["result"].take()
    }

    /// The next message, which must be an error with this id and code; its text.
    ///
    /// # Panics
    /// Another message comes.
    pub fn error(&mut self, id: &Value, code: u16) -> String {
        let message = self.message();
        assert_eq!((&message["id"], &message["type"]), (id, &json!(3)), "{message}");
        assert_eq!(message["error"]["code"], code, "{message}");
        message["error"]["message"].as_str().unwrap_or_else(|| panic!("no text: {message}")).to_owned()
    }

    /// Asks and awaits the result.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.fresh_id();
        self.request(&id, method, params);
        self.result(&id)
    }

    /// Asks and awaits an error of this code; its text.
    pub fn ask_wrong(&mut self, method: &str, params: &Value, code: u16) -> String {
        let id = self.fresh_id();
        self.request(&id, method, params);
        self.error(&json!(id), code)
    }

    fn fresh_id(&mut self) -> String {
        self.last_id += 1;
        format!("ask-{}", self.last_id)
    }

    /// Checks that the conversation goes on.
    ///
    /// # Panics
    /// It does not.
    pub fn check_alive(&mut self) {
        let params = json!({"still": "here"});
        assert_eq!(self.ask("echo", &params), params);
    }

    /// Waits until this tool is listed.
    pub fn await_tool(&mut self, name: &str) {
        until(&format!("the tool {name}"), || {
            let list = self.ask("tool.list", &json!({}));
            let tools = list["tools"].as_array().expect("a list of tools");
            tools.iter().any(|tool| tool["name"] == name).then_some(())
        });
    }

    /// The next frame, which must be a close with this code, after which the connection ends on both sides; its
    /// reason.
    ///
    /// # Panics
    /// Anything else comes.
    pub fn closed(&mut self, code: u16) -> String {
        let reason = self.left(code);
        self.socket.finish();
        reason
    }

    /// As [`Self::closed`], but our side stays open.
    ///
    /// # Panics
    /// Anything else comes.
    pub fn left(&mut self, code: u16) -> String {
        let (found, reason) = self.frame(&format!("a close with {code}")).close();
        assert_eq!(found, code, "the reason is {reason:?}");
        let ended = self.socket.await_end("the end of the connection after its close frame");
        assert!(self.socket.inbox().is_empty(), "bytes after the close frame: {:?}", self.socket.inbox());
        assert_eq!(ended, Received::End, "after the close frame {code} {reason:?}");
        reason
    }

    /// Ends the connection with a reset.
    pub fn reset_now(self) {
        self.socket.reset();
    }
}

impl Deref for Client {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl From<Client> for Socket {
    fn from(client: Client) -> Self {
        client.socket
    }
}
