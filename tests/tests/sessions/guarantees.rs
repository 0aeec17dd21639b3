//! docs/guarantees.md names the test of each promise, docs/attacks.md that of each attack, docs/security.md that of each threat.

use std::path::Path;

/// All Rust source below this folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("it is text"));
        }
    }
}

/// Checks that the last column of each table of this page names tests that are there, at least so many.
#[track_caller]
fn check(page: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(page)).expect("the page is there");
    let mut code = String::new();
    sources(&root.join("tests"), &mut code);
    sources(&root.join("crates"), &mut code);
    let columns = text.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit(" | ").next());
    let quoted = columns.flat_map(|column| column.split('`').skip(1).step_by(2));
    let named: Vec<_> =
        quoted.filter(|name| !name.contains([' ', '/', '.']) && name.contains(char::is_alphabetic)).collect();
    assert!(named.len() >= least, "{page}: its form has changed: {named:?}");
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "{page}: there is no test {name}");
    }
}

#[test]
fn every_test_that_the_page_of_promises_names_is_there() {
    check("docs/guarantees.md", 30);
}

#[test]
fn every_test_that_the_page_of_attacks_names_is_there() {
    check("docs/attacks.md", 130);
}

#[test]
fn every_test_that_the_page_of_threats_names_is_there() {
    check("docs/security.md", 150);
}
