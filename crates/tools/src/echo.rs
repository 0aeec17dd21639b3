//! `echo`: the args as the result.
use backend::{Call, Raw, Tool};

pub(crate) fn tool() -> Tool {
    Tool::new("echo", |_: Call, args: Raw| async move { Ok(args) })
        .description("Returns its args, byte for byte.")
        .read_only()
        .idempotent()
}
