//! What every [`Journal`] does.
use session_store::{
    Begin, Bounds, Call, Entry, Epoch, Error, Finish, Journal as _, PodId, Resume, ResumeToken, Resumed,
    Sessions, Takeover,
};

use super::{AGENT, Held, Mount, TENANT, eventually, held};

/// The session's client comes to another pod.
pub(super) async fn moved(store: &impl Sessions, held: &Held) -> Held {
    let (token, pod) = (ResumeToken::fresh().expect("there is randomness"), PodId::fresh());
    let (presented, next) = (held.token.hash(held.id), token.hash(held.id));
    let resume = Resume { id: held.id, tenant: TENANT, agent: AGENT, presented, next, turn: 1, pod: &pod };
    let taken = store.resume(resume).await.expect("in reach");
    let Resumed::Taken { epoch, .. } = taken else { panic!("{taken:?}") };
    Held { id: held.id, epoch, token, pod }
}

fn stored(holder: &PodId) -> Result<Finish, Error> {
    Ok(Finish::Stored { holder: holder.clone() })
}

fn done(outcome: &'static [u8]) -> Begin {
    Begin::Done(outcome.into())
}

pub(crate) async fn a_call_begins_once(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let here = held(&a).await;
    assert_eq!(a.begin(here.call("1")).await, Ok(Begin::Begun));
    assert_eq!(a.begin(here.call("1")).await, Ok(Begin::Running { pod: here.pod.clone() }));
    let there = moved(&b, &here).await;
    let resent = Call { resent: true, repeatable: true, ..there.call("1") };
    assert_eq!(b.begin(resent).await, Ok(Begin::Running { pod: here.pod }));
}

pub(crate) async fn an_attempt_to_begin_whose_answer_was_lost_begins_once_more(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    let call = held.call("1");
    assert_eq!(a.begin(call).await, Ok(Begin::Begun));
    assert_eq!(a.begin(call).await, Ok(Begin::Begun));
    let elsewhere = PodId::fresh();
    let theirs = Call { pod: &elsewhere, ..call };
    assert_eq!(b.begin(theirs).await, Ok(Begin::Running { pod: held.pod.clone() }));
    a.finish(held.id, "1", &held.pod, b"x").await.expect("in reach");
    assert_eq!(a.begin(call).await, Ok(done(b"x")));
}

pub(crate) async fn a_call_that_is_not_executed_is_withdrawn_by_its_pod_alone(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    let call = held.call("1");
    let attempt = call.attempt;
    store.begin(call).await.expect("it is there");
    store.withdraw(held.id, "1", &PodId::fresh(), attempt).await.expect("in reach");
    store.withdraw(held.id, "1", &held.pod, attempt + 1).await.expect("in reach");
    assert_eq!(store.begin(held.call("1")).await, Ok(Begin::Running { pod: held.pod.clone() }));
    store.withdraw(held.id, "1", &held.pod, attempt).await.expect("in reach");
    assert_eq!(store.begin(call).await, Ok(Begin::Begun));
    store.finish(held.id, "1", &held.pod, b"x").await.expect("in reach");
    store.withdraw(held.id, "1", &held.pod, attempt).await.expect("in reach");
    assert_eq!(store.begin(held.call("1")).await, Ok(done(b"x")));
}

pub(crate) async fn a_number_and_a_string_are_two_requests(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    for request in ["1", "\"1\"", "\"ä}{\\u0000\"", ""] {
        assert_eq!(store.begin(held.call(request)).await, Ok(Begin::Begun), "{request}");
    }
}

pub(crate) async fn an_outcome_is_kept_as_it_was(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    let bytes: Vec<u8> = (0..=255).collect();
    for (request, outcome) in [("1", &b""[..]), ("2", &bytes), ("3", b"F"), ("4", b"R1pod")] {
        store.begin(held.call(request)).await.expect("it is there");
        assert_eq!(store.finish(held.id, request, &held.pod, outcome).await, stored(&held.pod));
        assert_eq!(store.begin(held.call(request)).await, Ok(Begin::Done(outcome.to_vec().into())));
    }
}

