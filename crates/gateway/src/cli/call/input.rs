//! What people type, made exact: params, token, URL, durations. Connects to nothing.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::cli::dev_file::Address;

const DEFAULT_URL: &str = "ws://127.0.0.1:8080/ws";
const TOKEN_VARIABLE: &str = "MCPW_TOKEN";

/// What was wrong with the arguments and what would be right.
#[derive(Debug)]
pub(in crate::cli) struct Mistake(pub(in crate::cli) String);

/// Which gateway is called, and as whom.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Target {
    pub(in crate::cli) url: String,
    pub(in crate::cli) token: Option<String>,
}

impl Target {
    /// What is not given is the running `mcpw dev`'s; its token goes to no other gateway than its own.
    pub(in crate::cli) fn choose(
        given: Option<&str>,
        token: Option<String>,
        dev: impl FnOnce() -> Option<Address>,
    ) -> Self {
        let given = given.filter(|given| !given.is_empty()).map(url);
        if let (Some(url), Some(_)) = (&given, &token) {
            return Self { url: url.clone(), token };
        }
        match (given, dev()) {
            (None, Some(dev)) => Self { url: dev.url, token: token.or(Some(dev.token)) },
            (Some(url), Some(dev)) if url == dev.url => Self { url, token: Some(dev.token) },
            (given, _) => Self { url: given.unwrap_or_else(|| DEFAULT_URL.to_owned()), token },
        }
    }
}

/// The params as JSON: the text itself, `@FILE` or `-` for stdin.
pub(in crate::cli) fn params(argument: Option<&str>) -> Result<Option<Box<RawValue>>, Mistake> {
    let Some(argument) = argument else { return Ok(None) };
    let (text, source) = if argument == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Mistake(format!("can't read stdin: {error}")))?;
        (text, "stdin".to_owned())
    } else if let Some(path) = argument.strip_prefix('@') {
        let text =
            std::fs::read_to_string(path).map_err(|error| Mistake(format!("can't read {path}: {error}")))?;
        (text, path.to_owned())
    } else {
        (argument.to_owned(), "PARAMS".to_owned())
    };
    serde_json::from_str(text.trim()).map(Some).map_err(|error| {
        let example = r#"'{"tool":"time.now","args":{}}'"#;
        Mistake(format!("{source} is not JSON: {error}; it should be something like {example}"))
    })
}

/// The token: the argument, the file, or the variable, in this order; `None` if there is none at all.
pub(in crate::cli) fn token(argument: Option<&str>, file: Option<&Path>) -> Result<Option<String>, Mistake> {
    let token = match (argument, file) {
        (Some(token), _) => token.to_owned(),
        (None, Some(path)) => {
            let token = std::fs::read_to_string(path)
                .map_err(|error| Mistake(format!("can't read the token from {}: {error}", path.display())))?;
            if token.trim().is_empty() {
                return Err(Mistake(format!("{} is empty: there is no token in it", path.display())));
            }
            token
        }
        (None, None) => std::env::var(TOKEN_VARIABLE).unwrap_or_default(),
    };
    Ok(Some(token.trim().to_owned()).filter(|token| !token.is_empty()))
}

/// The URL in full: what is missing of `ws://…/ws` is added, http is what browsers call ws.
pub(in crate::cli) fn url(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        None => ("ws", text),
        Some(("http", rest)) => ("ws", rest),
        Some(("https", rest)) => ("wss", rest),
        Some(both) => both,
    };
    match rest.strip_suffix('/').unwrap_or(rest) {
        host if host.contains(['/', '?']) => format!("{scheme}://{rest}"),
        host => format!("{scheme}://{host}/ws"),
    }
}

