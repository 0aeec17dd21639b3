//! Who may register and publish at the gRPC port, and for how long. It knows proofs and what they allow; what a backend
//! is beyond its description it refuses to know.

use super::file::Followed;
use crate::audit::{Entry, Event};
use crate::pod::Pod;
use crate::tls::Judge;
use auth::{Proven, Registrants};
use metrics::RegistryRefusal as Refusal;
use protocol::Replica;
use rustls::pki_types::UnixTime;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};
use transport::Peer;

/// Asked for each request of a backend's. Clones are the same guard.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Inner>);

struct Inner {
    /// None where no proof is asked for.
    registrants: Option<Registrants>,
    /// What certificates are judged by, where the port asks for them.
    judge: Option<Judge>,
    pod: Arc<Pod>,
    /// Sent when a token file was taken.
    tokens: watch::Sender<()>,
}

/// Whoever made a request, and what it has proved.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    peer: Option<Peer>,
    /// None where no proof is asked for.
    proven: Option<Proven>,
}

impl Guard {
    pub(crate) fn new(registrants: Option<Registrants>, judge: Option<Judge>, pod: Arc<Pod>) -> Self {
        Self(Arc::new(Inner { registrants, judge, pod, tokens: watch::Sender::new(()) }))
    }

    fn admit(&self, metadata: &MetadataMap, peer: Option<Peer>) -> Result<Admitted, Status> {
        let Some(registrants) = &self.0.registrants else { return Ok(Admitted { peer, proven: None }) };
        let certificate = peer.as_ref().and_then(|peer| peer.certificates().first());
        match registrants.identify(bearer(metadata), certificate.map(|shown| &**shown)) {
            Ok(proven) => Ok(Admitted { peer, proven: Some(proven) }),
            Err(unproven) => {
                let admitted = Admitted { peer, proven: None };
                self.refuse(&admitted, Refusal::Proof, unproven.name().into());
                Err(Status::unauthenticated(unproven.to_string()))
            }
        }
    }

    /// Whether it may be this replica, with all that it offers.
    ///
    /// # Errors
    /// What it may not, and what would be right.
    pub(crate) fn check_replica(&self, admitted: &Admitted, replica: &Replica) -> Result<(), Status> {
        let Some(proven) = &admitted.proven else { return Ok(()) };
        let (may, name) = (proven.registrant(), replica.backend());
        if may.name() != name {
            let own = may.name();
            self.refuse(admitted, Refusal::Name, format!("it describes itself as {name}"));
            return Err(Status::permission_denied(format!(
                "what was proved is that it is the backend {own:?}, and it describes itself as {name:?}: \
                 it has to be named {own:?}, or prove that it is {name:?}"
            )));
        }
        let description = &replica.description;
        let tool = description.tools.iter().map(|tool| &tool.name).find(|tool| !may.may_offer(tool));
        let method = description.methods.iter().map(|method| &method.pattern);
        let method = method.into_iter().find(|method| !may.may_serve(method));
        for (kind, list, handler) in [("tool", "tools", tool), ("method", "methods", method)] {
            if let Some(handler) = handler {
                self.refuse(admitted, Refusal::Handler, format!("{kind} {handler}"));
                return Err(Status::permission_denied(format!(
                    "the backend {name:?} may not register the {kind} {handler:?}: \
                     {list} of {name:?} in registry.backends has to name it"
                )));
            }
        }
        Ok(())
    }

    /// Whether it may publish events of this name.
    ///
    /// # Errors
    /// What would be right.
    pub(crate) fn check_event(&self, admitted: &Admitted, event: &str) -> Result<(), Status> {
        let Some(proven) = &admitted.proven else { return Ok(()) };
        let may = proven.registrant();
        if may.may_publish(event) {
            return Ok(());
        }
        self.refuse(admitted, Refusal::Event, format!("event {event}"));
        let name = may.name();
        Err(Status::permission_denied(format!(
            "the backend {name:?} may not publish {event:?}: events of {name:?} in registry.backends has to name it"
        )))
    }

