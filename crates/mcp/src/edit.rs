//! Changes to the members of a raw object. Every byte that is not told to change stays, within values and between them.

use protocol::json;
use std::borrow::Cow;

/// What becomes of the members of an object.
#[derive(Clone, Debug)]
pub struct Edit<'a> {
    object: &'a str,
    changes: Vec<Change<'a>>,
}

#[derive(Clone, Debug)]
struct Change<'a> {
    name: Cow<'a, str>,
    /// None to leave it out.
    value: Option<Cow<'a, str>>,
}

impl<'a> Edit<'a> {
    /// Changes to an object that was validated before. Anything else counts as `{}`.
    pub fn of(object: &'a str) -> Self {
        let is_object = object.trim_start().starts_with('{');
        Self { object: if is_object { object } else { "{}" }, changes: Vec::new() }
    }

    /// The member of this name has this raw value, in its place or at the end.
    #[must_use]
    pub fn set(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.changes.push(Change { name: name.into(), value: Some(value.into()) });
        self
    }

    /// The same for a text.
    #[must_use]
    pub fn set_text(self, name: impl Into<Cow<'a, str>>, value: &str) -> Self {
        self.set(name, crate::text::quoted(value))
    }

    /// The same, unless there is such a member.
    #[must_use]
    pub fn set_default(self, name: &'a str, value: impl Into<Cow<'a, str>>) -> Self {
        if json::member(self.object, name).is_some() { self } else { self.set(name, value) }
    }

    /// There is no member of this name.
    #[must_use]
    pub fn remove(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.changes.push(Change { name: name.into(), value: None });
        self
    }

    /// The member of this name, an object, is changed itself; it is made if `edit` sets anything in it.
    #[must_use]
    pub fn within(self, name: &'a str, edit: impl FnOnce(Self) -> Self) -> Self {
        let inner = json::member(self.object, name);
        let edited = edit(Edit::of(inner.unwrap_or("{}")));
        let sets = edited.changes.iter().any(|change| change.value.is_some());
        if edited.changes.is_empty() || (inner.is_none() && !sets) {
            return self;
        }
        let text = edited.finish();
        self.set(name, text)
    }

