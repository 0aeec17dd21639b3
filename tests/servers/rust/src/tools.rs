//! The tools, and what those answer that take one round.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ErrorData, InputRequest,
    InputRequiredResult, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use crate::asking::{self, Asked};
use crate::server::{Changed, Server};
use crate::{content, rounds};

/// The tool that `test_trigger_tool_change` brings and takes away.
const CHANGING: &str = "test_changing_tool";

/// Tools without arguments.
const PLAIN: [(&str, &str); 17] = [
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with an image"),
    ("test_audio_content", "Answers with a sound"),
    ("test_embedded_resource", "Answers with a resource"),
    ("test_multiple_content_types", "Answers with a text, an image and a resource"),
    ("test_tool_with_logging", "Tells of three steps in its log"),
    ("test_error_handling", "Fails"),
    ("test_tool_with_progress", "Tells of its progress"),
    ("test_elicitation_sep1034_defaults", "Asks for input that has defaults"),
    ("test_elicitation_sep1330_enums", "Asks for input from lists"),
    ("test_reconnection", "Takes a while, as for a client that comes back"),
    ("test_trigger_tool_change", "Changes the list of tools"),
    ("test_trigger_prompt_change", "Changes the list of prompts"),
    ("test_missing_capability", "Needs a client that can sample"),
    ("test_streaming_elicitation", "Asks for input by its result"),
    ("test_logging_tool", "Tells something in its log"),
    (CHANGING, "A tool that comes and goes"),
];

pub(crate) fn list(changed: bool) -> Result<Vec<Tool>, ErrorData> {
    let plain = PLAIN.iter().filter(|(name, _)| changed || *name != CHANGING);
    let mut tools = Vec::new();
    for (name, description) in plain.chain(&rounds::TOOLS) {
        tools.push(tool(name, description, json!({"type": "object", "properties": {}}))?);
    }
    let text =
        |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]});
    tools.push(tool("test_sampling", "Has the client's model answer", text("prompt"))?);
    tools.push(tool("test_elicitation", "Asks the user for a name", text("message"))?);
    let mut header = text("value");
    header["properties"]["value"]["x-mcp-header"] = json!("Value");
    tools.push(tool("test_custom_header", "Has its argument in a header too", header)?);
    tools.push(tool("json_schema_2020_12_tool", "Has a schema with all that the dialect knows", dialect())?);
    Ok(tools)
}

fn tool(name: &str, description: &str, schema: Value) -> Result<Tool, ErrorData> {
    let Value::Object(schema) = schema else {
        return Err(ErrorData::internal_error("a schema is an object", None));
    };
    Ok(Tool::new(name.to_owned(), description.to_owned(), schema))
}

fn dialect() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

