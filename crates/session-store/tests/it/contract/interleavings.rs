//! Two pods, one session, and every order of events that chance brings: a model says what must hold.
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use session_store::{
    Begin, Bounds, Call, Epoch, Finish, PodId, Resume, ResumeToken, Resumed, SessionId, Takeover,
};

use super::{AGENT, Everything, Mount, TENANT, held};

const REQUESTS: usize = 3;

/// One thing that happens at one of the two pods.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A client sends a request, perhaps again; the pod begins it.
    Begin { pod: usize, request: usize },
    /// A backend has answered the pod, which ran the call.
    Finish { pod: usize, request: usize },
    /// The client comes to the pod.
    Resume { pod: usize },
    /// The pod takes the other one for dead, rightly or not.
    TakeOver { pod: usize, request: usize },
    /// The pod dies and comes back under another name, having forgotten what it ran.
    Restart { pod: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let at = || (0..2_usize, 0..REQUESTS);
    prop_oneof![
        4 => at().prop_map(|(pod, request)| Step::Begin { pod, request }),
        3 => at().prop_map(|(pod, request)| Step::Finish { pod, request }),
        2 => (0..2_usize).prop_map(|pod| Step::Resume { pod }),
        2 => at().prop_map(|(pod, request)| Step::TakeOver { pod, request }),
        1 => (0..2_usize).prop_map(|pod| Step::Restart { pod }),
    ]
}

/// A pod as it sees itself.
struct Pod<S> {
    store: S,
    name: PodId,
    epoch: Option<Epoch>,
    /// What it runs, or has to answer, by request.
    running: HashMap<usize, Vec<u8>>,
}

impl<S: Everything> Pod<S> {
    fn new(store: &S, name: PodId, epoch: Option<Epoch>) -> Self {
        Self { store: store.clone(), name, epoch, running: HashMap::new() }
    }
}

struct World<S> {
    pods: [Pod<S>; 2],
    former: [PodId; 2],
    session: SessionId,
    token: ResumeToken,
    /// How often each request was sent to a backend.
    executed: [usize; REQUESTS],
    /// Who has to finish each request.
    owner: [Option<PodId>; REQUESTS],
    /// The epoch of whoever came last, and its name.
    latest: Epoch,
    holder: PodId,
    /// The outcome that the store has confirmed.
    confirmed: [Option<Vec<u8>>; REQUESTS],
}

/// Only the request 0 may be executed twice.
fn repeatable(request: usize) -> bool {
    request == 0
}

