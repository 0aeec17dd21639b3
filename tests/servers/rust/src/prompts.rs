//! The prompts.

use rmcp::model::{
    ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, ImageContent,
    InputRequiredResult, Prompt, PromptArgument, PromptMessage, Role,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;

use crate::asking::{self, Asked};
use crate::content::IMAGE;

/// The prompt that `test_trigger_prompt_change` brings and takes away.
const CHANGING: &str = "test_changing_prompt";

pub(crate) fn list(changed: bool) -> Vec<Prompt> {
    let argument = |name: &str, required| {
        PromptArgument::new(name).with_description(format!("What stands for {name}")).with_required(required)
    };
    let arguments = vec![argument("arg1", true), argument("arg2", true)];
    let plain = |name: &str, description: &str| Prompt::new(name, Some(description), None);
    let mut prompts = vec![
        plain("test_simple_prompt", "A prompt without arguments"),
        Prompt::new("test_prompt_with_arguments", Some("A prompt with arguments"), Some(arguments)),
        Prompt::new(
            "test_prompt_with_embedded_resource",
            Some("A prompt with a resource in it"),
            Some(vec![argument("resourceUri", true)]),
        ),
        plain("test_prompt_with_image", "A prompt with an image in it"),
        plain("test_input_required_result_prompt", "A prompt that needs the client's input"),
    ];
    if changed {
        prompts.push(plain(CHANGING, "A prompt that comes and goes"));
    }
    prompts
}

pub(crate) async fn get(
    request: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let arguments = request.arguments.unwrap_or_default();
    let argument = |name: &str| {
        let text = arguments.get(name).and_then(|value| value.as_str());
        text.ok_or_else(|| ErrorData::invalid_params(format!("the argument {name} is missing"), None))
    };
    let say = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" | CHANGING => vec![say("This is a simple prompt for testing.".into())],
        "test_prompt_with_arguments" => {
            let (one, other) = (argument("arg1")?, argument("arg2")?);
            vec![say(format!("Prompt with arguments: arg1='{one}', arg2='{other}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let text = Some("Embedded resource content for testing.".into());
            let uri = argument("resourceUri")?.into();
            vec![
                PromptMessage::new_resource(
                    Role::User,
                    uri,
                    Some("text/plain".into()),
                    text,
                    None,
                    None,
                    None,
                ),
                say("Please process the embedded resource above.".into()),
            ]
        }
        "test_prompt_with_image" => {
            let image = ContentBlock::Image(ImageContent::new(IMAGE, "image/png"));
            vec![PromptMessage::new(Role::User, image), say("Please analyze the image above.".into())]
        }
        "test_input_required_result_prompt" => {
            let question = asking::form(
                "What context should be used?",
                json!({"context": {"type": "string"}}),
                &["context"],
            )?;
            let wanted = asking::one("user_context", question);
            match asking::ask(context, request.input_responses.as_ref(), wanted).await? {
                Asked::Unanswered(wanted) => {
                    return Ok(InputRequiredResult::from_input_requests(wanted).into());
                }
                Asked::Answered(answers) => {
                    let word =
                        answers["user_context"].pointer("/content/context").and_then(|word| word.as_str());
                    vec![say(format!("Use this context: {}", word.unwrap_or("none")))]
                }
            }
        }
        name => return Err(ErrorData::invalid_params(format!("no prompt {name}"), None)),
    };
    Ok(GetPromptResult::new(messages).into())
}
