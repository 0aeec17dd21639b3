//! What every [`Tickets`] does.
use std::time::Duration;

use session_store::{Bounds, Error, Ticket, Tickets};

use super::{Mount, eventually};

const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn a_ticket_is_taken_once_at_whichever_pod(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    for what in [&b"holder\0\xff\r\n"[..], b""] {
        let ticket = Ticket::fresh().expect("there is randomness");
        a.keep(&ticket, what, LONG).await.expect("in reach");
        let shown = Ticket::parse(&ticket.reveal()).expect("it is one");
        assert_eq!(b.take(&shown).await, Ok(Some(what.to_vec())));
        assert_eq!(b.take(&shown).await, Ok(None));
        assert_eq!(a.take(&ticket).await, Ok(None));
    }
}

pub(crate) async fn of_many_who_take_a_ticket_at_once_one_gets_it(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let ticket = Ticket::fresh().expect("there is randomness");
    a.keep(&ticket, b"holder", LONG).await.expect("in reach");
    let takers = (0..50).flat_map(|_| [&a, &b]).map(|pod| pod.take(&ticket));
    let taken = futures_util::future::join_all(takers).await;
    let got: Vec<_> = taken.into_iter().filter_map(|taken| taken.expect("in reach")).collect();
    assert_eq!(got, [b"holder"]);
}

pub(crate) async fn a_ticket_that_nobody_gave_out_is_worth_nothing(mount: &impl Mount) {
    let store = mount.pod().await;
    let (known, guessed) = (Ticket::fresh().expect("randomness"), Ticket::fresh().expect("randomness"));
    store.keep(&known, b"holder", LONG).await.expect("in reach");
    assert_eq!(store.take(&guessed).await, Ok(None));
    assert_eq!(store.take(&known).await, Ok(Some(b"holder".to_vec())));
}

pub(crate) async fn a_ticket_runs_out(mount: &impl Mount) {
    let store = mount.pod().await;
    let (long, ttl) = (Ticket::fresh().expect("randomness"), Duration::from_millis(100));
    store.keep(&long, b"long", LONG).await.expect("in reach");
    eventually("a ticket that was kept has run out", async || {
        let short = Ticket::fresh().expect("randomness");
        store.keep(&short, b"short", ttl).await.expect("in reach");
        tokio::time::sleep(ttl).await;
        store.take(&short).await.expect("in reach").is_none().then_some(())
    })
    .await;
    assert_eq!(store.take(&long).await, Ok(Some(b"long".to_vec())));
}

pub(crate) async fn what_is_over_its_bound_is_refused(mount: &impl Mount) {
    let store = mount.pod().await;
    let ticket = Ticket::fresh().expect("there is randomness");
    let too_large = Err(Error::TooLarge { what: "what a ticket stands for", limit: 65_536, length: 65_537 });
    assert_eq!(store.keep(&ticket, &[0; 65_537], LONG).await, too_large);
    assert_eq!(store.take(&ticket).await, Ok(None));
    store.keep(&ticket, &[0; 65_536], LONG).await.expect("it fits");
}
