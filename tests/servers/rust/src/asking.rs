//! Input that a tool or a prompt needs of the client: asked for by the result where the peer is of the version for it, and
//! by requests of the server's where it has a session.

use std::collections::BTreeMap;

use rmcp::model::{
    CreateMessageRequest, CreateMessageRequestParams, ElicitRequest, ElicitRequestParams, ErrorData,
    InputRequest, InputRequests, InputResponses, ListRootsRequest, ProtocolVersion, SamplingMessage,
    ServerRequest,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

/// What came of asking.
pub(crate) enum Asked {
    /// All that was asked for.
    Answered(InputResponses),
    /// The client has to be asked by the result.
    Unanswered(InputRequests),
}

/// Asks for all of these, unless they are given already. What is no object is no answer, and asked for again.
pub(crate) async fn ask(
    context: &RequestContext<RoleServer>,
    given: Option<&InputResponses>,
    wanted: InputRequests,
) -> Result<Asked, ErrorData> {
    if !has_session(context) {
        let answered = |key| given.and_then(|given| given.get(key)).is_some_and(Value::is_object);
        return Ok(if wanted.keys().all(answered) {
            Asked::Answered(given.cloned().unwrap_or_default())
        } else {
            Asked::Unanswered(wanted)
        });
    }
    let mut answers = BTreeMap::new();
    for (key, request) in wanted {
        let answer = context.peer.send_request(put(request)?).await;
        let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        answers.insert(key, value(answer)?);
    }
    Ok(Asked::Answered(answers))
}

/// Whether the peer is of a version that begins with `initialize`.
pub(crate) fn has_session(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_none_or(|version| version < ProtocolVersion::V_2026_07_28)
}

fn put(request: InputRequest) -> Result<ServerRequest, ErrorData> {
    match request {
        InputRequest::CreateMessage(request) => Ok(request.into()),
        InputRequest::Elicitation(request) => Ok(request.into()),
        InputRequest::ListRoots(request) => Ok(request.into()),
        _ => Err(ErrorData::internal_error("nothing that a session can be asked for", None)),
    }
}

fn value(of: impl serde::Serialize) -> Result<Value, ErrorData> {
    serde_json::to_value(of).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// A form with these properties.
pub(crate) fn form(message: &str, properties: Value, required: &[&str]) -> Result<InputRequest, ErrorData> {
    let schema = json!({"type": "object", "properties": properties, "required": required});
    let requested_schema =
        serde_json::from_value(schema).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let params =
        ElicitRequestParams::FormElicitationParams { meta: None, message: message.into(), requested_schema };
    Ok(InputRequest::Elicitation(ElicitRequest::new(params)))
}

/// A message of a model's.
pub(crate) fn sample(prompt: &str) -> InputRequest {
    let params = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    InputRequest::CreateMessage(CreateMessageRequest::new(params))
}

/// The client's folders.
pub(crate) fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

/// One request under its key.
pub(crate) fn one(key: &str, request: InputRequest) -> InputRequests {
    InputRequests::from([(key.to_owned(), request)])
}
