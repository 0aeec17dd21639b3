//! An identity on its way through a store, from the request that asked for a ticket to the upgrade that brings it. It
//! refuses to know the ticket.

use crate::{Identity, Refusal, Verifier, verifier};

/// Of what follows, so that another form can be told.
const FORM: u8 = 1;
/// The form, when it expires, three lengths, and the seal of an API key.
const HEAD: usize = 1 + 8 + 3 + 4;

impl Verifier {
    /// Whom a ticket brings in, as [`Identity::to_ticket`] has written it.
    ///
    /// # Errors
    ///
    /// [`Refusal::Expired`] and [`Refusal::UnknownApiKey`] if the holder's token or key is not accepted any more,
    /// [`Refusal::UnknownTicket`] for what is no identity.
    pub fn redeem(&self, written: &[u8]) -> Result<Identity, Refusal> {
        let identity = Identity::of_ticket(written).ok_or(Refusal::UnknownTicket)?;
        if identity.expires_at().is_some_and(|at| at <= verifier::now()) {
            return Err(Refusal::Expired);
        }
        if self.holds(&identity) { Ok(identity) } else { Err(Refusal::UnknownApiKey) }
    }
}

impl Identity {
    /// What a ticket of this holder stands for. Whoever could write it into the store could come in as anybody.
    pub fn to_ticket(&self) -> Vec<u8> {
        let (lengths, seal) = self.parts();
        let mut written = vec![FORM];
        written.extend(self.expires_at().unwrap_or_default().to_be_bytes());
        written.extend(lengths);
        // Only an API key without a seal has four zeros, and there is none.
        written.extend(seal.unwrap_or_default());
        written.extend(self.text().as_bytes());
        written
    }

    fn of_ticket(written: &[u8]) -> Option<Self> {
        let (head, text) = written.split_at_checked(HEAD)?;
        let [FORM, expiry @ .., _, _, _, _, _, _, _] = head else { return None };
        let expires_at = u64::from_be_bytes(expiry.try_into().ok()?);
        let [tenant, agent, token_id, seal @ ..] = &head[9..] else { return None };
        let text = std::str::from_utf8(text).ok()?;
        let (tenant, rest) = text.split_at_checked(usize::from(*tenant))?;
        let (agent, rest) = rest.split_at_checked(usize::from(*agent))?;
        let (token_id, scopes) = rest.split_at_checked(usize::from(*token_id))?;
        let is_name = |name: &str| (1..=crate::identity::NAME_LIMIT).contains(&name.len());
        if !is_name(tenant) || !is_name(agent) || token_id.len() > crate::identity::NAME_LIMIT {
            return None;
        }
        let scopes = scopes.split(' ').filter(|scope| !scope.is_empty());
        let identity = Self::new(tenant, agent, token_id, scopes, expires_at);
        let seal: [u8; 4] = seal.try_into().ok()?;
        Some(if seal == [0; 4] { identity } else { identity.with_seal(seal) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn verifier() -> Verifier {
        Verifier::beside_certificates(&Settings::default()).unwrap()
    }

    #[test]
    fn whoever_takes_a_ticket_is_whoever_asked_for_it() {
        for identity in [
            Identity::new("t", "a", "", [], 0),
            Identity::new("tenant \u{e9}", "agent", "id", ["*", "tools:execute"], u64::MAX >> 8),
            Identity::anonymous(),
        ] {
            assert_eq!(verifier().redeem(&identity.to_ticket()), Ok(identity));
        }
    }

    #[test]
    fn what_has_run_out_meanwhile_is_refused() {
        let expired = Identity::new("t", "a", "", [], 1).to_ticket();
        assert_eq!(verifier().redeem(&expired), Err(Refusal::Expired));
        let withdrawn = Identity::new("t", "a", "mcpw_x", [], 0).with_seal([1, 2, 3, 4]).to_ticket();
        assert_eq!(verifier().redeem(&withdrawn), Err(Refusal::UnknownApiKey));
    }

    #[test]
    fn what_is_cut_or_of_another_form_is_nobody() {
        let whole = Identity::new("tenant", "agent", "id", ["scope"], 0).to_ticket();
        for cut in 0..HEAD + "tenantagentid".len() {
            assert_eq!(verifier().redeem(&whole[..cut]), Err(Refusal::UnknownTicket), "{cut}");
        }
        for (at, byte) in [(0, 2), (9, 0), (10, 0), (9, 255), (HEAD, 0xff)] {
            let mut other = whole.clone();
            other[at] = byte;
            assert_eq!(verifier().redeem(&other), Err(Refusal::UnknownTicket), "{at}");
        }
    }
}
