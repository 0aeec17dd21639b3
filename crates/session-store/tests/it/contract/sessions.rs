//! What every [`Sessions`] does.
use std::time::Duration;

use session_store::{
    Begin, Bounds, Call, Entry, Epoch, Error, Journal as _, NewSession, PodId, Refusal, Resume, ResumeToken,
    Resumed, SessionId, Sessions,
};

use super::{AGENT, Held, Mount, TENANT, eventually, held};

fn fresh() -> ResumeToken {
    ResumeToken::fresh().expect("there is randomness")
}

/// A resume of the right client that comes to a new pod.
async fn resumed(store: &impl Sessions, held: &Held, pod: &PodId, next: &ResumeToken) -> Resumed {
    attempt(store, held, (TENANT, AGENT), &held.token, next, pod).await
}

async fn attempt(
    store: &impl Sessions,
    held: &Held,
    (tenant, agent): (&str, &str),
    presented: &ResumeToken,
    next: &ResumeToken,
    pod: &PodId,
) -> Resumed {
    let (presented, next) = (presented.hash(held.id), next.hash(held.id));
    let resume = Resume { id: held.id, tenant, agent, presented, next, turn: 1, pod };
    store.resume(resume).await.expect("in reach")
}

/// The same attempt of the right client, for the nth time.
async fn repeated(store: &impl Sessions, held: &Held, pod: &PodId, turn: u32) -> Resumed {
    let next = held.token.next("an attempt of 16+").hash(held.id);
    let presented = held.token.hash(held.id);
    let resume = Resume { id: held.id, tenant: TENANT, agent: AGENT, presented, next, turn, pod };
    store.resume(resume).await.expect("in reach")
}

pub(crate) async fn a_session_starts_attached_at_epoch_one(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    assert_eq!(held.epoch, Epoch(1));
    store.prolong(held.id, held.epoch).await.expect("it is there");
}

pub(crate) async fn any_pod_may_look_at_a_session_and_changes_nothing(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    assert_eq!(b.look(SessionId::fresh()).await, Ok(None));
    let look = async || b.look(held.id).await.expect("in reach").expect("it is there");
    let seen = look().await;
    assert_eq!((&*seen.tenant, &*seen.agent, &*seen.state), (TENANT, AGENT, &b"first"[..]));
    assert_eq!((&seen.pod, seen.epoch, seen.attached), (&held.pod, Epoch(1), true));
    assert_eq!((seen.running, seen.ended, seen.bytes), (0, 0, 0));
    assert!(seen.left > Duration::from_secs(60), "{:?}", seen.left);
    for request in ["one", "two"] {
        assert_eq!(a.begin(held.call(request)).await, Ok(Begin::Begun));
    }
    a.finish(held.id, "one", &held.pod, b"outcome").await.expect("in reach");
    let seen = look().await;
    assert_eq!((seen.running, seen.ended, seen.bytes), (1, 1, 7));
    a.detach(held.id, held.epoch, Duration::from_secs(30)).await.expect("it is held");
    let seen = look().await;
    assert!(!seen.attached && seen.left <= Duration::from_secs(30), "{seen:?}");
    a.end(held.id, held.epoch).await.expect("it is held");
    assert_eq!(b.look(held.id).await, Ok(None));
}

pub(crate) async fn an_id_is_created_once(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let token = fresh().hash(held.id);
    let again =
        NewSession { id: held.id, tenant: "other", agent: "other", token, pod: &held.pod, state: b"" };
    assert_eq!(b.create(again).await, Err(Error::Exists { what: "a session" }));
    let taken = resumed(&b, &held, &held.pod, &fresh()).await;
    assert!(matches!(taken, Resumed::Taken { epoch: Epoch(2), .. }), "{taken:?}");
}

pub(crate) async fn a_resume_raises_the_epoch_and_brings_the_state(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let pod = PodId::fresh();
    let taken = resumed(&b, &held, &pod, &fresh()).await;
    let previous = held.pod.clone();
    let state = (&b"first"[..]).into();
    assert_eq!(taken, Resumed::Taken { epoch: Epoch(2), previous, detached: false, state });
}

pub(crate) async fn a_state_is_replaced_and_brought_back(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let bytes: Vec<u8> = (0..=255).collect();
    a.save(held.id, held.epoch, &bytes).await.expect("it is there");
    let taken = resumed(&b, &held, &held.pod, &fresh()).await;
    let Resumed::Taken { state, .. } = taken else { panic!("{taken:?}") };
    assert_eq!(state, bytes);
}