    /// Waits until what was proved does not hold any more, and says why.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub(crate) async fn ended(&self, admitted: &Admitted) -> Status {
        let mut tokens = self.0.tokens.subscribe();
        let mut judge = self.0.judge.clone();
        let expired = async {
            match admitted.proven.as_ref().and_then(Proven::until) {
                Some(until) => {
                    let left = until.saturating_sub(UnixTime::now().as_secs());
                    // Its last second is still its own.
                    tokio::time::sleep(Duration::from_secs(left + 1)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::pin!(expired);
        let reason = loop {
            if !self.holds(admitted) {
                break "its token is not accepted any more";
            }
            if !self.is_believed(admitted) {
                break "its certificate is not accepted any more";
            }
            let rejudged = async {
                let is_new = match &mut judge {
                    Some(judge) => judge.changed().await.is_ok(),
                    None => false,
                };
                if !is_new {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                Ok(()) = tokens.changed() => {}
                () = rejudged => {}
                () = &mut expired => break "its certificate has expired",
            }
        };
        self.tell(admitted, Event::RegistrationEnded, reason.to_owned());
        Status::unauthenticated(reason)
    }

    fn holds(&self, admitted: &Admitted) -> bool {
        match (&self.0.registrants, &admitted.proven) {
            (Some(registrants), Some(proven)) => registrants.holds(proven),
            _ => true,
        }
    }

    /// Whether the certificate that was shown, if one was, would be accepted now.
    fn is_believed(&self, admitted: &Admitted) -> bool {
        let chain = admitted.peer.as_ref().map_or(&[][..], Peer::certificates);
        let (Some((own, issuers)), Some(judge)) = (chain.split_first(), &self.0.judge) else { return true };
        let verifier = judge.borrow().clone();
        verifier.is_none_or(|verifier| verifier.verify_client_cert(own, issuers, UnixTime::now()).is_ok())
    }

    fn refuse(&self, admitted: &Admitted, refusal: Refusal, reason: String) {
        self.0.pod.metrics.registry_refused(refusal);
        self.tell(admitted, Event::RegistrationRefused, reason);
    }

    fn tell(&self, admitted: &Admitted, event: Event, reason: String) {
        let name = admitted.proven.as_ref().map(|proven| proven.registrant().name());
        let address = admitted.peer.as_ref().map(|peer| peer.address().ip().to_canonical());
        tracing::warn!(?event, backend = name, ?address, reason, "at the gRPC port");
        self.0.pod.audit.tell(|| Entry::new(event).address(address).subject(None, name, None).reason(reason));
    }

    /// Follows the token files for as long as it is polled.
    pub(crate) async fn follow_tokens(self) {
        let inner = &*self.0;
        let Some(registrants) = &inner.registrants else { return };
        let files = registrants.token_files().map(|(index, path)| {
            let mut file = Followed::new(path.to_owned(), "hashes of tokens");
            async move {
                loop {
                    file.taken(|text| registrants.install(index, text).map_err(|error| error.to_string()))
                        .await;
                    inner.tokens.send_replace(());
                }
            }
        });
        futures_util::future::join_all(files).await;
    }
}

/// The token in `authorization: Bearer`.
fn bearer(metadata: &MetadataMap) -> Option<&str> {
    let value = metadata.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let admitted = self.admit(request.metadata(), peer)?;
        settle(&request);
        request.extensions_mut().insert(admitted);
        Ok(request)
    }
}

/// The connection of whoever may ask for this may stay.
pub(super) fn settle(request: &Request<()>) {
    if let Some(peer) = request.extensions().get::<Peer>() {
        peer.settle();
    }
}

impl Admitted {
    /// Who made this request, which went past the guard.
    ///
    /// # Errors
    /// It did not.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request.extensions().get().cloned().ok_or_else(|| Status::internal("nobody has judged the request"))
    }

    /// From where it came.
    pub(super) fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
