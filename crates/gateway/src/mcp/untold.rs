//! What somebody who listens was not told yet. Of news of one thing the latest alone waits, so that who reads slowly has no more of
//! it than there are things to hear of.

use super::plan::Note;
use protocol::json;
use std::collections::VecDeque;

/// News, in their order.
#[derive(Debug, Default)]
pub(super) struct Untold(VecDeque<Note>);

impl Untold {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It waits, and what waited before it of the same thing does not.
    pub(super) fn add(&mut self, note: Note) {
        self.0.retain(|known| known.method != note.method || of(known) != of(&note));
        self.0.push_back(note);
    }

    /// What is to be told next, which waits no more.
    pub(super) fn next(&mut self) -> Option<Note> {
        self.0.pop_front()
    }
}

impl Extend<Note> for Untold {
    fn extend<T: IntoIterator<Item = Note>>(&mut self, notes: T) {
        notes.into_iter().for_each(|note| self.add(note));
    }
}

/// The resource that a note tells of, raw; none of one that tells of a list.
fn of(note: &Note) -> Option<&str> {
    json::member(&note.params, "uri")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp::method;

    #[test]
    fn of_news_of_one_thing_the_latest_waits() {
        let updated =
            |params: &str| Note { method: method::RESOURCE_UPDATED.into(), params: params.to_owned() };
        let (first, other) = (r#"{"uri":"a:1"}"#, r#"{"uri":"a:2"}"#);
        let again = r#"{"uri":"a:1","_meta":{"k":1}}"#;
        let mut untold = Untold::default();
        for _ in 0..1_000 {
            untold.extend([
                updated(first),
                Note::bare(method::TOOLS_CHANGED),
                updated(other),
                updated(again),
            ]);
        }
        let told: Vec<Note> = std::iter::from_fn(|| untold.next()).collect();
        assert_eq!(told, [Note::bare(method::TOOLS_CHANGED), updated(other), updated(again)]);
        assert!(untold.is_empty());
    }
}
