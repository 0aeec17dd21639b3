//! `mcpw token`: a development token on stdout and nothing else, so that `$(mcpw token …)` works.
//! It refuses to know the gateway's configuration: the key is given, the claims are given.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use auth::{Algorithm, Claims, Signer};

const SECRET_VARIABLE: &str = "MCPW_SECRET";

/// Mint a token for development.
///
/// The key is one of --secret-file, --secret (or the variable MCPW_SECRET) and --key-file.
#[derive(Clone, clap::Args)]
pub(super) struct Arguments {
    /// A file with the secret for HS256; one line break at its end is dropped.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret", "key_file"])]
    secret_file: Option<PathBuf>,
    /// The secret for HS256, at least 32 bytes. Other users of the machine can see it here: better set MCPW_SECRET.
    #[arg(long, conflicts_with = "key_file")]
    secret: Option<String>,
    /// A private key as PEM for RS256, ES256 or EdDSA.
    #[arg(long, value_name = "PEM")]
    key_file: Option<PathBuf>,
    /// HS256, RS256, ES256 or EdDSA.
    #[arg(long, default_value = "HS256", value_parser = algorithm)]
    algorithm: Algorithm,
    /// The key's id, as configured in the gateway.
    #[arg(long)]
    kid: Option<String>,
    /// The tenant.
    #[arg(long, default_value = "dev")]
    tenant: String,
    /// The agent: the token's subject.
    #[arg(long, default_value = "dev-agent")]
    agent: String,
    /// A scope; may be repeated. `*` grants everything.
    #[arg(long = "scope", value_name = "SCOPE", default_value = "*")]
    scopes: Vec<String>,
    /// The issuer, where the gateway wants one.
    #[arg(long)]
    issuer: Option<String>,
    /// The audience, where the gateway wants one.
    #[arg(long)]
    audience: Option<String>,
    /// How long the token is valid: seconds, or like 90s, 15m, 1h, 7d.
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: Duration,
}

/// Prints the token and a line break on stdout.
///
/// # Errors
///
/// The key is missing, unreadable or of the wrong kind, a claim is out of its bounds, or stdout is closed.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let token = mint(arguments, std::env::var_os(SECRET_VARIABLE))?;
    writeln!(std::io::stdout().lock(), "{token}").context("can't write the token to stdout")
}

impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // All but the secret.
        f.debug_struct("Arguments")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("tenant", &self.tenant)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

fn mint(arguments: Arguments, variable: Option<std::ffi::OsString>) -> anyhow::Result<String> {
    let signer = signer(&arguments, variable)?;
    let claims = Claims {
        scopes: arguments.scopes,
        issuer: arguments.issuer,
        audience: arguments.audience,
        ttl: arguments.ttl,
        ..Claims::new(arguments.tenant, arguments.agent)
    };
    Ok(signer.mint(&claims)?)
}