impl<S: Everything> World<S> {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Begin { pod, request } => self.begin(pod, request).await,
            Step::Finish { pod, request } => self.finish(pod, request).await,
            Step::Resume { pod } => self.resume(pod).await,
            Step::TakeOver { pod, request } => self.take_over(pod, request).await,
            Step::Restart { pod } => {
                self.former[pod] = std::mem::replace(&mut self.pods[pod].name, PodId::fresh());
                self.pods[pod].epoch = None;
                self.pods[pod].running.clear();
            }
        }
    }

    fn execute(&mut self, pod: usize, request: usize) {
        self.executed[request] += 1;
        let outcome = format!("{request} at {}", self.executed[request]).into_bytes();
        self.pods[pod].running.insert(request, outcome);
    }

    async fn begin(&mut self, at: usize, request: usize) {
        let pod = &self.pods[at];
        let Some(epoch) = pod.epoch else { return };
        let id = request.to_string();
        let call = Call {
            session: self.session,
            epoch,
            request: &id,
            pod: &pod.name,
            repeatable: repeatable(request),
            attempt: super::ATTEMPTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            resent: true,
        };
        match pod.store.begin(call).await {
            Ok(Begin::Begun) => {
                assert_eq!(epoch, self.latest, "a former holder has begun a call");
                assert_eq!(self.confirmed[request], None, "an outcome was lost");
                assert_eq!(self.owner[request].replace(pod.name.clone()), None, "a call was lost");
                self.execute(at, request);
            }
            Ok(Begin::Done(outcome)) => self.same(request, &outcome),
            Ok(Begin::Running { pod }) => {
                assert_eq!((self.owner[request].as_ref(), &self.confirmed[request]), (Some(&pod), &None));
            }
            Err(session_store::Error::Stale) => self.stale(at),
            other => panic!("{other:?}"),
        }
    }

    fn stale(&mut self, at: usize) {
        assert_ne!(self.pods[at].epoch.take(), Some(self.latest), "the holder was refused");
    }

    fn same(&self, request: usize, outcome: &[u8]) {
        assert_eq!(self.confirmed[request].as_deref(), Some(outcome), "an outcome has changed");
    }

    async fn finish(&mut self, at: usize, request: usize) {
        let Some(outcome) = self.pods[at].running.remove(&request) else { return };
        let pod = &self.pods[at];
        let owns = self.owner[request].as_ref() == Some(&pod.name) && self.confirmed[request].is_none();
        match pod.store.finish(self.session, &request.to_string(), &pod.name, &outcome).await {
            Ok(Finish::Stored { holder }) => {
                assert!(owns, "a pod has finished what another owns");
                assert_eq!(holder, self.holder, "another pod was named as the holder");
                assert_eq!(self.confirmed[request].replace(outcome), None, "it was finished twice");
            }
            Ok(Finish::NotOwner) => assert!(!owns, "the owner's outcome was refused"),
            other => panic!("{other:?}"),
        }
    }

    async fn resume(&mut self, at: usize) {
        let next = ResumeToken::fresh().expect("there is randomness");
        let resume = Resume {
            id: self.session,
            tenant: TENANT,
            agent: AGENT,
            presented: self.token.hash(self.session),
            next: next.hash(self.session),
            turn: 1,
            pod: &self.pods[at].name,
        };
        let taken = self.pods[at].store.resume(resume).await.expect("in reach");
        let Resumed::Taken { epoch, .. } = taken else { panic!("{taken:?}") };
        assert!(epoch > self.latest);
        self.latest = epoch;
        self.holder = self.pods[at].name.clone();
        self.pods[at].epoch = Some(epoch);
        self.token = next;
    }

    async fn take_over(&mut self, at: usize, request: usize) {
        let Some(epoch) = self.pods[at].epoch else { return };
        let other = &self.pods[1 - at].name;
        for dead in [other.clone(), self.former[0].clone(), self.former[1].clone()] {
            let pod = &self.pods[at];
            let id = request.to_string();
            let answer = pod.store.take_over(self.session, epoch, &id, &dead, &pod.name).await;
            if let Ok(Takeover::Taken { .. }) = answer {
                let former = self.owner[request].replace(pod.name.clone());
                assert_eq!(former, Some(dead), "it was taken from another than the dead pod");
            }
            match answer {
                Ok(Takeover::Taken { repeatable: true }) => {
                    assert!(repeatable(request));
                    self.execute(at, request);
                }
                Ok(Takeover::Taken { repeatable: false }) => {
                    assert!(!repeatable(request));
                    self.pods[at].running.insert(request, b"outcome unknown".to_vec());
                }
                Ok(Takeover::Done(outcome)) => self.same(request, &outcome),
                Ok(Takeover::NotOwner { pod }) => assert_eq!(self.owner[request].as_ref(), Some(&pod)),
                Ok(Takeover::Unknown) => assert_eq!(self.owner[request], None),
                Err(session_store::Error::Stale) => self.stale(at),
                other => panic!("{other:?}"),
            }
            if self.pods[at].epoch.is_none() {
                return;
            }
        }
    }
}

pub(crate) async fn two_pods_execute_no_call_twice_and_lose_no_outcome(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let mut runner = TestRunner::default();
    for _ in 0..60 {
        let steps =
            prop::collection::vec(step(), 1..60).new_tree(&mut runner).expect("there are steps").current();
        let held = held(&a).await;
        let mut world = World {
            holder: held.pod.clone(),
            pods: [Pod::new(&a, held.pod, Some(held.epoch)), Pod::new(&b, PodId::fresh(), None)],
            former: [PodId::fresh(), PodId::fresh()],
            session: held.id,
            token: held.token,
            executed: [0; REQUESTS],
            owner: [const { None }; REQUESTS],
            latest: held.epoch,
            confirmed: [const { None }; REQUESTS],
        };
        for step in &steps {
            world.step(*step).await;
        }
        for request in (0..REQUESTS).filter(|request| !repeatable(*request)) {
            assert!(world.executed[request] <= 1, "executed twice: {steps:?}");
        }
        // Whoever holds the session at the end finds each confirmed outcome.
        world.resume(0).await;
        for request in (0..REQUESTS).filter(|request| world.confirmed[*request].is_some()).collect::<Vec<_>>()
        {
            world.begin(0, request).await;
        }
    }
}
