//! What every [`Quotas`] does.
use std::time::Duration;

use session_store::{Bounds, Error, Quotas, Spent};

use super::{Mount, eventually};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn just_now(cost: Duration) -> Spent {
    Spent { cost, age: Duration::ZERO, most: HOUR }
}

/// Settles, and checks how far ahead the rate is, but for the time that passes meanwhile.
#[track_caller]
fn check(ahead: Result<Duration, Error>, expected: Duration) {
    let ahead = ahead.expect("in reach");
    let near = ahead <= expected && ahead + 30 * SECOND > expected;
    assert!(near, "{ahead:?} in place of {expected:?}");
}

pub(crate) async fn what_all_pods_let_through_adds_up(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    check(a.settle("rate", just_now(100 * SECOND)).await, 100 * SECOND);
    check(b.settle("rate", just_now(50 * SECOND)).await, 150 * SECOND);
    check(a.settle("rate", just_now(Duration::ZERO)).await, 150 * SECOND);
}

pub(crate) async fn what_comes_at_once_adds_up_too(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let settled = (0..50).flat_map(|_| [&a, &b]).map(|pod| pod.settle("rate", just_now(10 * SECOND)));
    for settled in futures_util::future::join_all(settled).await {
        settled.expect("in reach");
    }
    check(a.settle("rate", just_now(Duration::ZERO)).await, 1_000 * SECOND);
}

pub(crate) async fn each_name_is_a_rate_of_its_own(mount: &impl Mount) {
    let store = mount.pod().await;
    let names = ["", "a", "a:b", "{a}", "\u{e9} {}\n\0\"", "%61"];
    for (index, name) in (1..).zip(names) {
        check(store.settle(name, just_now(100 * SECOND * index)).await, 100 * SECOND * index);
    }
    for (index, name) in (1..).zip(names) {
        check(store.settle(name, just_now(Duration::ZERO)).await, 100 * SECOND * index);
    }
}

pub(crate) async fn what_was_let_through_comes_back_with_time(mount: &impl Mount) {
    let store = mount.pod().await;
    let ahead = store.settle("rate", just_now(SECOND / 2)).await.expect("in reach");
    assert!(ahead > Duration::ZERO && ahead <= SECOND / 2, "{ahead:?}");
    eventually("it has come", async || {
        let ahead = store.settle("rate", just_now(Duration::ZERO)).await.expect("in reach");
        ahead.is_zero().then_some(())
    })
    .await;
    let ahead = store.settle("rate", just_now(SECOND / 2)).await.expect("in reach");
    assert!(ahead <= SECOND / 2, "a pause saves nothing up, and costs nothing: {ahead:?}");
}

pub(crate) async fn what_began_before_has_come_in_part(mount: &impl Mount) {
    let store = mount.pod().await;
    let spent = |cost: u32, age: u32| Spent { cost: SECOND * cost, age: SECOND * age, most: HOUR };
    assert_eq!(store.settle("rate", spent(100, 400)).await, Ok(Duration::ZERO));
    check(store.settle("rate", spent(400, 100)).await, 300 * SECOND);
    // The rate was ahead all the time.
    check(store.settle("rate", spent(100, 100)).await, 400 * SECOND);
}

pub(crate) async fn no_rate_is_further_ahead_than_it_may_be(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let spent = |most: u32| Spent { cost: 100 * SECOND, age: Duration::ZERO, most: SECOND * most };
    check(a.settle("rate", spent(150)).await, 100 * SECOND);
    check(b.settle("rate", spent(150)).await, 150 * SECOND);
    check(a.settle("rate", spent(60)).await, 60 * SECOND);
}

pub(crate) async fn a_name_over_its_bound_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let too_large = Err(Error::TooLarge { what: "the name of a rate", limit: 2_048, length: 2_049 });
    assert_eq!(store.settle(&"x".repeat(2_049), just_now(SECOND)).await, too_large);
    store.settle(&"x".repeat(2_048), just_now(SECOND)).await.expect("it fits");
}
