//! The pages as a book: all of them are in it, and whatever a page points at is there. Needs no mdbook.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::markdown::{anchors, links, pages, pages_of};
use crate::repository;

#[test]
fn the_book_has_every_page_once_and_no_other() {
    let docs = repository().join("docs");
    let mut named: Vec<_> = links(&docs.join("SUMMARY.md")).into_iter().map(|link| link.target).collect();
    named.sort_unstable();
    let there: Vec<_> = pages()
        .iter()
        .filter_map(|page| page.strip_prefix(&docs).ok())
        .map(|page| page.display().to_string())
        .filter(|page| page != "SUMMARY.md")
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(named, there, "docs/SUMMARY.md and docs/*.md");
}

#[test]
fn whatever_a_page_points_at_is_there() {
    check_links(&repository());
}

/// Follows every link of the pages below this folder that stays there.
#[track_caller]
pub(crate) fn check_links(root: &Path) {
    let root = root.canonicalize().expect("the folder is there");
    let (mut known, mut broken, mut count) = (HashMap::new(), Vec::new(), 0);
    for page in pages_of(&root) {
        for link in links(&page).into_iter().filter(|link| !is_elsewhere(&link.target)) {
            count += 1;
            if let Err(why) = follow(&root, &page, &link.target, &mut known) {
                broken.push(format!("{}:{}: {}: {why}", page.display(), link.line, link.target));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(count > 200, "{count} links were found");
}

/// Whether the link leaves the repository.
fn is_elsewhere(target: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme))
}

fn follow(
    root: &Path,
    page: &Path,
    target: &str,
    known: &mut HashMap<PathBuf, BTreeSet<String>>,
) -> Result<(), &'static str> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = page.parent().expect("a page is in a folder");
    let file = if path.is_empty() { page.to_owned() } else { folder.join(path) };
    let file = file.canonicalize().map_err(|_| "there is no such file")?;
    if !file.starts_with(root) {
        return Err("it is outside of the folder");
    }
    let Some(anchor) = anchor else { return Ok(()) };
    let headings = known.entry(file).or_insert_with_key(|file| anchors(file));
    headings.contains(anchor).then_some(()).ok_or("that page has no such heading")
}
