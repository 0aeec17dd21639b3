//! Notifications: those that a modern client has asked for say which request of its asked for them.

use crate::{Edit, Id, meta, raw_id};
use protocol::json;
use std::borrow::Cow;

/// The params of a notification of a `subscriptions/listen` with this id. `basic/patterns/subscriptions`, "Receiving
/// Notifications".
pub fn to_modern<'a>(params: &'a str, subscription: Id<'_>) -> Cow<'a, str> {
    let id = raw_id(subscription).into_owned();
    Edit::of(params).within(meta::NAME, |edit| edit.set(meta::SUBSCRIPTION_ID, id)).finish()
}

/// The same as a legacy client takes them. A `_meta` that says nothing else goes with it, and so do params that say nothing else.
pub fn to_legacy(params: &str) -> Cow<'_, str> {
    if params.is_empty() {
        return Cow::Borrowed("");
    }
    let rest = Edit::of(params).strip(meta::NAME, &[meta::SUBSCRIPTION_ID]).finish();
    if json::members(&rest).next().is_some() { rest } else { Cow::Borrowed("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subscription_is_told_to_modern_clients_only() {
        let modern = to_modern(r#"{"uri":"a:b"}"#, Id::Token("\"x\""));
        assert_eq!(modern, r#"{"uri":"a:b","_meta":{"io.modelcontextprotocol/subscriptionId":"x"}}"#);
        assert_eq!(to_legacy(&modern), r#"{"uri":"a:b"}"#);
        let more = to_modern(r#"{"uri":"a:b","_meta":{ "k" : 1.0 }}"#, Id::Token("7"));
        assert_eq!(to_legacy(&more), r#"{"uri":"a:b","_meta":{ "k" : 1.0}}"#);
        assert_eq!(to_legacy(&to_modern("", Id::Token("7"))), "");
        assert_eq!(to_legacy(""), "");
    }
}