/// What is given on the command line goes before the environment, which may be set for another command.
fn signer(arguments: &Arguments, variable: Option<std::ffi::OsString>) -> anyhow::Result<Signer> {
    let kid = arguments.kid.as_deref();
    let algorithm = arguments.algorithm;
    if let Some(path) = &arguments.key_file {
        if algorithm == Algorithm::HS256 {
            bail!("--key-file holds a key pair: add --algorithm RS256, ES256 or EdDSA");
        }
        let pem = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        return Signer::from_pem(algorithm, &pem, kid)
            .with_context(|| format!("--key-file {}", path.display()));
    }
    if algorithm != Algorithm::HS256 {
        bail!("--algorithm {algorithm} signs with a key pair: add --key-file PEM");
    }
    if let Some(path) = &arguments.secret_file {
        let secret = auth::read_secret(path)?;
        return Signer::hs256(&secret, kid).with_context(|| format!("--secret-file {}", path.display()));
    }
    if let Some(secret) = &arguments.secret {
        return Signer::hs256(secret.as_bytes(), kid).context("--secret");
    }
    match variable {
        Some(secret) => Signer::hs256(secret.as_encoded_bytes(), kid).context(SECRET_VARIABLE),
        None => bail!(
            "no key: give --secret-file FILE, --secret TEXT (or set {SECRET_VARIABLE}) or --key-file PEM"
        ),
    }
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(text).ok_or_else(|| "must be HS256, RS256, ES256 or EdDSA".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = digits.parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a positive number of seconds, or like 90s, 15m, 1h, 7d".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use auth::{Identity, KeySettings, Settings, Verifier};
    use clap::Parser;

    use super::*;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &[&str]) -> Result<Arguments, String> {
        let line = std::iter::once("token").chain(line.iter().copied());
        Command::try_parse_from(line).map(|command| command.arguments).map_err(|error| error.to_string())
    }

    fn verify(token: &str, settings: Settings) -> Identity {
        let keys = vec![KeySettings { secret: Some(SECRET.to_owned()), ..KeySettings::default() }];
        let verifier = Verifier::new(&Settings { keys, ..settings }).expect("the settings are right");
        verifier.verify(token).expect("the token is valid")
    }

    fn refused(line: &[&str]) -> String {
        match parse(line) {
            Ok(arguments) => format!("{:#}", mint(arguments, None).expect_err("must be refused")),
            Err(error) => error,
        }
    }

    #[test]
    fn a_secret_alone_is_enough() {
        let token = mint(parse(&["--secret", SECRET]).unwrap(), None).unwrap();
        let identity = verify(&token, Settings::default());
        assert_eq!((identity.tenant(), identity.agent()), ("dev", "dev-agent"));
        assert!(identity.has_scope("anything"));
    }

    #[test]
    fn every_argument_reaches_the_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{SECRET}\n")).unwrap();
        let path = file.path().to_str().unwrap();
        let line =
            ["--secret-file", path, "--tenant", "acme", "--agent", "bot", "--scope", "a:read", "--scope"];
        let rest = ["b:write", "--issuer", "us", "--audience", "gateway", "--ttl", "15m"];
        let token = mint(parse(&[&line[..], &rest[..]].concat()).unwrap(), None).unwrap();
        let settings = Settings {
            issuer: Some("us".to_owned()),
            audience: Some("gateway".to_owned()),
            ..Settings::default()
        };
        let identity = verify(&token, settings);
        assert_eq!((identity.tenant(), identity.agent()), ("acme", "bot"));
        assert_eq!(identity.scopes().collect::<Vec<_>>(), ["a:read", "b:write"]);
        assert!(!identity.has_scope("c"));
    }

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let elsewhere = Some("another secret of thirty-two bytes!!".into());
        let token = mint(parse(&["--secret", SECRET]).unwrap(), elsewhere).unwrap();
        verify(&token, Settings::default());
        let token = mint(parse(&[]).unwrap(), Some(SECRET.into())).unwrap();
        verify(&token, Settings::default());
    }

    #[test]
    fn mistakes_are_told_with_what_would_be_right() {
        let check = |line: &[&str], expected: &str| {
            let error = refused(line);
            assert!(error.contains(expected), "{line:?}: {error}");
        };
        check(&[], "--secret-file FILE");
        check(&["--secret", "short"], "at least 32");
        check(&["--secret", SECRET, "--secret-file", "x"], "cannot be used with");
        check(&["--secret", SECRET, "--key-file", "x"], "cannot be used with");
        check(&["--secret", SECRET, "--algorithm", "none"], "HS256, RS256, ES256 or EdDSA");
        check(&["--secret", SECRET, "--algorithm", "ES256"], "add --key-file");
        check(&["--key-file", "x"], "add --algorithm");
        check(&["--key-file", "/does/not/exist", "--algorithm", "ES256"], "/does/not/exist");
        check(&["--secret-file", "/does/not/exist"], "/does/not/exist");
        check(&["--secret", SECRET, "--tenant", ""], "the tenant must have");
        check(&["--secret", SECRET, "--ttl", "0"], "like 90s");
        check(&["--secret", SECRET, "--ttl", "1y"], "like 90s");
    }

    #[test]
    fn durations_have_units() {
        let check = |text, seconds| assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        check("5", 5);
        check("90s", 90);
        check("15m", 900);
        check("1h", 3600);
        check("7d", 604_800);
        for text in
            ["", "h", "-1", "1.5h", "1h30m", "h1", "1 h", "99999999999999999999", "9999999999999999d", "1µ"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