pub(crate) async fn a_resume_with_a_guessed_token_is_refused_and_changes_nothing(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    let refused = attempt(&store, &held, (TENANT, AGENT), &fresh(), &fresh(), &PodId::fresh()).await;
    assert_eq!(refused, Resumed::Refused(Refusal::Token));
    store.save(held.id, held.epoch, b"still mine").await.expect("the epoch is as it was");
    let taken = resumed(&store, &held, &held.pod, &fresh()).await;
    assert!(matches!(taken, Resumed::Taken { epoch: Epoch(2), .. }), "{taken:?}");
}

pub(crate) async fn a_resume_whose_answer_was_lost_is_repeated(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let pod = PodId::fresh();
    let first = repeated(&a, &held, &pod, 1).await;
    assert!(matches!(first, Resumed::Taken { epoch: Epoch(2), .. }), "{first:?}");
    let elsewhere = repeated(&b, &held, &PodId::fresh(), 2).await;
    assert!(
        matches!(&elsewhere, Resumed::Taken { epoch: Epoch(3), previous, .. } if *previous == pod),
        "{elsewhere:?}"
    );
    let other = resumed(&a, &held, &pod, &held.token.next("another attempt")).await;
    assert_eq!(other, Resumed::Refused(Refusal::Token));
}

pub(crate) async fn a_resume_that_was_held_back_takes_nothing(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let (late, pod) = (PodId::fresh(), PodId::fresh());
    let taken = repeated(&b, &held, &pod, 2).await;
    assert!(matches!(taken, Resumed::Taken { epoch: Epoch(2), .. }), "{taken:?}");
    for turn in [0, 1, 2] {
        assert_eq!(repeated(&a, &held, &late, turn).await, Resumed::Refused(Refusal::Late), "turn {turn}");
    }
    b.save(held.id, Epoch(2), b"still here").await.expect("the epoch is as it was");
    let again = repeated(&a, &held, &late, 3).await;
    assert!(
        matches!(&again, Resumed::Taken { epoch: Epoch(3), previous, .. } if *previous == pod),
        "{again:?}"
    );
}

pub(crate) async fn a_rotated_token_is_worth_nothing(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    let next = fresh();
    resumed(&store, &held, &held.pod, &next).await;
    let again = resumed(&store, &held, &held.pod, &fresh()).await;
    assert_eq!(again, Resumed::Refused(Refusal::Token));
    let taken = attempt(&store, &held, (TENANT, AGENT), &next, &fresh(), &held.pod).await;
    assert!(matches!(taken, Resumed::Taken { epoch: Epoch(3), .. }), "{taken:?}");
}

pub(crate) async fn a_token_of_another_session_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let (one, other) = (held(&store).await, held(&store).await);
    let presented = one.token.hash(one.id);
    let next = fresh().hash(other.id);
    let resume =
        Resume { id: other.id, tenant: TENANT, agent: AGENT, presented, next, turn: 1, pod: &one.pod };
    assert_eq!(store.resume(resume).await, Ok(Resumed::Refused(Refusal::Token)));
    let reparsed = ResumeToken::parse(&one.token.reveal()).expect("it is a token");
    assert_ne!(reparsed.hash(other.id), presented, "the hash is salted with the session");
    assert_eq!(reparsed.hash(one.id), presented);
}

pub(crate) async fn another_tenant_or_agent_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    for identity in [("tenant-2", AGENT), (TENANT, "agent-2"), ("", ""), (AGENT, TENANT)] {
        let refused = attempt(&store, &held, identity, &held.token, &fresh(), &held.pod).await;
        assert_eq!(refused, Resumed::Refused(Refusal::Foreign), "{identity:?}");
    }
    let taken = resumed(&store, &held, &held.pod, &fresh()).await;
    assert!(matches!(taken, Resumed::Taken { .. }), "{taken:?}");
}

pub(crate) async fn identities_are_compared_as_bytes(mount: &impl Mount) {
    let store = mount.pod().await;
    for (tenant, agent) in [("", ""), ("a}b{c", "%7d"), ("ä\u{0}\n\"", "\u{1f980}")] {
        let (id, token, pod) = (SessionId::fresh(), fresh(), PodId::fresh());
        let new = NewSession { id, tenant, agent, token: token.hash(id), pod: &pod, state: b"" };
        let epoch = store.create(new).await.expect("the session is new");
        let held = Held { id, epoch, token, pod };
        let taken = attempt(&store, &held, (tenant, agent), &held.token, &fresh(), &held.pod).await;
        assert!(matches!(taken, Resumed::Taken { .. }), "{tenant:?}: {taken:?}");
    }
}

