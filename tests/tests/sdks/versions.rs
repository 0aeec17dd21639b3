//! The versions of the SDKs that the page names are those that are installed.

use crate::program::source;

fn read(file: &str) -> String {
    std::fs::read_to_string(source(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What stands behind `lead` in this file, up to a quote or the end of the line.
fn version(file: &str, lead: &str) -> String {
    let text = read(file);
    let (_, rest) = text.split_once(lead).unwrap_or_else(|| panic!("{file} has no {lead}"));
    rest.split(['"', '\n']).next().unwrap_or_default().to_owned()
}

#[test]
fn the_page_names_the_versions_that_are_tested() {
    let page = read("docs/mcp.md");
    for (package, language, file, lead) in [
        ("mcp", "Python", "tests/clients/python/requirements.txt", "mcp[ws]=="),
        ("mcp", "Python", "examples/mcp-websocket-python/requirements.txt", "mcp=="),
        (
            "@modelcontextprotocol/sdk",
            "TypeScript",
            "tests/clients/node/package.json",
            r#""@modelcontextprotocol/sdk": ""#,
        ),
        (
            "@modelcontextprotocol/client",
            "TypeScript",
            "examples/mcp-websocket-typescript/package.json",
            r#""@modelcontextprotocol/client": ""#,
        ),
    ] {
        let row = format!("\n| `{package}` {} ({language}) |", version(file, lead));
        assert_eq!(
            page.matches(&row).count(),
            1,
            "rows of docs/mcp.md that begin with {row:?}, as {file} has it"
        );
    }
}
