//! The description of the REST API, judged by programs that know nothing of the gateway but it: a validator, and
//! schemathesis, which makes requests of it and compares the answers.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tests::{Contexts, Http, until};

use crate::foreign::installed;
use crate::process::{Process, run};
use crate::tools::Tools;
use crate::{clean, gateway_with, repository};

/// What schemathesis looks for: an answer 5xx, and a status, media type or body that is not described.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn the_description_is_valid() {
    let gateway = gateway_with(|_| {});
    let document = Http::open(&gateway).get("/openapi.json");
    assert_eq!(document.status, 200);
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.text()).expect("the folder is ours");
    let mut validator = clean(installed("venv/bin/python"));
    let printed =
        run(validator.args(["-m", "openapi_spec_validator", "--schema", "3.1"]).arg(&file)).success();
    assert!(printed.contains(": OK"), "{printed}");
}

#[test]
fn no_request_of_the_description_is_answered_with_5xx_or_in_a_way_that_is_not_described() {
    let gateway = gateway_with(|config| {
        config.rest.max_wait_ms = 50;
        // A tool that sleeps for long would rightly be answered with 504.
        config.router.default_timeout_ms = 60_000;
    });
    let _tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    let _contexts = Contexts::passing(env!("CARGO_BIN_EXE_mcpw-under-test"), &gateway);
    let mut http = Http::open(&gateway);
    until("the contexts", || (http.get("/contexts").status == 200).then_some(()));
    // Something to find.
    http.post("/contexts", &json!({"content": {"text": "something"}}));

    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut schemathesis: Command = clean(installed("venv/bin/schemathesis"));
    schemathesis
        .current_dir(folder.path())
        .args(["run", &format!("http://{}/api/v1/openapi.json", gateway.clients), "--checks", CHECKS])
        .args(["--header", &format!("Authorization: Bearer {}", gateway.keys.token())])
        .args(["--max-examples", "25", "--seed", "1", "--no-color", "--suppress-health-check", "all"])
        .args(["--warnings", "off", "--request-timeout", "10"]);
    let printed = Process::start(&mut schemathesis).end_within(LIMIT).success();
    assert!(printed.contains("No issues found"), "{printed}");
}
