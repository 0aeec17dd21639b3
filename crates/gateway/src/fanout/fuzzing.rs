//! Names of events under fire.

use super::Filter;

/// A name is wanted by itself, by its prefixes and by all, and by no other name. The lines are names.
///
/// # Panics
/// It is not.
pub fn event_names(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let names: Vec<String> =
        text.split('\n').filter(|name| Filter::check(name).is_ok()).map(str::to_owned).collect();
    let all = Filter::default().with(&names);
    for name in &names {
        assert!(name.len() <= 128 && !name.contains(char::is_control), "{name:?}");
        assert!(all.names().iter().any(|known| **known == **name));
        if !Filter::is_name(name) {
            continue;
        }
        assert!(all.wants(name), "{name:?} is wanted by itself");
        let without: Vec<_> = names.iter().filter(|other| *other != name).cloned().collect();
        let expected = without.iter().any(|other| match other.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => false,
        });
        assert_eq!(Filter::default().with(&without).wants(name), expected, "{name:?} among {without:?}");
    }
    assert!(all.without(&names).is_empty());
}