    /// The member of this name, an object, loses these members, and goes with them where they were all that it had.
    #[must_use]
    pub fn strip(self, name: &'a str, members: &[&'a str]) -> Self {
        let Some(inner) = json::member(self.object, name) else { return self };
        if !json::members(inner).any(|(known, _)| members.contains(&&*known)) {
            return self;
        }
        let edited = members.iter().fold(Edit::of(inner), |edit, member| edit.remove(*member)).finish();
        if json::members(&edited).next().is_some() { self.set(name, edited) } else { self.remove(name) }
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The object as it is now. Of several changes of one name the last counts.
    pub fn finish(self) -> Cow<'a, str> {
        if self.changes.is_empty() {
            return Cow::Borrowed(self.object);
        }
        let object = self.object;
        let mut out = String::with_capacity(object.len() + 64);
        let mut members = json::members(object);
        let (mut behind, mut written, mut done) = (0, 0, vec![false; self.changes.len()]);
        while let Some(member) = members.next_member() {
            let before = &object[behind..member.start];
            behind = member.end;
            let change = self.changes.iter().rposition(|change| change.name == member.name);
            let value = match change {
                None => None,
                Some(at) => match &self.changes[at].value {
                    None => {
                        // The brace stays.
                        if written == 0 && out.is_empty() {
                            out.push_str(before);
                        }
                        continue;
                    }
                    value => value.as_deref(),
                },
            };
            if out.is_empty() || written > 0 {
                out.push_str(before);
            }
            written += 1;
            match value {
                None => out.push_str(&object[member.start..member.end]),
                Some(value) => {
                    out.push_str(&object[member.start..member.end - member.value.len()]);
                    out.push_str(value);
                    for (done, change) in done.iter_mut().zip(&self.changes) {
                        *done |= change.name == member.name;
                    }
                }
            }
        }
        let brace = object.rfind('}').unwrap_or(object.len());
        if out.is_empty() {
            out.push_str(&object[..brace]);
        } else {
            out.push_str(&object[behind..brace]);
        }
        for (at, change) in self.changes.iter().enumerate() {
            let is_last = !self.changes[at + 1..].iter().any(|later| later.name == change.name);
            if let Some(value) = change.value.as_deref().filter(|_| !done[at] && is_last) {
                if written > 0 {
                    out.push(',');
                }
                written += 1;
                out.push_str(&crate::text::quoted(&change.name));
                out.push(':');
                out.push_str(value);
            }
        }
        out.push_str(&object[brace..]);
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_told_changes() {
        let object = r#"{ "a" : 1.0 , "b":"\u0062" ,"c" :[ 1,{ "x":2}] }"#;
        let check = |edit: Edit<'_>, expected: &str| assert_eq!(edit.finish(), expected);
        check(Edit::of(object), object);
        check(Edit::of(object).set("b", "7"), r#"{ "a" : 1.0 , "b":7 ,"c" :[ 1,{ "x":2}] }"#);
        check(Edit::of(object).remove("a"), r#"{ "b":"\u0062" ,"c" :[ 1,{ "x":2}] }"#);
        check(Edit::of(object).remove("b"), r#"{ "a" : 1.0 ,"c" :[ 1,{ "x":2}] }"#);
        check(Edit::of(object).remove("c"), r#"{ "a" : 1.0 , "b":"\u0062" }"#);
        check(Edit::of(object).remove("a").remove("b").remove("c"), "{  }");
        check(
            Edit::of(object).set("d", "{}").set("a", "0"),
            r#"{ "a" : 0 , "b":"\u0062" ,"c" :[ 1,{ "x":2}] ,"d":{}}"#,
        );
        check(
            Edit::of(object).set("d", "1").set("d", "2").remove("a").remove("b").remove("c"),
            r#"{  "d":2}"#,
        );
        check(Edit::of("{}").set_text("a\"", "é\n"), r#"{"a\"":"é\n"}"#);
        check(Edit::of("[1]").set("a", "1"), r#"{"a":1}"#);
        check(Edit::of(r#"{"\u0061":1}"#).set("a", "2"), r#"{"\u0061":2}"#);
        check(
            Edit::of(object).set_default("a", "2").set_default("e", "3").remove("c"),
            r#"{ "a" : 1.0 , "b":"\u0062" ,"e":3}"#,
        );
    }

    #[test]
    fn inner_objects_are_changed_in_their_place() {
        let object = r#"{"_meta":{"x": 1},"y":2}"#;
        let edit = Edit::of(object).within("_meta", |meta| meta.set("k", "true"));
        assert_eq!(edit.finish(), r#"{"_meta":{"x": 1,"k":true},"y":2}"#);
        let edit = Edit::of(r#"{"y":2}"#).within("_meta", |meta| meta.remove("k"));
        assert_eq!(edit.finish(), r#"{"y":2}"#);
        let edit = Edit::of(r#"{"y":2}"#).within("_meta", |meta| meta.set("k", "1"));
        assert_eq!(edit.finish(), r#"{"y":2,"_meta":{"k":1}}"#);
        for (object, expected) in [
            (r#"{"_meta":{ "a":1, "b" : 2.0 },"y":2}"#, r#"{"_meta":{ "b" : 2.0 },"y":2}"#),
            (r#"{"_meta":{"a":1},"y":2}"#, r#"{"y":2}"#),
            (r#"{"_meta":{ },"y":2}"#, r#"{"_meta":{ },"y":2}"#),
            (r#"{"_meta":1}"#, r#"{"_meta":1}"#),
        ] {
            assert_eq!(Edit::of(object).strip("_meta", &["a", "c"]).finish(), expected);
        }
    }
}
