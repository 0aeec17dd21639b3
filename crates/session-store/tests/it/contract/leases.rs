//! What every [`Leases`] does.
use std::time::Duration;

use session_store::{Bounds, Error, Finish, Journal as _, Leases as _, PodId, Takeover};

use super::journal::moved;
use super::{Mount, eventually, held};

const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn a_pod_lives_while_it_renews(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let (renewed, left) = (PodId::fresh(), PodId::fresh());
    let short = Duration::from_millis(1_500);
    a.acquire(&renewed, short).await.expect("it is new");
    a.acquire(&left, short).await.expect("it is new");
    assert_eq!(b.alive(&left).await, Ok(true));
    eventually("the lease runs out", async || {
        a.renew(&renewed, short).await.expect("it is renewed in time");
        (!b.alive(&left).await.expect("in reach")).then_some(())
    })
    .await;
    assert_eq!(b.alive(&renewed).await, Ok(true));
}

pub(crate) async fn a_lease_that_ran_out_cannot_be_renewed(mount: &impl Mount) {
    let store = mount.pod().await;
    let pod = PodId::fresh();
    let lost = Err(Error::Unknown { what: "the pod's lease" });
    assert_eq!(store.renew(&pod, LONG).await, lost, "there never was one");
    store.acquire(&pod, Duration::from_millis(50)).await.expect("it is new");
    eventually("the lease runs out", async || (!store.alive(&pod).await.expect("in reach")).then_some(()))
        .await;
    assert_eq!(store.renew(&pod, LONG).await, lost);
    assert_eq!(store.alive(&pod).await, Ok(false));
}

pub(crate) async fn a_released_pod_is_dead(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let pod = PodId::fresh();
    a.acquire(&pod, LONG).await.expect("it is new");
    a.release(&pod).await.expect("in reach");
    a.release(&pod).await.expect("releasing it again is no error");
    assert_eq!(b.alive(&pod).await, Ok(false));
}

pub(crate) async fn a_living_pod_is_not_entered_twice(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let pod = PodId::new("gateway-0").expect("it has a length");
    a.acquire(&pod, LONG).await.expect("it is new");
    assert_eq!(b.acquire(&pod, LONG).await, Err(Error::Exists { what: "a living pod" }));
}

pub(crate) async fn a_pod_that_was_taken_for_dead_acquires_its_name_again(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let here = held(&a).await;
    a.acquire(&here.pod, Duration::from_millis(50)).await.expect("it is new");
    for request in ["taken", "left"] {
        a.begin(here.call(request)).await.expect("it is there");
    }
    eventually("the lease runs out", async || (!b.alive(&here.pod).await.expect("in reach")).then_some(()))
        .await;
    let there = moved(&b, &here).await;
    let taken = b.take_over(there.id, there.epoch, "taken", &here.pod, &there.pod).await;
    assert_eq!(taken, Ok(Takeover::Taken { repeatable: false }));

    a.acquire(&here.pod, LONG).await.expect("its lease has run out");
    assert_eq!(b.alive(&here.pod).await, Ok(true));
    assert_eq!(a.finish(here.id, "taken", &here.pod, b"late").await, Ok(Finish::NotOwner));
    let stored = Ok(Finish::Stored { holder: there.pod.clone() });
    assert_eq!(a.finish(here.id, "left", &here.pod, b"42").await, stored);
    assert_eq!(b.finish(there.id, "taken", &there.pod, b"nobody knows").await, stored);
}