pub(crate) async fn an_outcome_outlives_the_connection(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let here = held(&a).await;
    a.begin(here.call("1")).await.expect("it is there");
    a.detach(here.id, here.epoch, std::time::Duration::from_secs(60)).await.expect("it is there");
    assert_eq!(a.finish(here.id, "1", &here.pod, b"42").await, stored(&here.pod));
    let there = moved(&b, &here).await;
    assert_eq!(b.begin(there.call("1")).await, Ok(done(b"42")));
}

pub(crate) async fn the_owner_finishes_after_the_session_has_moved(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let here = held(&a).await;
    a.begin(here.call("1")).await.expect("it is there");
    let there = moved(&b, &here).await;
    assert_eq!(a.finish(here.id, "1", &here.pod, b"42").await, stored(&there.pod));
    assert_eq!(b.lookup(there.id, &["1"]).await, Ok(vec![Some(Entry::Done((&b"42"[..]).into()))]));
}

pub(crate) async fn only_the_owner_finishes_and_only_once(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    store.begin(held.call("1")).await.expect("it is there");
    let other = PodId::fresh();
    assert_eq!(store.finish(held.id, "1", &other, b"forged").await, Ok(Finish::NotOwner));
    assert_eq!(store.finish(held.id, "1", &held.pod, b"42").await, stored(&held.pod));
    assert_eq!(store.finish(held.id, "1", &held.pod, b"43").await, Ok(Finish::NotOwner));
    assert_eq!(store.begin(held.call("1")).await, Ok(done(b"42")));
}

pub(crate) async fn nothing_is_finished_without_a_session(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    assert_eq!(store.finish(held.id, "never", &held.pod, b"42").await, Ok(Finish::Unknown));
    store.begin(held.call("1")).await.expect("it is there");
    store.end(held.id, held.epoch).await.expect("it is there");
    assert_eq!(store.finish(held.id, "1", &held.pod, b"42").await, Ok(Finish::Unknown));
    assert_eq!(store.lookup(held.id, &["1"]).await, Ok(vec![None]));
}

pub(crate) async fn a_call_is_taken_over_from_the_dead_pod_alone(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let here = held(&a).await;
    a.begin(Call { repeatable: true, ..here.call("1") }).await.expect("it is there");
    a.begin(here.call("2")).await.expect("it is there");
    let there = moved(&b, &here).await;
    let (id, epoch) = (there.id, there.epoch);
    let wrong = b.take_over(id, epoch, "1", &PodId::fresh(), &there.pod).await;
    assert_eq!(wrong, Ok(Takeover::NotOwner { pod: here.pod.clone() }));
    let taken = b.take_over(id, epoch, "1", &here.pod, &there.pod).await;
    assert_eq!(taken, Ok(Takeover::Taken { repeatable: true }));
    let taken = b.take_over(id, epoch, "2", &here.pod, &there.pod).await;
    assert_eq!(taken, Ok(Takeover::Taken { repeatable: false }));
    assert_eq!(b.take_over(id, epoch, "3", &here.pod, &there.pod).await, Ok(Takeover::Unknown));
    assert_eq!(a.finish(id, "1", &here.pod, b"late").await, Ok(Finish::NotOwner));
    assert_eq!(b.finish(id, "1", &there.pod, b"anew").await, stored(&there.pod));
    assert_eq!(b.begin(there.call("1")).await, Ok(done(b"anew")));
}

pub(crate) async fn of_two_takeovers_one_wins(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let held = held(&a).await;
    for number in 0..20 {
        let request = number.to_string();
        a.begin(Call { repeatable: true, ..held.call(&request) }).await.expect("it is there");
        let (left, right) = (PodId::fresh(), PodId::fresh());
        let (one, two) = tokio::join!(
            a.take_over(held.id, held.epoch, &request, &held.pod, &left),
            b.take_over(held.id, held.epoch, &request, &held.pod, &right),
        );
        let taken = Ok(Takeover::Taken { repeatable: true });
        assert!((one == taken) != (two == taken), "{one:?} {two:?}");
    }
}

pub(crate) async fn a_finished_call_is_not_taken_over(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    store.begin(held.call("1")).await.expect("it is there");
    store.finish(held.id, "1", &held.pod, b"42").await.expect("in reach");
    let answer = store.take_over(held.id, held.epoch, "1", &held.pod, &PodId::fresh()).await;
    assert_eq!(answer, Ok(Takeover::Done((&b"42"[..]).into())));
}

