//! Operators: who may look at a gateway, who may change something of it, and by which token or certificate each is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::claims::is_name;
use crate::proof::{Proof, Proofs, Shown, Stated};

/// What an operator may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    #[default]
    Read,
    /// Look, and change something.
    Operate,
}

impl Role {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

/// An operator who is known by a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorToken {
    /// Who it is, as the audit log names them.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits: the hash of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<String>,
    /// A file with such hashes, one a line; each is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// What they may do. Default `read`.
    #[serde(default)]
    pub role: Role,
}

/// An operator who is known by a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorCertificate {
    /// Who it is, as the audit log names them.
    pub name: String,
    /// A URI or a DNS name among the alternative names of the certificate.
    pub san: String,
    /// What they may do. Default `read`.
    #[serde(default)]
    pub role: Role,
}

/// Somebody who is known.
#[derive(Debug)]
struct Operator {
    name: Box<str>,
    role: Role,
}

/// All that are known.
#[derive(Debug, Default)]
pub struct Operators {
    operators: Vec<Arc<Operator>>,
    proofs: Proofs,
}

/// An operator who has proved who they are, and by what.
#[derive(Clone, Debug)]
pub struct Recognised {
    operator: Arc<Operator>,
    shown: Shown,
}

/// Why nobody is recognised. Its text may be shown to whoever tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// Neither a token nor a certificate.
    #[error(
        "an operator is needed: send Authorization: Bearer and a token of admin.tokens, or show a certificate of admin.certificates"
    )]
    Missing,
    /// A token that nobody has.
    #[error("the token is that of nobody in admin.tokens")]
    Token,
    /// A certificate with names that nobody has.
    #[error(
        "the certificate is that of nobody in admin.certificates, and no token of admin.tokens came with it"
    )]
    Certificate,
}

impl Unrecognised {
    /// The name under which it is told.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "proof_missing",
            Self::Token => "token_unknown",
            Self::Certificate => "certificate_unknown",
        }
    }
}

impl Operators {
    /// Checks the settings and reads the files.
    ///
    /// # Errors
    ///
    /// [`Error::Operator`], with what would be right; [`Error::Unreadable`].
    pub fn new(tokens: &[OperatorToken], certificates: &[OperatorCertificate]) -> Result<Self, Error> {
        let by_token = tokens.iter().enumerate().map(|(index, settings)| {
            let stated = Stated {
                token_hash: settings.token_hash.as_deref(),
                token_file: settings.token_file.as_deref(),
                san: None,
            };
            if (stated.token_hash, stated.token_file) == (None, None) {
                let problem = "has no token: token_hash or token_file is needed";
                return Err(wrong("tokens", index, "name", problem.to_owned()));
            }
            Operator::new("tokens", index, (&settings.name, settings.role), stated)
        });
        let by_certificate = certificates.iter().enumerate().map(|(index, settings)| {
            let stated = Stated { san: Some(&settings.san), ..Stated::default() };
            Operator::new("certificates", index, (&settings.name, settings.role), stated)
        });
        let listed = by_token.chain(by_certificate).collect::<Result<Vec<_>, _>>()?;
        let (operators, proofs) = listed.into_iter().unzip();
        Ok(Self { operators, proofs: Proofs::new(proofs) })
    }

    /// Whether nobody is listed.
    pub fn is_empty(&self) -> bool {
        self.operators.is_empty()
    }

    /// The files that hold hashes of tokens, and the place of each for [`Operators::install`].
    pub fn token_files(&self) -> impl Iterator<Item = (usize, &Path)> {
        self.proofs.token_files()
    }

    /// Takes the hashes of a file from now on, instead of those before, and says how many there are.
    ///
    /// # Errors
    ///
    /// [`Error::Operator`]: something is wrong with it. Then the last ones stay.
    pub fn install(&self, index: usize, text: &[u8]) -> Result<usize, Error> {
        self.proofs.install(index, text).map_err(|problem| wrong("tokens", index, "token_file", problem))
    }

