//! The lines of docs/rest.md, pasted into a shell.

use std::process::Command;

use tests::{Contexts, Http, until};

use crate::markdown::blocks;
use crate::process::run;
use crate::tools::Tools;
use crate::{clean, gateway_with, repository};

#[test]
fn the_lines_of_the_page_can_be_pasted() {
    let gateway = gateway_with(|config| config.auth.tickets.enabled = true);
    let _tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    let _contexts = Contexts::passing(env!("CARGO_BIN_EXE_mcpw-under-test"), &gateway);
    let mut http = Http::open(&gateway);
    for path in ["/contexts", "/tools/sleep"] {
        until(path, || (http.get(path).status == 200).then_some(()));
    }
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let shown = blocks(&repository().join("docs/rest.md"));
    let lines: Vec<_> =
        shown.iter().filter(|block| block.language == "sh" && block.title.is_some()).collect();
    assert!(lines.len() > 5, "{lines:?}");
    for block in lines {
        // Whatever is refused ends it.
        let script = format!(
            "set -eu\ncurl() {{ command curl --silent --show-error --fail-with-body \"$@\" || exit 1; }}\n{}",
            block.text
        );
        let mut shell: Command = clean("sh");
        shell.current_dir(folder.path()).arg("-c").arg(&script);
        shell.env("API", format!("http://{}/api/v1", gateway.clients));
        shell.env("AUTH", format!("Authorization: Bearer {}", gateway.keys.token()));
        let ended = run(&mut shell);
        assert!(
            !ended.stderr.contains("curl: not found"),
            "this test needs curl: apt-get install --yes curl"
        );
        let printed = ended.success();
        // A refusal in a pipe goes on.
        assert!(!printed.contains("\"type\":\"urn:mcpw:error:"), "docs/rest.md:{}: {printed}", block.line);
        assert!(!printed.is_empty(), "docs/rest.md:{}", block.line);
    }
}