pub(crate) async fn an_unknown_session_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = Held { id: SessionId::fresh(), epoch: Epoch(1), token: fresh(), pod: PodId::fresh() };
    let refused = resumed(&store, &held, &held.pod, &fresh()).await;
    assert_eq!(refused, Resumed::Refused(Refusal::Unknown));
    assert_eq!(store.save(held.id, Epoch(1), b"").await, Err(Error::Unknown { what: "the session" }));
    assert_eq!(store.begin(held.call("1")).await, Err(Error::Unknown { what: "the session" }));
    let acknowledged = store.acknowledge_all_but(held.id, Epoch(1), &[]).await;
    assert_eq!(acknowledged, Err(Error::Unknown { what: "the session" }));
}

pub(crate) async fn of_two_resumes_at_once_one_wins(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    for _ in 0..20 {
        let held = held(&a).await;
        let (left, right) = (PodId::fresh(), PodId::fresh());
        let (next, other) = (fresh(), fresh());
        let (one, two) = tokio::join!(resumed(&a, &held, &left, &next), resumed(&b, &held, &right, &other));
        let refused = [&one, &two].into_iter().filter(|r| **r == Resumed::Refused(Refusal::Token)).count();
        assert_eq!(refused, 1, "{one:?} {two:?}");
    }
}

pub(crate) async fn writes_of_the_former_holder_are_stale(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    a.begin(held.call("1")).await.expect("it is there");
    resumed(&b, &held, &PodId::fresh(), &fresh()).await;
    let (id, old) = (held.id, held.epoch);
    assert_eq!(a.save(id, old, b"late").await, Err(Error::Stale));
    assert_eq!(a.prolong(id, old).await, Err(Error::Stale));
    assert_eq!(a.detach(id, old, Duration::from_millis(1)).await, Err(Error::Stale));
    assert_eq!(a.end(id, old).await, Err(Error::Stale));
    assert_eq!(a.begin(held.call("2")).await, Err(Error::Stale));
    assert_eq!(a.acknowledge(id, old, &["1"]).await, Err(Error::Stale));
    assert_eq!(a.acknowledge_all_but(id, old, &[]).await, Err(Error::Stale));
    assert_eq!(a.take_over(id, old, "1", &held.pod, &PodId::fresh()).await, Err(Error::Stale));
    b.save(id, Epoch(2), b"mine").await.expect("the new holder writes");
}

pub(crate) async fn a_detached_session_ends_with_its_window(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    store.detach(held.id, held.epoch, Duration::from_millis(50)).await.expect("it is there");
    eventually("the session runs out", async || (resume_unknown(&store, &held).await).then_some(())).await;
}

/// Asks with a token that is wrong, so that a session that is there stays as it is.
async fn resume_unknown(store: &impl Sessions, held: &Held) -> bool {
    let answer = attempt(store, held, (TENANT, AGENT), &fresh(), &fresh(), &held.pod).await;
    answer == Resumed::Refused(Refusal::Unknown)
}

pub(crate) async fn a_detached_session_is_taken_back_within_its_window(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    a.detach(held.id, held.epoch, Duration::from_secs(60)).await.expect("it is there");
    let taken = resumed(&b, &held, &held.pod, &fresh()).await;
    assert!(matches!(taken, Resumed::Taken { detached: true, .. }), "{taken:?}");
}

pub(crate) async fn an_attached_session_runs_out_unless_it_is_renewed(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { attached_ttl_ms: 1_500, ..Bounds::default() }).await;
    let (renewed, left) = (held(&store).await, held(&store).await);
    eventually("the session runs out", async || {
        store.prolong(renewed.id, renewed.epoch).await.expect("it is renewed in time");
        resume_unknown(&store, &left).await.then_some(())
    })
    .await;
    assert!(!resume_unknown(&store, &renewed).await);
}

pub(crate) async fn an_ended_session_is_gone(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    a.end(held.id, held.epoch).await.expect("it is there");
    assert_eq!(resumed(&b, &held, &held.pod, &fresh()).await, Resumed::Refused(Refusal::Unknown));
    a.end(held.id, held.epoch).await.expect("ending it again is no error");
}

pub(crate) async fn a_state_over_its_bound_is_refused(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { state_bytes: 10, ..Bounds::default() }).await;
    let held = held(&store).await;
    let refused = store.save(held.id, held.epoch, b"eleven byte").await;
    assert_eq!(refused, Err(Error::TooLarge { what: "a session's state", limit: 10, length: 11 }));
    store.save(held.id, held.epoch, b"ten bytes!").await.expect("it fits");
}

/// What a holder restores: itself, with this state.
fn kept<'a>(held: &'a Held, state: &'a [u8]) -> NewSession<'a> {
    let token = held.token.hash(held.id);
    NewSession { id: held.id, tenant: TENANT, agent: AGENT, token, pod: &held.pod, state }
}

