//! The scripts that run inside Redis, each all or nothing.
use std::sync::LazyLock;

/// A script's text, and the name by which a server that has seen it knows it.
pub(super) struct Script {
    /// What people call it.
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) hash: String,
}

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {$(
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            let text = concat!(include_str!("lua/common.lua"), include_str!(concat!("lua/", $file)));
            let name = $file.trim_end_matches(".lua");
            Script { name, text: text.to_owned(), hash: ::redis::Script::new(text).get_hash().to_owned() }
        });
    )*};
}

scripts! {
    CREATE = "create.lua";
    RESTORE = "restore.lua";
    RESUME = "resume.lua";
    TOUCH = "touch.lua";
    SAVE = "save.lua";
    END = "end.lua";
    LOOK = "look.lua";
    BEGIN = "begin.lua";
    FINISH = "finish.lua";
    TAKE_OVER = "take_over.lua";
    ACKNOWLEDGE = "acknowledge.lua";
    ACKNOWLEDGE_ALL_BUT = "acknowledge_all_but.lua";
    WITHDRAW = "withdraw.lua";
    PUBLISH = "publish.lua";
    READ = "read.lua";
    REPLICAS = "replicas.lua";
    LIST = "list.lua";
    REVOKE = "revoke.lua";
    REVOKED = "revoked.lua";
    SETTLE = "settle.lua";
}
