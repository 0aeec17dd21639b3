//! Signatures as docs/protocol.md tells them, made by hand: the code under test has no part in it.

use crate::{Flags, Packet};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use std::time::UNIX_EPOCH;

/// The key of a connection.
#[derive(Clone, Debug)]
pub struct Signatures {
    key: hmac::Key,
    connection_id: String,
    nonce: u64,
}

impl Signatures {
    /// The key in an answer to `initialize`.
    ///
    /// # Panics
    /// There is none.
    pub fn of(opened: &Value) -> Self {
        let signing = &opened["signing"];
        assert_eq!(signing["algorithm"], "HMAC-SHA256", "{opened}");
        let text = |name: &str| signing[name].as_str().unwrap_or_else(|| panic!("no {name}: {opened}"));
        Self::with(text("key"), text("connection_id"))
    }

    /// This key, as base64url, and this connection.
    ///
    /// # Panics
    /// It is no base64url.
    pub fn with(key: &str, connection_id: &str) -> Self {
        let key = BASE64_URL_SAFE_NO_PAD.decode(key).expect("the key is base64url");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Self { key, connection_id: connection_id.to_owned(), nonce: 0 }
    }

    /// Milliseconds since 1970.
    ///
    /// # Panics
    /// It is before 1970.
    pub fn now() -> u64 {
        UNIX_EPOCH.elapsed().expect("it is after 1970").as_millis() as u64
    }

    /// The message, signed now, with the next nonce.
    pub fn text(&mut self, message: &str) -> String {
        self.nonce += 1;
        self.text_at(message, Self::now(), self.nonce)
    }

    /// The message, signed with these.
    pub fn text_at(&self, message: &str, timestamp: u64, nonce: u64) -> String {
        let covered = format!("mcp.v1\n{}\n{timestamp}\n{nonce}\n{message}", self.connection_id);
        let mac = hmac::sign(&self.key, covered.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(mac);
        format!(
            r#"{{"message":{message},"timestamp":{timestamp},"nonce":{nonce},"signature":"{signature}"}}"#
        )
    }

    /// The packet, signed now. Its sequence id is the nonce.
    pub fn packet(&self, packet: &Packet) -> Packet {
        self.packet_at(packet, Self::now())
    }

    /// The packet, signed at this time.
    pub fn packet_at(&self, packet: &Packet, timestamp: u64) -> Packet {
        let mut packet = packet.clone();
        packet.flags |= Flags::SIGNED;
        packet.payload.extend_from_slice(&timestamp.to_be_bytes());
        // The header counts the MAC too.
        packet.payload.extend_from_slice(&[0; 32]);
        let bytes = packet.bytes();
        let mut covered = format!("mcp.v1.binary\n{}\n", self.connection_id).into_bytes();
        covered.extend_from_slice(&bytes[..bytes.len() - 32]);
        let end = packet.payload.len() - 32;
        packet.payload[end..].copy_from_slice(hmac::sign(&self.key, &covered).as_ref());
        packet
    }
}