pub(crate) async fn call(
    server: &Server,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let argument = |name: &str| {
        let text =
            request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str);
        text.ok_or_else(|| ErrorData::invalid_params(format!("the argument {name} is missing"), None))
    };
    let result = match request.name.as_ref() {
        "test_simple_text" => content::text("This is a simple text response for testing."),
        "test_image_content" => content::image(),
        "test_audio_content" => content::sound(),
        "test_embedded_resource" => content::embedded(),
        "test_multiple_content_types" => content::mixed(),
        "test_error_handling" => content::failure("This tool intentionally returns an error for testing"),
        "test_custom_header" => content::text(argument("value")?),
        CHANGING | "json_schema_2020_12_tool" => content::text("It was called."),
        "test_tool_with_logging" => {
            for step in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                log(server, context, step).await;
                pause().await;
            }
            content::text("Three steps were logged.")
        }
        "test_logging_tool" => {
            log(server, context, "Tool was called").await;
            content::text("It was logged for whoever asked for it.")
        }
        "test_tool_with_progress" => {
            for done in [0.0, 50.0, 100.0] {
                progress(context, done).await;
                pause().await;
            }
            content::text("It is done.")
        }
        "test_reconnection" => {
            pause().await;
            content::text("It is done.")
        }
        "test_trigger_tool_change" => {
            server.change(Changed::Tools, context).await;
            content::text("The list of tools is another one.")
        }
        "test_trigger_prompt_change" => {
            server.change(Changed::Prompts, context).await;
            content::text("The list of prompts is another one.")
        }
        "test_missing_capability" => {
            if context.client_capabilities().is_none_or(|client| client.sampling.is_none()) {
                let needed = ClientCapabilities::builder().enable_sampling().build();
                return Err(ErrorData::missing_required_client_capability(needed));
            }
            content::text("The client can sample.")
        }
        "test_sampling" => {
            let question = asking::sample(argument("prompt")?);
            return asked(request, context, question, "LLM response", "/content/text").await;
        }
        "test_elicitation" => {
            let properties = json!({
                "username": {"type": "string", "description": "User's response"},
                "email": {"type": "string", "description": "User's email address"},
            });
            let question = asking::form(argument("message")?, properties, &["username", "email"])?;
            return asked(request, context, question, "User response", "").await;
        }
        "test_elicitation_sep1034_defaults" => {
            let question = asking::form("Every field has a default", defaults(), &[])?;
            return asked(request, context, question, "Elicitation completed", "").await;
        }
        "test_elicitation_sep1330_enums" => {
            let question = asking::form("Every field is a list", lists(), &[])?;
            return asked(request, context, question, "Elicitation completed", "").await;
        }
        "test_streaming_elicitation" => {
            let question = asking::form("Any value", json!({"value": {"type": "string"}}), &["value"])?;
            return asked(request, context, question, "Elicitation completed", "").await;
        }
        name => return Err(ErrorData::invalid_params(format!("no tool {name}"), None)),
    };
    Ok(result.into())
}

/// Asks one question, and answers with a part of what the client said to it.
async fn asked(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    question: InputRequest,
    lead: &str,
    part: &str,
) -> Result<CallToolResponse, ErrorData> {
    const KEY: &str = "question";
    let wanted = asking::one(KEY, question);
    Ok(match asking::ask(context, request.input_responses.as_ref(), wanted).await? {
        Asked::Unanswered(wanted) => InputRequiredResult::from_input_requests(wanted).into(),
        Asked::Answered(answers) => {
            let said = answers[KEY].pointer(part).unwrap_or(&Value::Null);
            let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
            content::text(format!("{lead}: {said}")).into()
        }
    })
}

fn defaults() -> Value {
    json!({
        "name": {"type": "string", "description": "User name", "default": "John Doe"},
        "age": {"type": "integer", "description": "User age", "default": 30},
        "score": {"type": "number", "description": "User score", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "description": "Verification status", "default": true},
    })
}

fn lists() -> Value {
    let titled = |word: &str| {
        json!([
            {"const": "value1", "title": format!("First {word}")},
            {"const": "value2", "title": format!("Second {word}")},
            {"const": "value3", "title": format!("Third {word}")},
        ])
    };
    let names = json!(["option1", "option2", "option3"]);
    json!({
        "untitledSingle": {"type": "string", "enum": names},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": names}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
    })
}

async fn log(server: &Server, context: &RequestContext<RoleServer>, text: &str) {
    // What is told is of level info.
    if matches!(server.level(context), Some(LoggingLevel::Debug | LoggingLevel::Info)) {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text))
            .with_logger("conformance-server");
        // A peer that has gone hears nothing.
        let _ = context.peer.notify_logging_message(message).await;
    }
}

async fn progress(context: &RequestContext<RoleServer>, done: f64) {
    if let Some(token) = context.meta.get_progress_token() {
        let progress = ProgressNotificationParam::new(token, done).with_total(100.0);
        // A peer that has gone hears nothing.
        let _ = context.peer.notify_progress(progress).await;
    }
}

/// The suite wants to see that what is told between arrives one by one.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
