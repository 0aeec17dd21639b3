//! The proof that somebody was verified. It refuses to know how.

use std::fmt;

/// The longest tenant, agent and token id in bytes. The lengths below are kept in one byte each.
pub(crate) const NAME_LIMIT: usize = 128;

/// Who holds a connection. Only this crate builds one, so whoever has one knows that a token was verified, or that
/// the operator lets anonymous clients in.
///
/// 32 bytes and one allocation of exactly its text: thousands stay in memory at once.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Tenant, agent, token id and the scopes, joined by spaces, one after the other.
    text: Box<str>,
    /// Unix seconds; 0 means never, as no token that expired in 1970 is ever accepted.
    expires_at: u64,
    tenant: u8,
    agent: u8,
    token_id: u8,
    /// Of an API key the first bytes of its hash, so that another key under the same id is another's.
    seal: Option<[u8; 4]>,
}

impl Identity {
    /// The lengths of the names are at most [`NAME_LIMIT`], an `expires_at` of 0 means never and no scope contains a
    /// space: the caller has checked.
    pub(crate) fn new<'a>(
        tenant: &str,
        agent: &str,
        token_id: &str,
        scopes: impl IntoIterator<Item = &'a str>,
        expires_at: u64,
    ) -> Self {
        let length = |name: &str| u8::try_from(name.len()).expect("names are limited to 128 bytes");
        let (tenant_length, agent_length, token_id_length) =
            (length(tenant), length(agent), length(token_id));
        let mut text = [tenant, agent, token_id].concat();
        for (index, scope) in scopes.into_iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            text.push_str(scope);
        }
        Self {
            text: text.into_boxed_str(),
            expires_at,
            tenant: tenant_length,
            agent: agent_length,
            token_id: token_id_length,
            seal: None,
        }
    }

    /// That of an API key.
    pub(crate) fn with_seal(self, seal: [u8; 4]) -> Self {
        Self { seal: Some(seal), ..self }
    }

    /// Whether it is that of an API key.
    pub(crate) const fn is_of_api_key(&self) -> bool {
        self.seal.is_some()
    }

    /// Nobody: a tenant and an agent without a name, which no token can have, and no scopes. It proves nothing.
    pub fn nobody() -> Self {
        Self::new("", "", "", [], 0)
    }

    pub(crate) fn anonymous() -> Self {
        Self::new("default", "anonymous", "", [], 0)
    }

    /// The tenant: 1 to 128 bytes without control characters.
    pub fn tenant(&self) -> &str {
        &self.text[..self.agent_start()]
    }

    /// The agent, the token's `sub`: 1 to 128 bytes without control characters.
    pub fn agent(&self) -> &str {
        &self.text[self.agent_start()..self.token_id_start()]
    }

    /// The token's `jti`, if it has one; of an API key `mcpw_` and its id.
    pub fn token_id(&self) -> Option<&str> {
        (self.token_id > 0).then(|| &self.text[self.token_id_start()..self.scopes_start()])
    }

    /// What the holder may do, in the token's order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.text[self.scopes_start()..].split(' ').filter(|scope| !scope.is_empty())
    }

    /// Whether the holder may do this; the scope `*` grants everything.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|held| held == "*" || held == scope)
    }

    /// When the token expires, in Unix seconds, without any leeway; none if never. At most the end of the year 9999.
    pub fn expires_at(&self) -> Option<u64> {
        (self.expires_at > 0).then_some(self.expires_at)
    }

    /// Whether both are the same agent of the same tenant, whatever their scopes and tokens are.
    pub fn is_same_holder(&self, other: &Self) -> bool {
        self.tenant() == other.tenant() && self.agent() == other.agent()
    }

    /// Tenant, agent, token id and scopes, one after the other.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The lengths of tenant, agent and token id in the text, and the seal.
    pub(crate) const fn parts(&self) -> ([u8; 3], Option<[u8; 4]>) {
        ([self.tenant, self.agent, self.token_id], self.seal)
    }

    fn agent_start(&self) -> usize {
        usize::from(self.tenant)
    }

    fn token_id_start(&self) -> usize {
        self.agent_start() + usize::from(self.agent)
    }

    fn scopes_start(&self) -> usize {
        self.token_id_start() + usize::from(self.token_id)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("tenant", &self.tenant())
            .field("agent", &self.agent())
            .field("token_id", &self.token_id())
            .field("scopes", &self.scopes().collect::<Vec<_>>())
            .field("expires_at", &self.expires_at())
            .finish()
    }
}
