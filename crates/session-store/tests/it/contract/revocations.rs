//! What every [`Revocations`] does.
use std::time::Duration;

use session_store::{Bounds, Error, Revocation, Revocations, Revoked};

use super::{Mount, eventually};

const LONG: Duration = Duration::from_secs(60);

fn of(subject: &str, ttl: Duration) -> Revocation {
    Revocation { subject: subject.to_owned(), ttl }
}

async fn all(store: &impl Revocations) -> Revoked {
    store.revoked(None).await.expect("in reach").expect("it is not known yet")
}

async fn subjects(store: &impl Revocations) -> Vec<String> {
    let mut subjects: Vec<_> =
        all(store).await.revocations.into_iter().map(|revocation| revocation.subject).collect();
    subjects.sort_unstable();
    subjects
}

pub(crate) async fn what_is_revoked_at_one_pod_is_known_at_the_other(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    assert!(subjects(&b).await.is_empty());
    for subject in ["agent", "\u{e9} {}\n\0\"", ""] {
        a.revoke(&of(subject, LONG)).await.expect("in reach");
    }
    assert_eq!(subjects(&b).await, ["", "agent", "\u{e9} {}\n\0\""]);
    assert_eq!(subjects(&a).await, subjects(&b).await);
    for revocation in all(&b).await.revocations {
        assert!(revocation.ttl <= LONG && revocation.ttl > LONG / 2, "{revocation:?}");
    }
}

pub(crate) async fn a_list_of_the_same_version_is_not_told_again(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let empty = all(&b).await.version;
    assert_eq!(b.revoked(Some(&empty)).await, Ok(None));
    a.revoke(&of("one", LONG)).await.expect("in reach");
    let one = b.revoked(Some(&empty)).await.expect("in reach").expect("it has changed");
    assert_eq!(one.revocations.len(), 1);
    assert_eq!(b.revoked(Some(&one.version)).await, Ok(None));
    a.revoke(&of("two", LONG)).await.expect("in reach");
    let two = b.revoked(Some(&one.version)).await.expect("in reach").expect("it has changed");
    assert_eq!(two.revocations.len(), 2);
    assert!(b.revoked(Some("another")).await.expect("in reach").is_some());
}

pub(crate) async fn a_revocation_is_prolonged_and_never_shortened(mount: &impl Mount) {
    let store = mount.pod().await;
    let left = async || all(&store).await.revocations[0].ttl;
    store.revoke(&of("a", LONG)).await.expect("in reach");
    store.revoke(&of("a", LONG / 60)).await.expect("in reach");
    assert!(left().await > LONG / 2);
    let version = all(&store).await.version;
    store.revoke(&of("a", LONG * 2)).await.expect("in reach");
    assert!(left().await > LONG);
    assert!(store.revoked(Some(&version)).await.expect("in reach").is_some(), "the others hear of it");
}

pub(crate) async fn a_revocation_runs_out(mount: &impl Mount) {
    let store = mount.pod().await;
    store.revoke(&of("short", Duration::from_millis(50))).await.expect("in reach");
    store.revoke(&of("long", LONG)).await.expect("in reach");
    eventually("the short one runs out", async || (subjects(&store).await == ["long"]).then_some(())).await;
}

pub(crate) async fn so_many_are_revoked_at_a_time(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { revocations: 2, ..Bounds::default() }).await;
    store.revoke(&of("short", Duration::from_millis(500))).await.expect("there is room");
    store.revoke(&of("long", LONG)).await.expect("there is room");
    assert_eq!(store.revoke(&of("more", LONG)).await, Err(Error::Full { limit: 2 }));
    store.revoke(&of("long", LONG * 2)).await.expect("it is there already");
    eventually("there is room again", async || store.revoke(&of("more", LONG)).await.ok()).await;
    assert_eq!(subjects(&store).await, ["long", "more"]);
}

pub(crate) async fn a_revocation_is_heard_of_at_every_pod(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    // What came before may be told first.
    for subject in ["one", "two"] {
        a.revoke(&of(subject, LONG)).await.expect("in reach");
        for store in [&a, &b] {
            let heard = async {
                while !subjects(store).await.iter().any(|known| known == subject) {
                    store.revocations_changed().await;
                }
            };
            tokio::time::timeout(LONG, heard).await.expect("it is heard of");
        }
    }
    let silence = tokio::time::timeout(Duration::from_millis(300), async {
        loop {
            b.revocations_changed().await;
        }
    });
    silence.await.expect_err("nothing more is revoked");
    let three = of("three", LONG);
    let heard = tokio::time::timeout(LONG, b.revocations_changed());
    let (heard, revoked) = tokio::join!(heard, a.revoke(&three));
    heard.expect("it is heard of");
    revoked.expect("in reach");
}

pub(crate) async fn a_subject_over_its_bound_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let too_large = Err(Error::TooLarge { what: "what is revoked", limit: 1_024, length: 1_025 });
    assert_eq!(store.revoke(&of(&"x".repeat(1_025), LONG)).await, too_large);
    store.revoke(&of(&"x".repeat(1_024), LONG)).await.expect("it fits");
}
