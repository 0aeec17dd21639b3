//! A signing key of its own for each gateway, and tokens signed with it.

use auth::{Claims, KeySettings, Signer};
use std::time::Duration;

/// A fresh HS256 key.
#[derive(Clone, Debug)]
pub struct Keys {
    secret: String,
}

impl Keys {
    /// A key that nobody had before.
    ///
    /// # Panics
    /// The system has no randomness.
    pub fn fresh() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        Self { secret: bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    /// The secret's text.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The key as the gateway is told of it.
    pub fn settings(&self) -> KeySettings {
        KeySettings { secret: Some(self.secret.clone()), ..KeySettings::default() }
    }

    /// A token for agent `agent` of tenant `tenant` with all scopes, valid for an hour.
    pub fn token(&self) -> String {
        self.mint(&Self::claims())
    }

    /// A token as [`Self::token`] with another life.
    pub fn token_for(&self, ttl: Duration) -> String {
        self.mint(&Claims { ttl, ..Self::claims() })
    }

    /// The claims of [`Self::token`].
    pub fn claims() -> Claims {
        Claims { scopes: vec!["*".to_owned()], ..Claims::new("tenant", "agent") }
    }

    /// A token with these claims.
    ///
    /// # Panics
    /// The claims are none that a gateway would accept.
    pub fn mint(&self, claims: &Claims) -> String {
        let signer = Signer::hs256(self.secret.as_bytes(), None).expect("the secret has 64 bytes");
        signer.mint(claims).expect("the claims can be signed")
    }
}
