//! Fenced blocks of the documentation.

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
                let title = words.find_map(|word| word.strip_prefix("title=")).map(str::to_owned);
                open = Some(Block { file: file.to_owned(), line, language, title, text: String::new() });
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

/// Every page of the documentation, README and the like included.
pub(crate) fn pages() -> Vec<PathBuf> {
    let root = repository();
    let mut pages = Vec::new();
    for folder in [root.clone(), root.join("docs"), root.join("deploy")] {
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
