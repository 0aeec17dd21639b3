//! Who may ask what: operators by token or certificate where any are listed, otherwise this machine alone. It is decided
//! once, before any resource is asked.

use super::answer::Refused;
use super::routes::Needs;
use crate::audit::{Entry, Event};
use crate::config;
use crate::control::file::Followed;
use crate::door;
use crate::pod::Pod;
use crate::reload::By;
use auth::{Operators, Recognised, Role};
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{StatusCode, Uri};
use std::net::IpAddr;
use std::sync::Arc;
use transport::Peer;

/// Said by browsers, of whatever page.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The rules of the port.
#[derive(Debug)]
pub(crate) struct Access {
    operators: Operators,
    metrics_for_operators: bool,
    pod: Arc<Pod>,
}

/// Whoever asks, and may.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    /// None where nobody is listed, or nobody in particular is needed.
    operator: Option<Recognised>,
}

impl Caller {
    /// Who it is, as the audit log names them.
    pub(super) fn name(&self) -> &str {
        self.operator.as_ref().map_or("local", Recognised::name)
    }

    /// The same, for whoever does not know operators.
    pub(super) fn by(&self) -> By {
        By { address: Some(self.address), operator: Some(self.name().into()) }
    }

    /// What the audit log is told of something that this one had done.
    pub(super) fn entry(&self, event: Event) -> Entry {
        self.by().entry(event)
    }
}

impl Access {
    pub(crate) const fn new(operators: Operators, settings: &config::Admin, pod: Arc<Pod>) -> Self {
        Self { operators, metrics_for_operators: settings.metrics_for_operators, pod }
    }

    /// Whether whoever sent this may ask for it.
    ///
    /// # Errors
    /// 401 or 403, with what would be right. It is counted and told to the audit log.
    pub(super) fn judge(
        &self,
        needs: Needs,
        uri: &Uri,
        headers: &HeaderMap,
        peer: &Peer,
    ) -> Result<Caller, Refused> {
        let address = peer.address().ip().to_canonical();
        let needed = match needs {
            Needs::Nothing => None,
            Needs::Scrape => self.metrics_for_operators.then_some(Role::Read),
            Needs::Read => Some(Role::Read),
            Needs::Operate => Some(Role::Operate),
        };
        let Some(needed) = needed else {
            peer.settle();
            return Ok(Caller { address, operator: None });
        };
        let judged = if self.operators.is_empty() {
            local(address, headers).map(|()| None)
        } else {
            self.recognised(needed, headers, peer).map(Some)
        };
        match judged {
            Ok(operator) => {
                peer.settle();
                Ok(Caller { address, operator })
            }
            Err((why, name, refused)) => {
                self.refuse(address, why, name.as_deref(), uri);
                Err(refused)
            }
        }
    }

    fn recognised(
        &self,
        needed: Role,
        headers: &HeaderMap,
        peer: &Peer,
    ) -> Result<Recognised, (&'static str, Option<String>, Refused)> {
        let certificate = peer.certificates().first().map(|shown| &**shown);
        let recognised = self
            .operators
            .recognise(bearer(headers), certificate)
            .map_err(|why| (why.name(), None, Refused::new(StatusCode::UNAUTHORIZED, why.to_string())))?;
        if recognised.role() < needed {
            let (name, has, needed) = (recognised.name(), recognised.role().name(), needed.name());
            let reason = format!("{name:?} may {has}, and this needs the role {needed}");
            let refused = Refused::new(StatusCode::FORBIDDEN, reason);
            return Err(("role", Some(name.to_owned()), refused));
        }
        Ok(recognised)
    }

    fn refuse(&self, address: IpAddr, why: &'static str, name: Option<&str>, uri: &Uri) {
        self.pod.metrics.admin_refusals.increment();
        let path: String = uri.path().chars().take(128).collect();
        tracing::info!(%address, why, operator = name, path, "refused at the admin port");
        self.pod.audit.tell(|| {
            let entry = Entry::new(Event::AdminRefused).address(Some(address));
            let entry = if let Some(name) = name { entry.operator(name) } else { entry };
            entry.reason(why)
        });
    }

    /// Whether what a caller was recognised by still counts.
    pub(super) fn holds(&self, caller: &Caller) -> bool {
        caller.operator.as_ref().is_none_or(|operator| self.operators.holds(operator))
    }

    /// Follows the token files for as long as it is polled.
    pub(super) async fn follow_tokens(&self) {
        let files = self.operators.token_files().map(|(index, path)| {
            let mut file = Followed::new(path.to_owned(), "hashes of operators' tokens");
            async move {
                loop {
                    file.taken(|text| self.operators.install(index, text).map_err(|error| error.to_string()))
                        .await;
                }
            }
        });
        futures_util::future::join_all(files).await;
    }
}

/// Whether it comes from a program on this machine: pages that a browser here has open are none, whatever name they have.
fn local(address: IpAddr, headers: &HeaderMap) -> Result<(), (&'static str, Option<String>, Refused)> {
    let refuse = |why, reason: &str| Err((why, None, Refused::new(StatusCode::FORBIDDEN, reason)));
    if !address.is_loopback() {
        return refuse(
            "not_local",
            "no operators are configured, so this may be asked from this machine alone: \
             list some in admin.tokens or admin.certificates",
        );
    }
    if headers.contains_key(ORIGIN) || headers.contains_key(SITE) {
        return refuse(
            "page",
            "pages in browsers may not ask for this where no operators are configured: \
             list some in admin.tokens or admin.certificates",
        );
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(door::is_loopback) {
        return refuse(
            "host",
            "Host has to be localhost or an address of this machine where no operators are configured",
        );
    }
    Ok(())
}

/// The token in `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
