//! The lines of a printed configuration: which key each belongs to, so that some can be left out, and others told their
//! source.

/// By how much a table is indented.
const INDENT: usize = 2;
/// Comments stand in one column, but for those behind lines longer than this.
const WIDEST: usize = 60;

/// A printed configuration, taken apart.
#[derive(Debug)]
pub(super) struct Listing<'a>(Vec<Part<'a>>);

/// A key and what is printed of it, but for what is below a table.
#[derive(Debug)]
struct Part<'a> {
    key: String,
    is_table: bool,
    lines: Vec<&'a str>,
}

impl<'a> Listing<'a> {
    /// Takes YAML in blocks apart, of which `leaves` are the keys that have values.
    pub(super) fn of(text: &'a str, leaves: &[String]) -> Self {
        let mut parts: Vec<Part<'a>> = Vec::new();
        let mut path: Vec<&str> = Vec::new();
        for line in text.lines() {
            let bare = line.trim_start();
            let depth = (line.len() - bare.len()) / INDENT;
            // What stands deeper than the keys of this table belongs to a value.
            if let Some((name, _)) = bare.split_once(':').filter(|_| depth <= path.len()) {
                let key = path[..depth].iter().chain([&name]).copied().collect::<Vec<_>>().join(".");
                let is_leaf = leaves.contains(&key);
                let is_table = !is_leaf && leaves.iter().any(|leaf| is_below(leaf, &key));
                if is_leaf || is_table {
                    path.truncate(depth);
                    path.extend(is_table.then_some(name));
                    parts.push(Part { key, is_table, lines: vec![line] });
                    continue;
                }
            }
            if let Some(part) = parts.last_mut() {
                part.lines.push(line);
            }
        }
        Self(parts)
    }

    /// The keys that are shown, each with its source as a comment where it has one.
    pub(super) fn text(
        &self,
        is_shown: impl Fn(&str) -> bool,
        source: impl Fn(&str) -> Option<String>,
    ) -> String {
        let is_in = |part: &&Part<'_>| {
            let leaves = self.0.iter().filter(|leaf| !leaf.is_table);
            let mut own = leaves.filter(|leaf| leaf.key == part.key || is_below(&leaf.key, &part.key));
            own.any(|leaf| is_shown(&leaf.key))
        };
        let shown: Vec<_> = self.0.iter().filter(is_in).collect();
        let first = |part: &Part<'_>| part.lines[0].chars().count();
        let values = shown.iter().filter(|part| !part.is_table).map(|part| first(part));
        let column = values.filter(|width| *width <= WIDEST).max().unwrap_or(0);
        let mut text = String::new();
        for part in shown {
            let source = source(&part.key).filter(|_| !part.is_table);
            for (index, line) in part.lines.iter().enumerate() {
                text.push_str(line);
                if let Some(source) = source.as_ref().filter(|_| index == 0) {
                    text.extend(std::iter::repeat_n(' ', column.saturating_sub(first(part))));
                    text.push_str("  # ");
                    text.push_str(source);
                }
                text.push('\n');
            }
        }
        text
    }
}

/// Whether a key stands in this table.
fn is_below(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a:\n  b: 1\n  c:\n  - b: 2\n    d: 3\n  d:\n    e: x\nf: |-\n  a:\n  b: 1\ng: []\n";

    fn listed(is_shown: impl Fn(&str) -> bool) -> String {
        let leaves = ["a.b", "a.c", "a.d.e", "f", "g"].map(str::to_owned);
        Listing::of(TEXT, &leaves).text(is_shown, |key| Some(key.to_uppercase()))
    }

    #[test]
    fn each_value_has_its_source_beside_its_key() {
        let expected = "a:\n  b: 1    # A.B\n  c:      # A.C\n  - b: 2\n    d: 3\n  d:\n    e: x  # A.D.E\n\
                        f: |-     # F\n  a:\n  b: 1\ng: []     # G\n";
        assert_eq!(listed(|_| true), expected);
    }

    #[test]
    fn what_is_not_shown_leaves_no_empty_table() {
        assert_eq!(listed(|key| key == "a.d.e"), "a:\n  d:\n    e: x  # A.D.E\n");
        assert_eq!(listed(|_| false), "");
    }
}
