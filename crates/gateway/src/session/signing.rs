//! Signed messages: the key that a connection is given, and what becomes of a message that is not signed as it has to be.

use super::Session;
use super::exchange::Exchange;
use super::params::Mistake;
use crate::audit::Event;
use crate::config::Demand;
use crate::shard::Shard;
use crate::wheel::Tick;
use auth::{Forgery, SignatureKey, Signatures};
use metrics::Unsigned;
use protocol::{ErrorCode, Message, Method, MethodName, Rejection, Signed, signed};
use serde::Serialize;
use std::borrow::Cow;

/// One line of the audit log for all that one connection forges in this time.
const TELL_EVERY_MS: u64 = 10_000;

/// What a connection that has a key keeps of it.
#[derive(Debug)]
pub(super) struct Signing {
    signatures: Signatures,
    /// What was found of the last signature: the rest of its batch stands under it too.
    verdict: Result<(), Unsigned>,
    /// The tick from which the audit log is told again.
    tell_at: Tick,
}

/// The key as the client is told it, once, in the answer to `initialize`.
#[derive(Serialize)]
pub(super) struct Handout {
    algorithm: &'static str,
    key: String,
    connection_id: String,
    skew_ms: u64,
}

/// A key that was made just now: what is kept of it, and what the client is told.
pub(super) type FreshKey = (Box<Signing>, Handout);

impl Session {
    /// A key for this connection, if it is to have one.
    ///
    /// # Errors
    /// It has to have one, and it would be told for others to hear; or there is no randomness.
    pub(super) fn fresh_key(
        &self,
        exchange: &Exchange<'_>,
    ) -> Result<Option<FreshKey>, (ErrorCode, Mistake)> {
        let terms = exchange.shard.terms();
        let security = &terms.config.security;
        match security.hmac_signatures {
            Demand::Off => return Ok(None),
            Demand::Optional if !self.is_private => return Ok(None),
            Demand::Required if !self.is_private => {
                let message = "messages have to be signed here, and the key for it is handed out over TLS alone: connect by wss://";
                return Err((ErrorCode::AuthenticationFailed, message.into()));
            }
            Demand::Optional | Demand::Required => {}
        }
        let key = SignatureKey::fresh().map_err(|error| {
            tracing::error!(%error, "no key for signatures");
            (ErrorCode::Internal, Mistake::from("no key for signatures could be made"))
        })?;
        let preamble = signed::preamble(exchange.outbox.wire.format(), key.connection_id());
        let signatures = Signatures::new(&key, preamble.as_bytes(), security.signature_skew_ms);
        let signing = Signing { signatures, verdict: Err(Unsigned::NoKey), tell_at: Tick::START };
        let handout = Handout {
            algorithm: "HMAC-SHA256",
            key: key.reveal(),
            connection_id: key.connection_id().to_owned(),
            skew_ms: security.signature_skew_ms,
        };
        Ok(Some((Box::new(signing), handout)))
    }

    /// Whether the message is its sender's. A signature is looked at once, with the first message that stands under it.
    #[inline]
    pub(super) fn judge(
        &mut self,
        message: &Result<Message<'_>, Rejection<'_>>,
        signed: Option<&Signed<'_>>,
        exchange: &Exchange<'_>,
    ) -> Result<(), Unsigned> {
        let Some(signed) = signed else {
            return match exchange.shard.terms().config.security.hmac_signatures {
                Demand::Required if needs_signature(message) => Err(Unsigned::Missing),
                _ => Ok(()),
            };
        };
        let Some(signing) = &mut self.signing else { return Err(Unsigned::NoKey) };
        if signed.is_first {
            signing.verdict = signing.check(signed);
        }
        signing.verdict
    }

    /// Answers a message that is not taken. Nothing of it is executed.
    #[cold]
    pub(super) fn refuse_unsigned(
        &mut self,
        message: &Result<Message<'_>, Rejection<'_>>,
        signed: Option<&Signed<'_>>,
        why: Unsigned,
        exchange: &mut Exchange<'_>,
    ) {
        let shard = exchange.shard;
        // A batch is signed once, and counts once.
        if signed.is_none_or(|signed| signed.is_first) {
            shard.counters.unsigned(why);
            tracing::debug!(
                connection = exchange.peer.id(),
                session = %self.id,
                tenant = self.identity.tenant(),
                agent = self.identity.agent(),
                reason = why.name(),
                "a message is not taken"
            );
            if self.signing.as_mut().is_some_and(|signing| signing.is_news(why, shard)) {
                let entry = || self.decision(Event::SignatureRefused, exchange.peer).reason(why.name());
                shard.pod.audit.tell(entry);
            }
        }
        let (code, text) = (ErrorCode::AuthenticationFailed, explain(why, shard));
        match message {
            Ok(message) if message.method.is_some() => exchange.refuse(message, code, &text),
            // A ping, or an answer to nothing.
            Ok(message) => exchange.fail(message.id, 0, code, &text),
            Err(rejection) => exchange.fail(rejection.id, rejection.method_code, code, &text),
        }
    }
}

impl Signing {
    fn check(&mut self, signed: &Signed<'_>) -> Result<(), Unsigned> {
        let mut covered = self.signatures.begin();
        signed.feed(|bytes| covered.add(bytes));
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.signatures.check(covered, &signed.mac, signed.timestamp, signed.nonce, now).map_err(|forgery| {
            match forgery {
                Forgery::Mismatch => Unsigned::Mismatch,
                Forgery::Timestamp => Unsigned::Timestamp,
                Forgery::Nonce => Unsigned::Nonce,
            }
        })
    }

    /// Whether the audit log is to be told: not of who forgot to sign, and of others not without end.
    fn is_news(&mut self, why: Unsigned, shard: &Shard) -> bool {
        let is_forged = !matches!(why, Unsigned::Missing | Unsigned::NoKey);
        let is_news = is_forged && self.tell_at <= shard.now();
        if is_news {
            self.tell_at = shard.now().after(TELL_EVERY_MS);
        }
        is_news
    }
}

/// `initialize` brings the key, and what can't be read does nothing that could be forged.
fn needs_signature(message: &Result<Message<'_>, Rejection<'_>>) -> bool {
    const INITIALIZE: MethodName<'static> = MethodName::Known(Method::Initialize);
    message.as_ref().is_ok_and(|message| message.method != Some(INITIALIZE))
}

fn explain(why: Unsigned, shard: &Shard) -> Cow<'static, str> {
    match why {
        Unsigned::Missing => {
            "messages have to be signed here, and this one is not: sign it with the key that initialize hands out".into()
        }
        Unsigned::NoKey => {
            "this message is signed, and this connection has no key yet: initialize hands one out, over TLS".into()
        }
        Unsigned::Mismatch => {
            "the signature is not that of this message with the key and id of this connection".into()
        }
        Unsigned::Timestamp => {
            let skew = shard.terms().config.security.signature_skew_ms;
            format!("the timestamp is more than {skew} ms away from the gateway's clock: set yours, and sign anew")
                .into()
        }
        Unsigned::Nonce => {
            "the nonce is not higher than that of the signed message before: each needs a higher one".into()
        }
    }
}
