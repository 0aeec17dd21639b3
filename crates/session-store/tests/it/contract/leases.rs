//! What every [`Leases`] does.
use std::time::Duration;

use session_store::{Bounds, Error, Leases as _, PodId};

use super::{Mount, eventually};

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