pub(crate) async fn an_acknowledged_outcome_is_forgotten_and_a_running_call_is_not(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    for request in ["1", "2"] {
        store.begin(held.call(request)).await.expect("it is there");
    }
    store.finish(held.id, "1", &held.pod, b"42").await.expect("in reach");
    store.acknowledge(held.id, held.epoch, &["1", "2", "never"]).await.expect("it is there");
    store.acknowledge(held.id, held.epoch, &[]).await.expect("it is there");
    let running = Entry::Running { pod: held.pod.clone(), repeatable: false };
    assert_eq!(store.lookup(held.id, &["1", "2"]).await, Ok(vec![None, Some(running)]));
    assert_eq!(store.lookup(held.id, &[]).await, Ok(vec![]));
}

pub(crate) async fn all_but_what_a_client_names_is_acknowledged_and_leaves_no_doubt(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { journal_bytes: 10, ..Bounds::default() }).await;
    let held = held(&store).await;
    for request in ["1", "\"1\"", "2", "running"] {
        store.begin(held.call(request)).await.expect("it is there");
    }
    for (request, outcome) in [("1", &b"12345"[..]), ("\"1\"", b"12345"), ("2", b"eleven byte")] {
        store.finish(held.id, request, &held.pod, outcome).await.expect("in reach");
    }
    let unanswered = ["1", "1", "running", "never", &"x".repeat(2_000)];
    store.acknowledge_all_but(held.id, held.epoch, &unanswered).await.expect("it is there");
    let found = store.lookup(held.id, &["1", "\"1\"", "2"]).await.expect("in reach");
    assert_eq!(found, [Some(Entry::Done((&b"12345"[..]).into())), None, None]);
    assert_eq!(store.begin(Call { resent: true, ..held.call("2") }).await, Ok(Begin::Begun));
    assert_eq!(store.finish(held.id, "2", &held.pod, b"12345").await, stored(&held.pod));
    assert_eq!(store.begin(held.call("1")).await, Ok(done(b"12345")), "the bytes were counted off");
    store.acknowledge_all_but(held.id, held.epoch, &[]).await.expect("it is there");
    let running = Entry::Running { pod: held.pod.clone(), repeatable: false };
    assert_eq!(store.lookup(held.id, &["1", "2", "running"]).await, Ok(vec![None, None, Some(running)]));
}

pub(crate) async fn a_whole_journal_is_acknowledged_at_once(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    let requests: Vec<_> = (0..Bounds::default().journal_calls).map(|number| number.to_string()).collect();
    for request in &requests {
        store.begin(held.call(request)).await.expect("it is there");
        store.finish(held.id, request, &held.pod, b"42").await.expect("in reach");
    }
    let requests: Vec<_> = requests.iter().map(|request| &**request).collect();
    store.acknowledge_all_but(held.id, held.epoch, &requests).await.expect("it is there");
    let found = store.lookup(held.id, &requests).await.expect("in reach");
    assert!(found.iter().all(Option::is_some));
    store.acknowledge_all_but(held.id, held.epoch, &requests[1..2]).await.expect("it is there");
    let found = store.lookup(held.id, &requests).await.expect("in reach");
    let kept: Vec<_> = (0..found.len()).filter(|place| found[*place].is_some()).collect();
    assert_eq!(kept, [1]);
}

pub(crate) async fn a_journal_of_running_calls_is_full(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { journal_calls: 2, ..Bounds::default() }).await;
    let held = held(&store).await;
    for request in ["1", "2"] {
        assert_eq!(store.begin(held.call(request)).await, Ok(Begin::Begun));
    }
    assert_eq!(store.begin(held.call("3")).await, Ok(Begin::Full));
    assert_eq!(store.lookup(held.id, &["3"]).await, Ok(vec![None]));
    store.finish(held.id, "1", &held.pod, b"").await.expect("in reach");
    store.acknowledge(held.id, held.epoch, &["1"]).await.expect("it is there");
    assert_eq!(store.begin(held.call("3")).await, Ok(Begin::Begun));
}

