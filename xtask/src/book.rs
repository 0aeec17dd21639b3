//! The pages of `docs/` as a book in HTML. Knows mdbook, which whoever wants the book has built for once, and what the pages
//! point at outside of the book; what is in them is theirs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{cargo, root, step, target};

const VERSION: &str = "0.5.4";
/// What pages point at besides each other, as git knows it.
const BESIDES: [&str; 8] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "README.md",
    "deploy",
    "examples",
    "proto",
];

pub(crate) fn run() -> Result<()> {
    let mdbook = installed(&target()?.join("tools"))?;
    let out = target()?.join("book");
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| out.display().to_string())?;
    }
    let docs = out.join("docs");
    step(Command::new(mdbook).arg("build").arg(root().join("docs")).arg("--dest-dir").arg(&docs))?;
    for path in listed()? {
        let copy = out.join(&path);
        fs::create_dir_all(copy.parent().context("a file is in a folder")?)?;
        fs::copy(root().join(&path), copy).with_context(|| path.clone())?;
    }
    let mut broken = BTreeSet::new();
    for entry in fs::read_dir(&docs)? {
        let page = entry?.path();
        if page.extension().is_some_and(|extension| extension == "html") {
            mend(&page, &mut broken)?;
        }
    }
    ensure!(broken.is_empty(), "nothing is where these point:\n{}", Vec::from_iter(broken).join("\n"));
    println!("{}", docs.join("index.html").display());
    Ok(())
}

/// mdbook of [`VERSION`] in this folder; installed if it is not there.
fn installed(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("bin/mdbook");
    let told = Command::new(&program).arg("--version").output();
    if !told.is_ok_and(|told| told.stdout.trim_ascii() == format!("mdbook v{VERSION}").as_bytes()) {
        eprintln!("Building mdbook {VERSION} into {}, which takes some minutes, once", folder.display());
        step(
            cargo()
                .args(["install", "--locked", "--force", "mdbook", "--version", VERSION, "--root"])
                .arg(folder),
        )?;
    }
    Ok(program)
}

fn listed() -> Result<Vec<String>> {
    let listed =
        Command::new("git").args(["ls-files", "-z", "--"]).args(BESIDES).current_dir(root()).output()?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    Ok(String::from_utf8(listed.stdout)?.split_terminator('\0').map(str::to_owned).collect())
}

/// mdbook takes every page that is pointed at for one of the book, and so for HTML. Those outside stay as they are
/// written. Notes what is not there.
fn mend(page: &Path, broken: &mut BTreeSet<String>) -> Result<()> {
    let text = fs::read_to_string(page)?;
    let folder = page.parent().context("a page is in a folder")?;
    let mut pieces = text.split("href=\"");
    let mut mended = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        mended.push_str("href=\"");
        let (link, rest) = piece.split_at(piece.find('"').unwrap_or(piece.len()));
        let (path, anchor) = link.split_at(link.find('#').unwrap_or(link.len()));
        let outside = path.strip_suffix(".html").filter(|path| path.starts_with("../"));
        let written = outside.map(|path| format!("{path}.md")).filter(|path| folder.join(path).exists());
        let path = written.as_deref().unwrap_or(path);
        if !path.contains(':') && !path.is_empty() && !folder.join(path).exists() {
            broken.insert(format!("{}: {link}", page.display()));
        }
        mended.extend([path, anchor, rest]);
    }
    fs::write(page, mended).with_context(|| page.display().to_string())
}
