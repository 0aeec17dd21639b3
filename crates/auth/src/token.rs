//! A token in its parts, nothing of it believed: a JWT, or a PASETO of `v4.public`. What it begins with decides which of
//! them, and so which keys could have signed it. It refuses to know keys and claims.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pasetors::Public;
use pasetors::token::UntrustedToken;
use pasetors::version4::{PublicToken, V4};

use crate::Refusal;
use crate::claims::Dates;
use crate::header::Header;

#[derive(Debug)]
pub(crate) struct Token<'a> {
    pub(crate) header: Header,
    pub(crate) parts: Parts<'a>,
}

#[derive(Debug)]
pub(crate) enum Parts<'a> {
    Jwt { message: &'a str, signature: &'a str, payload: Vec<u8> },
    Paseto(UntrustedToken<Public, V4>),
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.starts_with(PublicToken::HEADER) { Self::paseto(text) } else { Self::jwt(text) }
    }

    fn jwt(text: &'a str) -> Result<Self, Refusal> {
        let (message, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        let header = Header::parse(&decode(header)?)?;
        Ok(Self { header, parts: Parts::Jwt { message, signature, payload: decode(payload)? } })
    }

    fn paseto(text: &str) -> Result<Self, Refusal> {
        // An empty footer would be a second spelling of a token without one.
        if text.ends_with('.') {
            return Err(Refusal::Malformed);
        }
        let token = UntrustedToken::try_from(text).map_err(|_| Refusal::Malformed)?;
        Ok(Self { header: Header::of_footer(token.untrusted_footer())?, parts: Parts::Paseto(token) })
    }

    /// What it claims, as JSON if it is what it should be.
    pub(crate) fn payload(&self) -> &[u8] {
        match &self.parts {
            Parts::Jwt { payload, .. } => payload,
            Parts::Paseto(token) => token.untrusted_payload(),
        }
    }

    /// How its times are written.
    pub(crate) const fn dates(&self) -> Dates {
        match self.parts {
            Parts::Jwt { .. } => Dates::Seconds,
            Parts::Paseto(_) => Dates::Text,
        }
    }
}

/// Base64url without padding, canonical: every text has one spelling only.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}