pub(crate) async fn the_oldest_outcome_makes_room_and_leaves_a_doubt(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { journal_calls: 2, ..Bounds::default() }).await;
    let held = held(&store).await;
    let resent = Call { resent: true, ..held.call("0") };
    assert_eq!(store.begin(resent).await, Ok(Begin::Begun), "a whole journal leaves no doubt");
    store.begin(held.call("1")).await.expect("it is there");
    for request in ["1", "0"] {
        store.finish(held.id, request, &held.pod, b"42").await.expect("in reach");
    }
    assert_eq!(store.begin(held.call("2")).await, Ok(Begin::Begun));
    let found = store.lookup(held.id, &["0", "1"]).await.expect("in reach");
    assert_eq!(found, [Some(Entry::Done((&b"42"[..]).into())), None], "the first that ended went");
    assert_eq!(store.begin(Call { resent: true, ..held.call("1") }).await, Ok(Begin::Doubtful));
    let repeatable = Call { resent: true, repeatable: true, ..held.call("1") };
    assert_eq!(store.begin(repeatable).await, Ok(Begin::Begun));
}

pub(crate) async fn outcomes_over_the_bound_are_forgotten_but_not_their_calls(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { journal_bytes: 10, ..Bounds::default() }).await;
    let held = held(&store).await;
    for request in ["1", "2", "3"] {
        store.begin(held.call(request)).await.expect("it is there");
        assert_eq!(store.finish(held.id, request, &held.pod, b"12345").await, stored(&held.pod));
    }
    assert_eq!(store.begin(held.call("1")).await, Ok(Begin::Forgotten));
    assert_eq!(store.begin(held.call("2")).await, Ok(done(b"12345")));
    assert_eq!(store.begin(held.call("3")).await, Ok(done(b"12345")));
    store.acknowledge(held.id, held.epoch, &["1", "2"]).await.expect("it is there");
    store.begin(held.call("4")).await.expect("it is there");
    store.finish(held.id, "4", &held.pod, b"12345").await.expect("in reach");
    assert_eq!(store.begin(held.call("3")).await, Ok(done(b"12345")), "the bytes were counted off");
}

pub(crate) async fn an_outcome_over_the_bound_alone_is_forgotten(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { journal_bytes: 10, ..Bounds::default() }).await;
    let held = held(&store).await;
    store.begin(held.call("1")).await.expect("it is there");
    assert_eq!(
        store.finish(held.id, "1", &held.pod, b"eleven byte").await,
        Ok(Finish::Forgotten { holder: held.pod.clone() })
    );
    assert_eq!(store.begin(held.call("1")).await, Ok(Begin::Forgotten));
    assert_eq!(store.lookup(held.id, &["1"]).await, Ok(vec![Some(Entry::Forgotten)]));
    let taken = store.take_over(held.id, held.epoch, "1", &held.pod, &PodId::fresh()).await;
    assert_eq!(taken, Ok(Takeover::Forgotten));
}

pub(crate) async fn an_outcome_that_nobody_acknowledges_runs_out(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { journal_age_ms: 50, ..Bounds::default() }).await;
    let held = held(&store).await;
    store.begin(held.call("1")).await.expect("it is there");
    store.finish(held.id, "1", &held.pod, b"42").await.expect("in reach");
    eventually("the outcome runs out", async || {
        let begin = store.begin(Call { resent: true, ..held.call("1") }).await.expect("it is there");
        (begin == Begin::Doubtful).then_some(())
    })
    .await;
}

pub(crate) async fn a_journal_ends_with_its_session(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    store.begin(held.call("1")).await.expect("it is there");
    store.detach(held.id, held.epoch, std::time::Duration::from_millis(50)).await.expect("it is there");
    eventually("the journal runs out", async || {
        let found = store.lookup(held.id, &["1"]).await.expect("in reach");
        (found == [None]).then_some(())
    })
    .await;
    let late = store.begin(held.call("1")).await;
    assert_eq!(late, Err(Error::Unknown { what: "the session" }));
    assert_eq!(held.epoch, Epoch(1));
}

pub(crate) async fn a_request_id_over_its_bound_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let held = held(&store).await;
    let refused = store.begin(held.call(&"x".repeat(1_025))).await;
    assert_eq!(refused, Err(Error::TooLarge { what: "a request's id", limit: 1_024, length: 1_025 }));
}
