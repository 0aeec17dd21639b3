//! How a conversation begins: which era the server is of, and what it can do. `basic/versioning`, "Backward Compatibility".
use crate::conversation::{CLIENT_INFO, Conversation};
use crate::settings;
use mcp::{Error, Version, error, method, text};
use protocol::json;
use std::sync::Arc;
use std::time::Duration;

/// How long it is waited for a server that does not know `server/discover`, before it is also asked the other way. Those that
/// never answer what they don't know are not to hold up the start for long, nor is a slow one to be taken for old.
const PROBE: Duration = Duration::from_secs(5);

/// What was agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) version: Version,
    /// A raw object.
    pub(crate) capabilities: String,
    /// For the model; may be empty.
    pub(crate) instructions: String,
    /// A raw object.
    pub(crate) info: Option<String>,
}

impl Terms {
    /// Before anything is known.
    pub(super) const MODERN: Self = Self {
        version: Version::LATEST,
        capabilities: String::new(),
        instructions: String::new(),
        info: None,
    };

    fn read(result: &str, version: Version, info: Option<&str>) -> Self {
        Self {
            version,
            capabilities: json::member(result, "capabilities").unwrap_or("{}").to_owned(),
            instructions: text::member(result, "instructions").unwrap_or_default().into_owned(),
            info: info.map(str::to_owned),
        }
    }

    /// Whether the server has this capability.
    pub(crate) fn has(&self, capability: &str) -> bool {
        json::member(&self.capabilities, capability).is_some_and(|value| value.starts_with('{'))
    }
}

/// Finds out which era the server is of, and agrees with it on the rest.
///
/// # Errors
/// Why it can't be spoken with.
pub(crate) async fn shake(
    conversation: &Arc<Conversation>,
    era: settings::Era,
    patience: Duration,
) -> Result<(), String> {
    let terms = match era {
        settings::Era::Legacy => initialize(conversation, patience).await,
        settings::Era::Modern => discover(conversation, patience).await,
        settings::Era::Auto => find(conversation, patience).await,
    };
    let terms = terms.map_err(|error| format!("{} ({})", error.message, error.code))?;
    tracing::debug!(version = terms.version.name(), "a server has told what it is");
    conversation.agree(terms);
    Ok(())
}

async fn find(conversation: &Arc<Conversation>, patience: Duration) -> Result<Terms, Error> {
    let mut discovered = std::pin::pin!(discover(conversation, patience));
    let known = tokio::select! {
        known = &mut discovered => known,
        () = tokio::time::sleep(PROBE) => tokio::select! {
            biased;
            known = &mut discovered => known,
            initialized = initialize(conversation, patience) => match initialized {
                // It is modern and slow: what it was asked first it answers too.
                Err(error) if is_modern(&error) => discovered.await,
                initialized => return initialized,
            },
        },
    };
    match known {
        Err(error) if !is_modern(&error) && !conversation.is_lost() => {
            initialize(conversation, patience).await
        }
        known => known,
    }
}

/// Errors that no legacy server has.
fn is_modern(error: &Error) -> bool {
    [error::UNSUPPORTED_VERSION, error::HEADER_MISMATCH, error::MISSING_CAPABILITY].contains(&error.code)
}

async fn discover(conversation: &Arc<Conversation>, patience: Duration) -> Result<Terms, Error> {
    let result = conversation.ask(method::DISCOVER, "{}", patience).await?;
    let versions = json::member(&result, "supportedVersions").unwrap_or("[]");
    let is_spoken = |raw: &str| text::string(raw).as_deref() == Some(Version::LATEST.name());
    if !text::elements(versions).any(is_spoken) {
        return Err(Error::new(
            error::UNSUPPORTED_VERSION,
            format!("it speaks none of the versions known here: {versions}"),
        ));
    }
    let meta = json::member(&result, mcp::meta::NAME).unwrap_or("{}");
    Ok(Terms::read(&result, Version::LATEST, json::member(meta, mcp::meta::SERVER_INFO)))
}

async fn initialize(conversation: &Arc<Conversation>, patience: Duration) -> Result<Terms, Error> {
    let params = format!(
        r#"{{"protocolVersion":"{}","capabilities":{{"roots":{{}},"sampling":{{}},"elicitation":{{"form":{{}},"url":{{}}}}}},"clientInfo":{CLIENT_INFO}}}"#,
        Version::LATEST_LEGACY.name(),
    );
    let result = conversation.ask(method::INITIALIZE, &params, patience).await?;
    let named = text::member(&result, "protocolVersion").unwrap_or_default();
    let version = Version::of(&named).filter(|version| version.era() == mcp::Era::Legacy);
    let version = version.ok_or_else(|| Error::version(&named))?;
    Ok(Terms::read(&result, version, json::member(&result, "serverInfo")))
}
