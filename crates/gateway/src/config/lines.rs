//! In which line of a YAML file each key stands.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// Lines, from 1, by dotted key.
pub(super) type Lines = BTreeMap<String, u64>;

/// The lines of all keys of this text.
///
/// # Errors
/// It is no YAML.
pub(super) fn of(text: &str) -> Result<Lines, serde_saphyr::Error> {
    let tree: Tree = serde_saphyr::from_str(text)?;
    let mut lines = Lines::new();
    tree.collect("", &mut lines);
    Ok(lines)
}

/// Keys with their lines, and what is below each. Whatever is no table has nothing below it.
#[derive(Default)]
struct Tree(Vec<(String, u64, Self)>);

impl Tree {
    fn collect(self, prefix: &str, lines: &mut Lines) {
        for (key, line, below) in self.0 {
            let key = format!("{prefix}{key}");
            below.collect(&format!("{key}."), lines);
            lines.insert(key, line);
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Branch)
    }
}

struct Branch;

impl<'de> Visitor<'de> for Branch {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut tree = Tree::default();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            tree.0.push((key.value, key.referenced.line(), map.next_value()?));
        }
        Ok(tree)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Tree::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_the_line_in_which_it_stands() {
        let lines = of("# first\na:\n  b: 1\n\n  c:\n  - x\n  - y: 2\nd: {e: ~, f: true}\ng: 'h'\n").unwrap();
        let expected = [("a", 2), ("a.b", 3), ("a.c", 5), ("d", 8), ("d.e", 8), ("d.f", 8), ("g", 9)];
        assert_eq!(lines, expected.map(|(key, line)| (key.to_owned(), line)).into());
    }
}
