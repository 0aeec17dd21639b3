//! Fenced blocks, links and headings of the documentation.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::repository;

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The file it stands in.
    pub(crate) file: PathBuf,
    /// The line of its first fence, from 1.
    pub(crate) line: usize,
    pub(crate) language: String,
    /// `text.mjs` where the fence says `title=text.mjs`.
    pub(crate) title: Option<String>,
    /// What else the fence says.
    pub(crate) words: Vec<String>,
    pub(crate) text: String,
}

/// The blocks of one file.
pub(crate) fn blocks(file: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, content) in (1..).zip(text.lines()) {
        match (&mut open, content.strip_prefix("```")) {
            (None, Some(words)) => {
                let mut words = words.split_whitespace();
                let language = words.next().unwrap_or_default().to_owned();
                let words: Vec<_> = words.map(str::to_owned).collect();
                let title = words.iter().find_map(|word| word.strip_prefix("title=")).map(str::to_owned);
                open =
                    Some(Block { file: file.to_owned(), line, language, title, words, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(content);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: the last block has no end", file.display());
    blocks
}

/// A link of a page.
#[derive(Debug)]
pub(crate) struct Link {
    /// The line it ends in, from 1.
    pub(crate) line: usize,
    pub(crate) target: String,
}

/// The links of one file.
pub(crate) fn links(file: &Path) -> Vec<Link> {
    let mut links = Vec::new();
    for (line, content) in prose(file) {
        let content = without_code(&content);
        for (_, rest) in content.match_indices("](").map(|(at, _)| content.split_at(at + 2)) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            links.push(Link { line, target: target.to_owned() });
        }
    }
    links
}

/// What a link to a heading of this file may name behind its `#`: as GitHub and mdbook make it.
pub(crate) fn anchors(file: &Path) -> BTreeSet<String> {
    let mut seen = HashMap::new();
    let mut anchors = BTreeSet::new();
    for (_, content) in prose(file) {
        let heading = content.trim_start_matches('#');
        let level = content.len() - heading.len();
        let (1..=6, Some(heading)) = (level, heading.strip_prefix(' ')) else { continue };
        let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ');
        let anchor: String = heading.trim().to_lowercase().chars().filter(|letter| kept(*letter)).collect();
        let anchor = anchor.replace(' ', "-");
        let times = seen.entry(anchor.clone()).and_modify(|times| *times += 1).or_insert(0);
        anchors.insert(if *times == 0 { anchor } else { format!("{anchor}-{times}") });
    }
    anchors
}

/// The lines of a file outside of its fences, with their numbers from 1.
pub(crate) fn prose(file: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((number, line.to_owned()));
        }
    }
    lines
}

/// A line without what stands between its backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Every page of the documentation, README and the like included.
pub(crate) fn pages() -> Vec<PathBuf> {
    pages_of(&repository())
}

/// As [`pages`], of the repository or a release below this folder.
pub(crate) fn pages_of(root: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in [root.to_owned(), root.join("docs"), root.join("deploy")] {
        collect(&folder, folder != root, &mut pages);
    }
    pages
}

fn collect(folder: &Path, deep: bool, pages: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() && deep {
            collect(&path, deep, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}