pub(crate) async fn a_session_that_the_store_has_lost_is_restored(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = Held { epoch: Epoch(7), ..held(&a).await };
    a.end(held.id, Epoch(1)).await.expect("it is there");
    for _ in 0..2 {
        a.restore(kept(&held, b"kept"), held.epoch).await.expect("nobody else has it");
    }
    a.save(held.id, held.epoch, b"later").await.expect("the holder writes");
    let resent = Call { resent: true, ..held.call("1") };
    assert_eq!(a.begin(resent).await, Ok(Begin::Doubtful), "it may have run before the loss");
    assert_eq!(a.begin(held.call("2")).await, Ok(Begin::Begun));
    let taken = resumed(&b, &held, &PodId::fresh(), &fresh()).await;
    let (previous, state) = (held.pod.clone(), (&b"later"[..]).into());
    assert_eq!(taken, Resumed::Taken { epoch: Epoch(8), previous, detached: false, state });
}

pub(crate) async fn a_session_that_is_restored_keeps_what_the_journal_still_has(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    for request in ["1", "2"] {
        store.begin(held.call(request)).await.expect("it is there");
    }
    store.finish(held.id, "1", &held.pod, b"42").await.expect("in reach");
    store.detach(held.id, held.epoch, Duration::from_secs(60)).await.expect("it is there");
    let mine = Held { epoch: Epoch(3), token: fresh(), pod: PodId::fresh(), ..held };
    store.restore(kept(&mine, b"kept"), mine.epoch).await.expect("the store is behind");
    let running = Entry::Running { pod: held.pod.clone(), repeatable: false };
    let done = Entry::Done((&b"42"[..]).into());
    assert_eq!(store.lookup(mine.id, &["1", "2"]).await, Ok(vec![Some(done), Some(running)]));
    assert_eq!(store.begin(Call { resent: true, ..mine.call("3") }).await, Ok(Begin::Doubtful));
    assert_eq!(store.save(held.id, held.epoch, b"late").await, Err(Error::Stale));
    let taken = resumed(&store, &mine, &mine.pod, &fresh()).await;
    let Resumed::Taken { epoch: Epoch(4), previous, detached: false, state } = taken else {
        panic!("{taken:?}")
    };
    assert_eq!((previous, &*state), (mine.pod, &b"kept"[..]));
}

pub(crate) async fn a_session_that_has_moved_on_is_not_restored(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let there = Held { token: fresh(), pod: PodId::fresh(), epoch: Epoch(2), id: held.id };
    resumed(&b, &held, &there.pod, &there.token).await;
    assert_eq!(a.restore(kept(&held, b"late"), held.epoch).await, Err(Error::Stale), "a higher epoch");
    let fork = Held { token: fresh(), pod: PodId::fresh(), epoch: Epoch(2), id: held.id };
    assert_eq!(a.restore(kept(&fork, b"late"), fork.epoch).await, Err(Error::Stale), "another's epoch");
    b.save(there.id, there.epoch, b"mine").await.expect("nothing has changed");
    b.restore(kept(&there, b"mine"), there.epoch).await.expect("its own epoch");
}

pub(crate) async fn a_session_of_another_identity_is_not_restored(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    for (tenant, agent) in [("tenant-2", AGENT), (TENANT, "agent-2")] {
        let foreign = NewSession { tenant, agent, ..kept(&held, b"forged") };
        assert_eq!(store.restore(foreign, Epoch(9)).await, Err(Error::Exists { what: "a session" }));
    }
    store.save(held.id, held.epoch, b"mine").await.expect("nothing has changed");
}

pub(crate) async fn a_restored_session_keeps_to_the_bounds(mount: &impl Mount) {
    let bounds = Bounds { state_bytes: 10, attached_ttl_ms: 50, ..Bounds::default() };
    let (store, _) = mount.pods(bounds).await;
    let held = Held { id: SessionId::fresh(), epoch: Epoch(5), token: fresh(), pod: PodId::fresh() };
    let refused = store.restore(kept(&held, b"eleven byte"), held.epoch).await;
    assert_eq!(refused, Err(Error::TooLarge { what: "a session's state", limit: 10, length: 11 }));
    let tenant = "x".repeat(513);
    let refused = store.restore(NewSession { tenant: &tenant, ..kept(&held, b"") }, held.epoch).await;
    assert_eq!(refused, Err(Error::TooLarge { what: "a tenant's name", limit: 512, length: 513 }));
    assert!(resume_unknown(&store, &held).await);
    store.restore(kept(&held, b"ten bytes!"), held.epoch).await.expect("it fits");
    eventually("the session runs out", async || resume_unknown(&store, &held).await.then_some(())).await;
}
