//! Which events a session wants: names, prefixes such as `tool.*`, or `*`.

/// The names and prefixes of one session, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter(Box<[Box<str>]>);

/// Why a name is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Not 1 to 128 bytes, or with a control character.
    Length,
    /// A star that is not the end of a prefix.
    Star,
}

impl Filter {
    /// Whether this is a name, a prefix that ends with `.*`, or `*`.
    pub(crate) fn check(name: &str) -> Result<(), Mistake> {
        if !(1..=128).contains(&name.len()) || name.contains(char::is_control) {
            return Err(Mistake::Length);
        }
        let stem = name.strip_suffix('*').unwrap_or(name);
        let is_prefix = stem.len() < name.len();
        if stem.contains('*') || (is_prefix && !stem.is_empty() && !stem.ends_with('.')) {
            return Err(Mistake::Star);
        }
        Ok(())
    }

    /// Whether an event may be published under this name.
    pub(crate) fn is_name(name: &str) -> bool {
        Self::check(name).is_ok() && !name.contains('*')
    }

    /// These names too.
    pub(crate) fn with(&self, names: &[String]) -> Self {
        let mut all: Vec<Box<str>> = self.0.to_vec();
        all.extend(names.iter().map(|name| name.as_str().into()));
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }

    /// All but these names.
    pub(crate) fn without(&self, names: &[String]) -> Self {
        Self(self.0.iter().filter(|known| !names.iter().any(|name| **name == ***known)).cloned().collect())
    }

    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event of this name is wanted.
    pub(crate) fn wants(&self, event: &str) -> bool {
        self.0.iter().any(|name| match name.strip_suffix('*') {
            Some(prefix) => event.starts_with(prefix),
            None => **name == *event,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_prefixes_and_all_are_told_apart() {
        let filter = |names: &[&str]| {
            Filter::default().with(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        for (names, event, wanted) in [
            (&["tool.*"][..], "tool.executed", true),
            (&["tool.*"], "tools", false),
            (&["tool.executed"], "tool.executed", true),
            (&["tool.executed"], "tool.executed2", false),
            (&["*"], "anything", true),
            (&[], "anything", false),
            (&["a", "b.*"], "b.c", true),
        ] {
            assert_eq!(filter(names).wants(event), wanted, "{names:?} {event}");
        }
        assert_eq!(filter(&["a", "a", "b"]).names().len(), 2);
        assert_eq!(filter(&["a", "b"]).without(&["a".to_owned()]), filter(&["b"]));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (name, expected) in [
            ("", Err(Mistake::Length)),
            (&*"a".repeat(128), Ok(())),
            (&*"a".repeat(129), Err(Mistake::Length)),
            ("a\nb", Err(Mistake::Length)),
            ("a*", Err(Mistake::Star)),
            ("*.a", Err(Mistake::Star)),
            ("a.*.b", Err(Mistake::Star)),
            ("a.*", Ok(())),
            ("*", Ok(())),
        ] {
            assert_eq!(Filter::check(name), expected, "{name:?}");
        }
    }
}
