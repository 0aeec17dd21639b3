//! What every [`Channel`] does.
use session_store::{Bounds, Channel as _, Error, Inbox, Mail, PodId};

use super::{Mount, eventually, soon};

async fn mail(inbox: &Inbox) -> Mail {
    soon("mail", inbox.next()).await
}

fn message(bytes: &[u8]) -> Mail {
    Mail::Message(bytes.to_vec().into())
}

pub(crate) async fn messages_arrive_in_order_at_the_one_pod(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let (here, there) = (PodId::fresh(), PodId::fresh());
    let (inbox, other) = (a.inbox(&here), b.inbox(&there));
    assert_eq!((mail(&inbox).await, mail(&other).await), (Mail::Missed, Mail::Missed));
    for number in 0..100_u8 {
        assert_eq!(b.send(&here, &[number, 0, 255]).await, Ok(true));
    }
    assert_eq!(a.send(&there, b"there").await, Ok(true));
    for number in 0..100_u8 {
        assert_eq!(mail(&inbox).await, message(&[number, 0, 255]));
    }
    assert_eq!(mail(&other).await, message(b"there"));
}

pub(crate) async fn a_pod_without_an_inbox_is_not_reached(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let pod = PodId::fresh();
    assert_eq!(a.send(&pod, b"lost").await, Ok(false));
    let inbox = a.inbox(&pod);
    assert_eq!(mail(&inbox).await, Mail::Missed);
    drop(inbox);
    eventually("the inbox is gone", async || (!b.send(&pod, b"lost").await.expect("in reach")).then_some(()))
        .await;
}

pub(crate) async fn an_inbox_that_overflows_says_so(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds { waiting_bytes: 100, ..Bounds::default() }).await;
    let pod = PodId::fresh();
    let inbox = a.inbox(&pod);
    assert_eq!(mail(&inbox).await, Mail::Missed);
    b.send(&pod, &[7; 100]).await.expect("in reach");
    assert_eq!(mail(&inbox).await, Mail::Missed);
    b.send(&pod, b"small").await.expect("in reach");
    assert_eq!(mail(&inbox).await, message(b"small"));
}

pub(crate) async fn a_message_over_its_bound_is_refused(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { message_bytes: 3, ..Bounds::default() }).await;
    let refused = store.send(&PodId::fresh(), b"four").await;
    assert_eq!(refused, Err(Error::TooLarge { what: "a message between pods", limit: 3, length: 4 }));
}
