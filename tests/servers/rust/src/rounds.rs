//! The tools whose result says what they need of the client, and that are called again with it.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, InputRequests, InputRequiredResult, RequestStateError,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use crate::asking::{self, Asked, form, roots, sample};
use crate::content;
use crate::server::Server;

/// What their names begin with.
pub(crate) const PREFIX: &str = "test_input_required_result_";

pub(crate) const TOOLS: [(&str, &str); 8] = [
    ("test_input_required_result_elicitation", "Asks the user for a name"),
    ("test_input_required_result_sampling", "Has the client's model answer"),
    ("test_input_required_result_list_roots", "Asks for the client's folders"),
    ("test_input_required_result_request_state", "Has the client bring a state along"),
    ("test_input_required_result_multiple_inputs", "Asks for three things at once"),
    ("test_input_required_result_multi_round", "Asks twice"),
    ("test_input_required_result_tampered_state", "Refuses a state that it has not sealed"),
    ("test_input_required_result_capabilities", "Asks for what the client can do alone"),
];

pub(crate) async fn call(
    server: &Server,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let name = request.name.strip_prefix(PREFIX).unwrap_or_default();
    match name {
        "elicitation" => simple(request, context, asking::one("user_name", ask_name()?)).await,
        "sampling" => {
            let wanted = asking::one("capital_question", sample("What is the capital of France?"));
            simple(request, context, wanted).await
        }
        "list_roots" => simple(request, context, asking::one("client_roots", roots())).await,
        "capabilities" => {
            let wanted = possible(context)?;
            simple(request, context, wanted).await
        }
        "multiple_inputs" => sealed(server, request, context, three()?).await,
        "request_state" | "tampered_state" => {
            let question = form("Please confirm", json!({"ok": {"type": "boolean"}}), &["ok"])?;
            sealed(server, request, context, asking::one("confirm", question)).await
        }
        "multi_round" => twice(server, request, context).await,
        _ => Err(ErrorData::invalid_params(format!("no tool {}", request.name), None)),
    }
}

fn ask_name() -> Result<rmcp::model::InputRequest, ErrorData> {
    form("What is your name?", json!({"name": {"type": "string"}}), &["name"])
}

fn three() -> Result<InputRequests, ErrorData> {
    Ok(InputRequests::from([
        ("user_name".to_owned(), ask_name()?),
        ("greeting".to_owned(), sample("Generate a greeting")),
        ("client_roots".to_owned(), roots()),
    ]))
}

/// Of the three what this client can answer.
fn possible(context: &RequestContext<RoleServer>) -> Result<InputRequests, ErrorData> {
    let client = context.client_capabilities().unwrap_or_default();
    let mut wanted = three()?;
    wanted.retain(|key, _| match key.as_str() {
        "user_name" => client.elicitation.is_some(),
        "greeting" => client.sampling.is_some(),
        _ => client.roots.is_some(),
    });
    Ok(wanted)
}

/// Asks without a state of its own.
async fn simple(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    wanted: InputRequests,
) -> Result<CallToolResponse, ErrorData> {
    Ok(match asking::ask(context, request.input_responses.as_ref(), wanted).await? {
        Asked::Unanswered(wanted) => InputRequiredResult::from_input_requests(wanted).into(),
        Asked::Answered(answers) => content::text(format!("The client said: {}", json!(answers))).into(),
    })
}

/// Asks with a state that has to come back as it went.
async fn sealed(
    server: &Server,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    wanted: InputRequests,
) -> Result<CallToolResponse, ErrorData> {
    let state = match &request.request_state {
        Some(state) => Some(server.seal.open_json::<Value>(state).map_err(tampered)?),
        None => None,
    };
    let given = request.input_responses.as_ref().filter(|_| state.is_some());
    Ok(match asking::ask(context, given, wanted).await? {
        Asked::Answered(answers) => content::text(format!("state-ok: {}", json!(answers))).into(),
        Asked::Unanswered(wanted) => {
            let state = server.seal.seal_json(&json!({"asked": wanted.len()})).map_err(unsealed)?;
            InputRequiredResult::new(Some(wanted), Some(state)).into()
        }
    })
}

/// Asks one thing after the other; the state says which comes next.
async fn twice(
    server: &Server,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let questions = [
        ("step1", form("Step 1: What is your name?", json!({"name": {"type": "string"}}), &["name"])?),
        (
            "step2",
            form("Step 2: What is your favorite color?", json!({"color": {"type": "string"}}), &["color"])?,
        ),
    ];
    // The state holds what has been said in earlier rounds.
    let mut said: Vec<Value> = match &request.request_state {
        Some(state) => server.seal.open_json(state).map_err(tampered)?,
        None => Vec::new(),
    };
    for (key, question) in questions.into_iter().skip(said.len()) {
        match asking::ask(context, request.input_responses.as_ref(), asking::one(key, question)).await? {
            Asked::Answered(mut answers) => said.extend(answers.remove(key)),
            Asked::Unanswered(wanted) => {
                let state = server.seal.seal_json(&said).map_err(unsealed)?;
                return Ok(InputRequiredResult::new(Some(wanted), Some(state)).into());
            }
        }
    }
    Ok(content::text(format!("After two rounds: {}", json!(said))).into())
}

fn tampered(_: RequestStateError) -> ErrorData {
    ErrorData::invalid_params("requestState is none of this server's", None)
}

fn unsealed(error: RequestStateError) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}
