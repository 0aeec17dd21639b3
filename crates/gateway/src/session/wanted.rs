//! What a client says of the session that it had, when it takes one up again.

use super::params::{Mistake, Params};
use protocol::Id;
use serde_json::value::RawValue;
use session_store::{Position, ResumeToken, SessionId};
use std::collections::HashSet;

/// What a client says of the session that it had.
pub(super) struct Wanted {
    /// None if it knows that there is none to be resumed.
    pub(super) session: Option<(SessionId, ResumeToken)>,
    pub(super) attempt: Option<Attempt>,
    pub(super) position: Option<Position>,
    pub(super) unanswered: Vec<Unanswered>,
    /// Its calls may have had several rounds.
    pub(super) has_rounds: bool,
}

/// A resume as its client makes it, perhaps not for the first time.
pub(super) struct Attempt {
    /// Told apart from another attempt with the same token.
    pub(super) name: String,
    /// From 1, and higher each time that it is made.
    pub(super) turn: u32,
}

/// A request that the client has no answer to.
pub(super) struct Unanswered {
    /// As it was sent.
    pub(super) token: Box<RawValue>,
    pub(super) canonical: Box<str>,
    /// The latest round of a call that has asked its client for input; none of any other.
    pub(super) round: Option<u32>,
}

impl Wanted {
    pub(super) fn read(resume: &str, most: usize) -> Result<Self, Mistake> {
        let Ok(params) = Params::of(resume) else { return Err("params.resume must be an object".into()) };
        let named = |mistake: Mistake| Mistake::Owned(mistake.replacen("params.", "params.resume.", 1));
        let id = params.text("session_id").map_err(named)?;
        let token = params.secret("resume_token").map_err(named)?;
        let session = match (id, token) {
            (None, None) => None,
            (Some(id), Some(token)) => {
                let id = id.parse().map_err(|_| "params.resume.session_id is no session id")?;
                let right =
                    "params.resume.resume_token is no resume token: 43 characters of base64url are needed";
                Some((SessionId(id), ResumeToken::parse(&token).ok_or(right)?))
            }
            _ => {
                return Err(
                    "params.resume needs session_id and resume_token, or neither if the session was not resumable"
                        .into(),
                );
            }
        };
        Ok(Self {
            session,
            attempt: Attempt::read(&params).map_err(named)?,
            position: params.position().map_err(named)?,
            unanswered: Unanswered::read(&params, most)?,
            has_rounds: false,
        })
    }
}

impl Attempt {
    fn read(params: &Params<'_>) -> Result<Option<Self>, Mistake> {
        let turn = params.positive("turn")?.unwrap_or(1);
        let Ok(turn) = u32::try_from(turn) else {
            return Err(format!("params.turn is {turn}, and {} is the most", u32::MAX).into());
        };
        let Some(name) = params.text("attempt")? else { return Ok(None) };
        if !(16..=64).contains(&name.len()) {
            return Err("params.attempt must have 16 to 64 bytes, chosen at random for each resume".into());
        }
        Ok(Some(Self { name: name.into_owned(), turn }))
    }
}

impl Unanswered {
    fn read(params: &Params<'_>, most: usize) -> Result<Vec<Self>, Mistake> {
        let right = "params.resume.unanswered must be an array of request ids: strings of 1 to 128 bytes, or integers";
        let Some(raw) = params.raw("unanswered") else { return Ok(Vec::new()) };
        let tokens: Vec<Box<RawValue>> = serde_json::from_str(raw).map_err(|_| right)?;
        if tokens.len() > most {
            let count = tokens.len();
            return Err(format!(
                "params.resume.unanswered has {count} ids, and session.max_unanswered is {most}"
            )
            .into());
        }
        let mut seen = HashSet::new();
        let mut unanswered = Vec::with_capacity(tokens.len());
        for token in tokens {
            let text = token.get();
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let is_string = text.starts_with('"') && (3..=1_024).contains(&text.len());
            if !is_number && !is_string {
                return Err(right.into());
            }
            let canonical: Box<str> = Id::Token(text).canonical().into();
            if seen.insert(canonical.clone()) {
                unanswered.push(Self { token, canonical, round: None });
            }
        }
        Ok(unanswered)
    }
}
