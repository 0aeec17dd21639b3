//! Answers of scripts under fire.

use redis::Value;

use super::reply::Reply;
use crate::Error;

/// Whatever an answer of Redis holds, it is read or is called corrupt. The input is as Redis sends it.
///
/// # Panics
/// It is neither.
pub fn replies(input: &[u8]) {
    let Ok(Value::Array(values)) = redis::parse_redis_value(input) else { return };
    let parts = values.len();
    let Ok(mut reply) = Reply::parse(values) else { return };
    let _ = (reply.word().map(str::len), reply.plain_word().len(), reply.strange());
    // Each part as one of what parts are; behind the last there is nothing, which is told too.
    for read in 0..parts {
        let outcome = match read % 4 {
            0 => reply.position().map(drop),
            1 => reply.next::<u64>().map(drop),
            2 => reply.pod().map(drop),
            _ => reply.bytes().map(drop),
        };
        if let Err(error) = outcome {
            assert!(matches!(error, Error::Corrupt { .. } | Error::Name { .. }), "{error}");
        }
    }
    assert!(reply.is_empty());
}