    /// Who it is that shows this token, this certificate, or both. The certificate's signatures were checked in the
    /// handshake of TLS. A token that is shown has to be known, also beside a certificate.
    ///
    /// # Errors
    ///
    /// Why it is nobody.
    pub fn recognise(
        &self,
        token: Option<&str>,
        certificate: Option<&[u8]>,
    ) -> Result<Recognised, Unrecognised> {
        let shown = self.proofs.shown(token, certificate);
        let recognised = shown.and_then(|shown| {
            let operator = Arc::clone(self.operators.get(shown.index)?);
            Some(Recognised { operator, shown })
        });
        recognised.ok_or(match (token, certificate) {
            (Some(_), _) => Unrecognised::Token,
            (None, Some(_)) => Unrecognised::Certificate,
            (None, None) => Unrecognised::Missing,
        })
    }

    /// Whether whoever was recognised by a token would be again.
    pub fn holds(&self, recognised: &Recognised) -> bool {
        self.proofs.hold(&recognised.shown)
    }
}

impl Recognised {
    /// Who it is.
    pub fn name(&self) -> &str {
        &self.operator.name
    }

    /// What they may do.
    pub fn role(&self) -> Role {
        self.operator.role
    }
}

impl Operator {
    fn new(
        list: &'static str,
        index: usize,
        (name, role): (&str, Role),
        stated: Stated<'_>,
    ) -> Result<(Arc<Self>, Proof), Error> {
        if !is_name(name) {
            let problem = "must have 1 to 128 bytes and no control characters";
            return Err(wrong(list, index, "name", problem.to_owned()));
        }
        let proof = Proof::new(stated, |key, problem| wrong(list, index, key, problem))?;
        Ok((Arc::new(Self { name: name.into(), role }), proof))
    }
}

const fn wrong(list: &'static str, index: usize, key: &'static str, problem: String) -> Error {
    Error::Operator { list, index, key, problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiKeyEntry;

    fn token(name: &str, role: Role) -> (String, OperatorToken) {
        let (token, entry) = ApiKeyEntry::fresh("t", "a", vec![], None).expect("randomness");
        let settings =
            OperatorToken { name: name.to_owned(), token_hash: Some(entry.hash), role, token_file: None };
        (token, settings)
    }

    #[test]
    fn a_token_is_its_operators_and_no_others() {
        let (one, first) = token("ann", Role::Operate);
        let (two, second) = token("grafana", Role::Read);
        let all = Operators::new(&[first, second], &[]).expect("they are good");
        let known = all.recognise(Some(&one), None).expect("it is known");
        assert_eq!((known.name(), known.role()), ("ann", Role::Operate));
        let known = all.recognise(Some(&two), None).expect("it is known");
        assert_eq!((known.name(), known.role()), ("grafana", Role::Read));
        for (token, certificate, expected) in [
            (Some("x"), None, Unrecognised::Token),
            (Some("x"), Some(&b"x"[..]), Unrecognised::Token),
            (None, Some(&b"x"[..]), Unrecognised::Certificate),
            (None, None, Unrecognised::Missing),
        ] {
            assert_eq!(all.recognise(token, certificate).expect_err("unknown"), expected);
        }
    }

    #[test]
    fn a_setting_by_which_nobody_is_known_is_told_with_its_place() {
        type Change = fn(&mut OperatorToken);
        let cases: [(Change, &str); 4] = [
            (|s| s.token_hash = None, "admin.tokens[0].name has no token"),
            (|s| s.name = String::new(), "admin.tokens[0].name must have"),
            (|s| s.token_hash = Some("secret".into()), "admin.tokens[0].token_hash must be sha256:"),
            (|s| s.token_file = Some("/x".into()), "admin.tokens[0].token_file stands beside"),
        ];
        for (change, words) in cases {
            let (_, mut settings) = token("ann", Role::Read);
            change(&mut settings);
            let error = Operators::new(&[settings], &[]).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
        let pattern = OperatorCertificate { name: "ann".into(), san: "*.x".into(), role: Role::Read };
        let error = Operators::new(&[], &[pattern]).expect_err("a pattern").to_string();
        assert!(error.contains("admin.certificates[0].san"), "{error}");
    }
}
