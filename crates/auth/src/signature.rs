//! Signed messages: the key that a connection gets, and whether what comes was signed with it, just now and for the first
//! time. It refuses to know how messages are written.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::Error;

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 16;
/// The bytes of an HMAC-SHA256.
const MAC_BYTES: usize = 32;

/// A fresh key of one connection, and the name of that connection, which nobody can guess and no other has.
pub struct SignatureKey {
    key: [u8; KEY_BYTES],
    connection_id: String,
}

/// Why a signed message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// Not this key has signed it, or not this message, or not for this connection.
    Mismatch,
    /// It was signed too long ago, or in the future.
    Timestamp,
    /// Its nonce is not higher than the one before.
    Nonce,
}

/// Judges what comes on one connection. Allocates nothing for a message.
pub struct Signatures {
    /// What every MAC of the connection begins with has gone in already.
    begun: hmac::Context,
    /// Of the last message that was taken.
    nonce: u64,
    skew_ms: u64,
}

/// What a signature covers, while it is brought.
#[derive(Debug)]
pub struct Covered(hmac::Context);

impl SignatureKey {
    /// # Errors
    ///
    /// [`Error::Randomness`].
    pub fn fresh() -> Result<Self, Error> {
        let (mut key, mut id) = ([0; KEY_BYTES], [0; ID_BYTES]);
        getrandom::fill(&mut key).and_then(|()| getrandom::fill(&mut id)).map_err(|_| Error::Randomness)?;
        Ok(Self { key, connection_id: URL_SAFE_NO_PAD.encode(id) })
    }

    /// The name of the connection: 22 characters of base64url.
    pub fn connection_id(&self) -> &str {
        &self.connection_id
    }

    /// The key as its client is told it: 43 characters of base64url. Nobody else may see it.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key)
    }
}

/// Shows no key.
impl fmt::Debug for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureKey").field("connection_id", &self.connection_id).finish_non_exhaustive()
    }
}

impl Signatures {
    /// For the holder of this key. Each MAC begins with `preamble`; a clock may be wrong by `skew_ms`.
    pub fn new(key: &SignatureKey, preamble: &[u8], skew_ms: u64) -> Self {
        let mut begun = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key.key));
        begun.update(preamble);
        Self { begun, nonce: 0, skew_ms }
    }

    /// Begins with a message: what its signature covers is brought to [`Covered::add`].
    #[inline]
    pub fn begin(&self) -> Covered {
        Covered(self.begun.clone())
    }

    /// Whether the message is taken at `now_ms`, in milliseconds since 1970. Its nonce then counts as used.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Times and nonces are only looked at where the MAC is right.
    pub fn check(
        &mut self,
        covered: Covered,
        mac: &[u8; MAC_BYTES],
        timestamp: u64,
        nonce: u64,
        now_ms: u64,
    ) -> Result<(), Forgery> {
        // The time that this takes does not depend on how much of it is right.
        if !bool::from(covered.0.sign().as_ref().ct_eq(mac)) {
            return Err(Forgery::Mismatch);
        }
        if timestamp.abs_diff(now_ms) > self.skew_ms {
            return Err(Forgery::Timestamp);
        }
        if nonce <= self.nonce {
            return Err(Forgery::Nonce);
        }
        self.nonce = nonce;
        Ok(())
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures")
            .field("nonce", &self.nonce)
            .field("skew_ms", &self.skew_ms)
            .finish_non_exhaustive()
    }
}

impl Covered {
    /// The next bytes that the signature covers.
    #[inline]
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_769_860_800_000;

    fn signatures() -> (SignatureKey, Signatures) {
        let key = SignatureKey::fresh().unwrap();
        let signatures = Signatures::new(&key, b"preamble", 30_000);
        (key, signatures)
    }

    fn sign(key: &SignatureKey, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.key);
        let mac = hmac::sign(&key, &[b"preamble", bytes].concat());
        mac.as_ref().try_into().unwrap()
    }

    #[track_caller]
    fn check(
        signatures: &mut Signatures,
        mac: &[u8; 32],
        (timestamp, nonce): (u64, u64),
        expected: Result<(), Forgery>,
    ) {
        let mut covered = signatures.begin();
        covered.add(b"mess");
        covered.add(b"age");
        assert_eq!(signatures.check(covered, mac, timestamp, nonce, NOW), expected);
    }

    #[test]
    fn a_message_is_taken_once() {
        let (key, mut signatures) = signatures();
        let mac = sign(&key, b"message");
        check(&mut signatures, &mac, (NOW, 0), Err(Forgery::Nonce));
        check(&mut signatures, &mac, (NOW, 5), Ok(()));
        check(&mut signatures, &mac, (NOW, 5), Err(Forgery::Nonce));
        check(&mut signatures, &mac, (NOW, 4), Err(Forgery::Nonce));
        check(&mut signatures, &mac, (NOW, u64::MAX), Ok(()));
        check(&mut signatures, &mac, (NOW, u64::MAX), Err(Forgery::Nonce));
    }

    #[test]
    fn the_time_may_be_wrong_by_the_skew_and_no_more() {
        let (key, mut signatures) = signatures();
        let mac = sign(&key, b"message");
        check(&mut signatures, &mac, (NOW - 30_000, 1), Ok(()));
        check(&mut signatures, &mac, (NOW + 30_000, 2), Ok(()));
        check(&mut signatures, &mac, (NOW - 30_001, 3), Err(Forgery::Timestamp));
        check(&mut signatures, &mac, (NOW + 30_001, 3), Err(Forgery::Timestamp));
        check(&mut signatures, &mac, (u64::MAX, 3), Err(Forgery::Timestamp));
        // What was refused has used up no nonce.
        check(&mut signatures, &mac, (NOW, 3), Ok(()));
    }

    #[test]
    fn another_key_another_message_and_each_other_bit_are_refused() {
        let (key, mut signatures) = signatures();
        let other = SignatureKey::fresh().unwrap();
        assert_ne!(key.connection_id(), other.connection_id());
        check(&mut signatures, &sign(&other, b"message"), (NOW, 1), Err(Forgery::Mismatch));
        check(&mut signatures, &sign(&key, b"massage"), (NOW, 1), Err(Forgery::Mismatch));
        let mac = sign(&key, b"message");
        for bit in 0..256 {
            let mut mac = mac;
            mac[bit / 8] ^= 1 << (bit % 8);
            check(&mut signatures, &mac, (NOW, 1), Err(Forgery::Mismatch));
        }
        check(&mut signatures, &mac, (NOW, 1), Ok(()));
    }

    #[test]
    fn nothing_that_is_logged_shows_a_key() {
        let (key, signatures) = signatures();
        let shown = format!("{key:?} {signatures:?} {:?}", signatures.begin());
        assert!(!shown.contains(&key.reveal()), "{shown}");
        assert!(!shown.contains(&format!("{:?}", key.key)), "{shown}");
        assert_eq!((key.reveal().len(), key.connection_id().len()), (43, 22));
    }
}
