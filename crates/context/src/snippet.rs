//! Pieces of a text around the words that were searched for.
use crate::words::words;

/// Bytes of a piece before and after the word that it is cut around.
const BEFORE: usize = 60;
const AFTER: usize = 180;

/// A word that was searched for, by its place.
struct Match {
    start: usize,
    end: usize,
    /// Which word of the query it is.
    word: usize,
}

/// Up to `count` pieces, those with the most words of the query, in the order of the text. A word is marked as
/// `**word**`, a cut as `…`, and white space is a single space.
pub(crate) fn snippets(text: &str, query: &[String], count: usize) -> Vec<String> {
    let matches: Vec<Match> = words(text)
        .filter_map(|(start, word, compared)| {
            let end = start + word.len();
            Some(Match { start, end, word: query.iter().position(|wanted| *wanted == compared)? })
        })
        .collect();
    let mut pieces = Vec::new();
    let mut rest = &matches[..];
    while let [first, ..] = rest {
        let end = text.floor_char_boundary((first.start + AFTER).min(text.len()));
        let inside = rest.partition_point(|found| found.start < end).max(1);
        let (piece, behind) = rest.split_at(inside);
        let mut words: Vec<_> = piece.iter().map(|found| found.word).collect();
        words.sort_unstable();
        words.dedup();
        pieces.push((words.len(), first.start, piece));
        rest = behind;
    }
    pieces.sort_by_key(|(words, start, _)| (std::cmp::Reverse(*words), *start));
    pieces.truncate(count);
    pieces.sort_by_key(|(_, start, _)| *start);
    pieces.into_iter().map(|(_, start, piece)| cut(text, start, piece)).collect()
}

fn cut(text: &str, around: usize, matches: &[Match]) -> String {
    let mut from = text.ceil_char_boundary(around.saturating_sub(BEFORE));
    if from > 0 {
        // Not in the middle of a word.
        from += text[from..around].find(char::is_whitespace).unwrap_or(around - from);
    }
    let until = text.floor_char_boundary((around + AFTER).min(text.len()));
    let mut piece = String::from(if from > 0 { "… " } else { "" });
    let mut place = from;
    for found in matches {
        let end = found.end.min(until);
        append(&mut piece, &text[place..found.start]);
        piece.push_str("**");
        append(&mut piece, &text[found.start..end]);
        piece.push_str("**");
        place = end;
    }
    append(&mut piece, &text[place..until]);
    let mut piece = piece.trim().to_owned();
    if until < text.trim_end().len() {
        piece.push_str(" …");
    }
    piece
}

/// Adds a text with its white space made single spaces.
fn append(piece: &mut String, text: &str) {
    for letter in text.chars() {
        if !letter.is_whitespace() {
            piece.push(letter);
        } else if !piece.ends_with(' ') {
            piece.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(snippets("The quick\n\n brown fox", &query(&["brown"]), 3), ["The quick **brown** fox"]);
    }

    #[test]
    fn a_word_in_the_middle_is_shown_with_what_is_around_it() {
        let text = format!("{} needle {}", "hay ".repeat(5_000), "straw ".repeat(5_000));
        let found = snippets(&text, &query(&["needle"]), 3);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("… hay hay") && found[0].ends_with("straw …"), "{}", found[0]);
        assert!(found[0].contains("hay **needle** straw") && found[0].len() < 300, "{}", found[0]);
    }

    #[test]
    fn the_piece_with_more_of_the_words_goes_first() {
        let gap = "x ".repeat(200);
        let text = format!("one {gap} one two {gap} two");
        let found = snippets(&text, &query(&["one", "two"]), 1);
        assert!(found[0].contains("**one** **two**"), "{found:?}");
        assert_eq!(snippets(&text, &query(&["one", "two"]), 10).len(), 3);
    }

    #[test]
    fn letters_of_several_bytes_and_endless_words_are_cut_well() {
        let text = format!("{} wörd {}", "ü".repeat(500), "ß".repeat(5_000));
        let found = snippets(&text, &query(&["wörd"]), 1);
        assert!(found[0].contains("**wörd**") && found[0].len() < 400, "{}", found[0]);
        let long = "a".repeat(10_000);
        assert!(snippets(&long, &query(&[&"a".repeat(64)]), 1)[0].len() < 300);
    }
}