/// Seconds, or a whole number with ms, s, m or h.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => Some(1),
        "" | "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    match digits.parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit)) {
        Some(milliseconds) if milliseconds > 0 => Ok(Duration::from_millis(milliseconds)),
        _ => Err("must be a positive number of seconds, or like 500ms, 30s, 5m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_dev_is_the_default_and_its_token_goes_to_it_alone() {
        let check =
            |given: Option<&str>, token: Option<&str>, is_running: bool, expected: (&str, Option<&str>)| {
                let dev = || Address { url: "ws://127.0.0.1:5/ws".to_owned(), token: "dev".to_owned() };
                let target = Target::choose(given, token.map(str::to_owned), || is_running.then(dev));
                assert_eq!(
                    (target.url.as_str(), target.token.as_deref()),
                    expected,
                    "{given:?} {token:?} {is_running}"
                );
            };
        let dev = "ws://127.0.0.1:5/ws";
        check(None, None, true, (dev, Some("dev")));
        check(None, Some("mine"), true, (dev, Some("mine")));
        check(Some("127.0.0.1:5"), None, true, (dev, Some("dev")));
        check(Some("127.0.0.1:5"), Some("mine"), true, (dev, Some("mine")));
        check(Some("elsewhere:5"), None, true, ("ws://elsewhere:5/ws", None));
        check(Some(""), None, true, (dev, Some("dev")));
        check(None, None, false, (DEFAULT_URL, None));
        check(Some("127.0.0.1:5"), Some("mine"), false, (dev, Some("mine")));
    }

    #[test]
    fn what_is_missing_of_a_url_is_added() {
        let check = |text, expected| assert_eq!(url(text), expected, "{text}");
        check("localhost:8080", "ws://localhost:8080/ws");
        check("ws://localhost:8080", "ws://localhost:8080/ws");
        check("ws://localhost:8080/", "ws://localhost:8080/ws");
        check("http://gateway.example", "ws://gateway.example/ws");
        check("https://gateway.example", "wss://gateway.example/ws");
        check("ws://localhost:8080/other", "ws://localhost:8080/other");
        check("ws://localhost:8080/other/", "ws://localhost:8080/other/");
        check("[::1]:8080", "ws://[::1]:8080/ws");
    }

    #[test]
    fn params_come_from_the_argument_or_a_file_and_stay_as_written() {
        let read = |argument: &str| params(Some(argument)).unwrap().unwrap().get().to_owned();
        assert!(params(None).unwrap().is_none());
        assert_eq!(
            read(r#" {"b":1.0, "a":12345678901234567890123} "#),
            r#"{"b":1.0, "a":12345678901234567890123}"#
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[1]\n").unwrap();
        assert_eq!(read(&format!("@{}", file.path().display())), "[1]");
    }

    #[test]
    fn wrong_params_are_told_with_their_source() {
        let check = |argument: &str, expected: &str| {
            let Mistake(text) = params(Some(argument)).expect_err(argument);
            assert!(text.contains(expected), "{argument}: {text}");
        };
        check("{tool:1}", "PARAMS is not JSON: key must be a string at line 1 column 2");
        check("", "PARAMS is not JSON");
        check("{} {}", "trailing characters");
        check("@/does/not/exist", "can't read /does/not/exist");
    }

    #[test]
    fn a_token_file_is_trimmed_and_an_empty_one_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "tok.en\n").unwrap();
        assert_eq!(token(None, Some(file.path())).unwrap().as_deref(), Some("tok.en"));
        assert_eq!(token(Some("other"), Some(file.path())).unwrap().as_deref(), Some("other"));
        std::fs::write(file.path(), "\n").unwrap();
        assert!(token(None, Some(file.path())).unwrap_err().0.contains("is empty"));
    }

    #[test]
    fn durations_have_units() {
        let check = |text, ms| assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        check("5", 5000);
        check("500ms", 500);
        check("30s", 30_000);
        check("5m", 300_000);
        check("1h", 3_600_000);
        for text in ["", "0", "s", "-1", "1.5s", "1d", "99999999999999999999", "9999999999999999999h", "1µ"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
