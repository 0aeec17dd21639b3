//! What a script answers: a word, and what belongs to it.
use bytes::Bytes;
use redis::{FromRedisValue, Value};

use crate::{Error, LogEpoch, Offset, PodId, Position};

pub(super) struct Reply {
    word: String,
    rest: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn parse(values: Vec<Value>) -> Result<Self, Error> {
        let mut reply = Self::of(values);
        reply.word = reply.next()?;
        Ok(reply)
    }

    /// A part of an answer, which has no word of its own.
    pub(super) fn of(values: Vec<Value>) -> Self {
        Self { word: String::new(), rest: values.into_iter() }
    }

    /// The word of the answer, unless it is one of those that mean the same everywhere.
    pub(super) fn word(&self) -> Result<&str, Error> {
        match &*self.word {
            "stale" => Err(Error::Stale),
            "unknown" => Err(Error::Unknown { what: "the session" }),
            word => Ok(word),
        }
    }

    pub(super) fn plain_word(&self) -> &str {
        &self.word
    }

    pub(super) fn next<T: FromRedisValue>(&mut self) -> Result<T, Error> {
        let value = self.rest.next().unwrap_or(Value::Nil);
        T::from_redis_value(value).map_err(|error| Error::Corrupt { reason: error.to_string() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.len() == 0
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, Error> {
        self.next()
    }

    pub(super) fn pod(&mut self) -> Result<PodId, Error> {
        PodId::new(&self.next::<String>()?)
    }

    pub(super) fn epoch(&mut self) -> Result<LogEpoch, Error> {
        let text: String = self.next()?;
        u64::from_str_radix(&text, 16).map(LogEpoch).map_err(|_| damaged("a log's epoch"))
    }

    /// An epoch and the offset behind it.
    pub(super) fn position(&mut self) -> Result<Position, Error> {
        Ok(Position { epoch: self.epoch()?, offset: Offset(self.next()?) })
    }

    /// An answer that this version does not know.
    pub(super) fn strange(&self) -> Error {
        Error::Corrupt { reason: format!("a script answered {:?}", self.word) }
    }
}

pub(super) fn damaged(what: &str) -> Error {
    Error::Corrupt { reason: format!("{what} is malformed") }
}
