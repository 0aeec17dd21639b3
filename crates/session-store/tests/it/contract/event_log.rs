//! What every [`EventLog`] does.
use session_store::{
    Bounds, Error, Event, EventLog, LogEpoch, NewEvent, Notice, Offset, Page, Position, ReadLimit, Tail,
};

use super::{Mount, TENANT, eventually, soon};

const ALL: ReadLimit = ReadLimit { events: 1_000, bytes: usize::MAX };

async fn publish(log: &impl EventLog, tenant: &str, data: &str) -> Position {
    let event = NewEvent { name: "tool.executed", data: data.as_bytes() };
    log.publish(tenant, event, None).await.expect("in reach")
}

fn at(position: Position, offset: u64) -> Position {
    Position { offset: Offset(offset), ..position }
}

async fn page(
    log: &impl EventLog,
    tenant: &str,
    after: Position,
    limit: ReadLimit,
) -> (Vec<Event>, Position) {
    match log.read(tenant, after, limit).await.expect("in reach") {
        Page::Events { events, end } => (events, end),
        gap @ Page::Gap { .. } => panic!("{gap:?}"),
    }
}

fn data(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect()
}

async fn notice(tail: &Tail) -> Notice {
    soon("a notice", tail.next()).await
}

pub(crate) async fn offsets_begin_at_one_and_have_no_hole(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let start = a.latest(TENANT).await.expect("in reach");
    assert_eq!(start.offset, Offset(0));
    for number in 1..=20 {
        let log = if number % 2 == 0 { &a } else { &b };
        assert_eq!(publish(log, TENANT, "{}").await, at(start, number));
    }
    assert_eq!(b.latest(TENANT).await, Ok(at(start, 20)));
    let (events, end) = page(&b, TENANT, start, ALL).await;
    assert_eq!(events.iter().map(|event| event.offset.0).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert_eq!(end, at(start, 20));
    assert_eq!(page(&a, TENANT, end, ALL).await, (vec![], end));
}

pub(crate) async fn an_event_is_read_as_it_was_published(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    for tenant in ["", "a}b{c:d", "%7D", "ä\u{0}\n", "a b"] {
        let start = a.latest(tenant).await.expect("in reach");
        let bytes: Vec<u8> = (0..=255).collect();
        let event = NewEvent { name: "näme.*\u{0}", data: &bytes };
        a.publish(tenant, event, Some("k}ey\u{0}")).await.expect("in reach");
        let (events, _) = page(&b, tenant, start, ALL).await;
        assert_eq!(events.len(), 1, "{tenant:?}");
        assert_eq!((&*events[0].name, &events[0].data[..]), ("näme.*\u{0}", &bytes[..]));
    }
}

pub(crate) async fn a_read_keeps_to_its_limits(mount: &impl Mount) {
    let store = mount.pod().await;
    let start = store.latest(TENANT).await.expect("in reach");
    for number in 0..10 {
        publish(&store, TENANT, &format!("{number}{}", "x".repeat(999))).await;
    }
    let (events, end) = page(&store, TENANT, start, ReadLimit { events: 3, bytes: usize::MAX }).await;
    assert_eq!((events.len(), end), (3, at(start, 10)));
    let (events, _) = page(&store, TENANT, at(start, 3), ReadLimit { events: 100, bytes: 2_500 }).await;
    assert_eq!(events.iter().map(|event| event.offset.0).collect::<Vec<_>>(), [4, 5]);
    let (events, _) = page(&store, TENANT, at(start, 5), ReadLimit { events: 0, bytes: 0 }).await;
    assert_eq!(events.iter().map(|event| event.offset.0).collect::<Vec<_>>(), [6], "one always comes");
}

pub(crate) async fn a_repeated_key_publishes_once(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds { idempotency_ms: 1_000, ..Bounds::default() }).await;
    let event = NewEvent { name: "n", data: b"once" };
    let first = a.publish(TENANT, event, Some("key")).await.expect("in reach");
    publish(&a, TENANT, "other").await;
    assert_eq!(b.publish(TENANT, event, Some("key")).await, Ok(first));
    assert_eq!(b.latest(TENANT).await, Ok(at(first, 2)));
    let again = eventually("the key runs out", async || {
        let position = b.publish(TENANT, event, Some("key")).await.expect("in reach");
        (position != first).then_some(position)
    })
    .await;
    assert_eq!(again, at(first, 3));
}

pub(crate) async fn a_key_belongs_to_its_tenant(mount: &impl Mount) {
    let store = mount.pod().await;
    for tenant in ["one", "two"] {
        let event = NewEvent { name: "n", data: tenant.as_bytes() };
        let position = store.publish(tenant, event, Some("key")).await.expect("in reach");
        let (events, _) = page(&store, tenant, at(position, 0), ALL).await;
        assert_eq!(data(&events), [tenant]);
    }
}

pub(crate) async fn one_tenant_never_sees_the_other(mount: &impl Mount) {
    let store = mount.pod().await;
    let (one, two) =
        (store.latest("one").await.expect("in reach"), store.latest("two").await.expect("in reach"));
    publish(&store, "one", "secret").await;
    publish(&store, "two", "public").await;
    assert_eq!(data(&page(&store, "one", one, ALL).await.0), ["secret"]);
    assert_eq!(data(&page(&store, "two", two, ALL).await.0), ["public"]);
    let swapped = store.read("two", at(one, 0), ALL).await.expect("in reach");
    assert!(matches!(swapped, Page::Gap { .. }), "epochs of two logs differ: {swapped:?}");
}

pub(crate) async fn a_log_keeps_so_many_events_and_says_what_is_missing(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { log_events: 5, ..Bounds::default() }).await;
    let start = store.latest(TENANT).await.expect("in reach");
    for number in 1..=12 {
        publish(&store, TENANT, &number.to_string()).await;
    }
    let gap = Page::Gap { resume: at(start, 7), end: at(start, 12) };
    assert_eq!(store.read(TENANT, start, ALL).await, Ok(gap.clone()));
    assert_eq!(store.read(TENANT, at(start, 6), ALL).await, Ok(gap));
    let (events, _) = page(&store, TENANT, at(start, 7), ALL).await;
    assert_eq!(data(&events), ["8", "9", "10", "11", "12"]);
}

pub(crate) async fn a_log_keeps_so_many_bytes(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { log_bytes: 5_000, ..Bounds::default() }).await;
    let start = store.latest(TENANT).await.expect("in reach");
    for _ in 0..150 {
        publish(&store, TENANT, "1234").await;
    }
    // The weight of an event is its name, its data and 64 bytes: here 81 each, so 61 fit.
    assert!(matches!(store.read(TENANT, at(start, 88), ALL).await, Ok(Page::Gap { .. })));
    assert_eq!(page(&store, TENANT, at(start, 89), ALL).await.0.len(), 61);
    publish(&store, TENANT, &"x".repeat(6_000)).await;
    let (events, _) = page(&store, TENANT, at(start, 150), ALL).await;
    assert_eq!(events.len(), 1, "the newest is kept, however large");
    assert!(matches!(store.read(TENANT, at(start, 149), ALL).await, Ok(Page::Gap { .. })));
}

pub(crate) async fn a_quiet_log_runs_empty_without_losing_its_place(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { log_age_ms: 700, ..Bounds::default() }).await;
    let start = store.latest(TENANT).await.expect("in reach");
    let end = publish(&store, TENANT, "1").await;
    eventually("the event runs out", async || {
        let page = store.read(TENANT, start, ALL).await.expect("in reach");
        (page == Page::Gap { resume: end, end }).then_some(())
    })
    .await;
    assert_eq!(page(&store, TENANT, end, ALL).await, (vec![], end), "who was there misses nothing");
    assert_eq!(publish(&store, TENANT, "2").await, at(start, 2));
    assert_eq!(data(&page(&store, TENANT, end, ALL).await.0), ["2"]);
}

pub(crate) async fn old_events_go_when_new_ones_come(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { log_age_ms: 1_000, ..Bounds::default() }).await;
    let first = publish(&store, TENANT, "1").await;
    let end = eventually("the first event runs out", async || {
        let end = publish(&store, TENANT, "later").await;
        let page = store.read(TENANT, at(first, 0), ALL).await.expect("in reach");
        matches!(page, Page::Gap { .. }).then_some(end)
    })
    .await;
    assert_eq!(page(&store, TENANT, at(end, end.offset.0 - 1), ALL).await.0.len(), 1);
}

pub(crate) async fn another_epoch_is_a_gap(mount: &impl Mount) {
    let store = mount.pod().await;
    let end = publish(&store, TENANT, "1").await;
    let other = Position { epoch: LogEpoch(end.epoch.0 ^ 1), offset: Offset(1) };
    let gap = Page::Gap { resume: at(end, 0), end };
    assert_eq!(store.read(TENANT, other, ALL).await, Ok(gap));
}

pub(crate) async fn a_place_behind_the_end_is_a_gap(mount: &impl Mount) {
    let store = mount.pod().await;
    let end = publish(&store, TENANT, "1").await;
    let gap = store.read(TENANT, at(end, 2), ALL).await.expect("in reach");
    assert_eq!(gap, Page::Gap { resume: at(end, 0), end });
}

pub(crate) async fn events_over_their_bounds_are_refused(mount: &impl Mount) {
    let (store, _) = mount.pods(Bounds { event_bytes: 3, ..Bounds::default() }).await;
    let long = "x".repeat(129);
    let refused = [
        (store.publish(TENANT, NewEvent { name: "", data: b"" }, None).await, "an event's name"),
        (store.publish(TENANT, NewEvent { name: &long, data: b"" }, None).await, "an event's name"),
        (store.publish(TENANT, NewEvent { name: "n", data: b"" }, Some("")).await, "an idempotency key"),
        (store.publish(TENANT, NewEvent { name: "n", data: b"" }, Some(&long)).await, "an idempotency key"),
    ];
    for (answer, named) in refused {
        assert!(matches!(answer, Err(Error::Name { what, .. }) if what == named), "{answer:?}");
    }
    let large = store.publish(TENANT, NewEvent { name: "n", data: b"1234" }, None).await;
    assert_eq!(large, Err(Error::TooLarge { what: "an event's data", limit: 3, length: 4 }));
    assert_eq!(store.latest(TENANT).await.expect("in reach").offset, Offset(0));
}

pub(crate) async fn publishers_at_once_share_no_offset(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let start = a.latest(TENANT).await.expect("in reach");
    let publishing = (0..100).map(|number| publish(if number % 2 == 0 { &a } else { &b }, TENANT, "{}"));
    let mut offsets: Vec<_> = futures_util::future::join_all(publishing)
        .await
        .into_iter()
        .map(|position| position.offset.0)
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (1..=100).collect::<Vec<_>>());
    assert_eq!(page(&a, TENANT, start, ALL).await.0.len(), 100);
}

pub(crate) async fn a_tail_opens_with_a_check_and_sees_each_event(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let (one, two) = (a.tail(), a.tail());
    for tail in [&one, &two] {
        tail.watch(TENANT);
        tail.watch(TENANT);
        assert_eq!(notice(tail).await, Notice::Check { tenant: TENANT.into() });
    }
    let mut published = Vec::new();
    for number in 0..50 {
        let log = if number % 2 == 0 { &a } else { &b };
        published.push(publish(log, TENANT, &number.to_string()).await);
    }
    for tail in [&one, &two] {
        for (number, position) in published.iter().enumerate() {
            let Notice::Event { tenant, epoch, event } = notice(tail).await else { panic!("a check") };
            assert_eq!((&*tenant, epoch, event.offset), (TENANT, position.epoch, position.offset));
            assert_eq!((&*event.name, &event.data[..]), ("tool.executed", number.to_string().as_bytes()));
        }
    }
}

pub(crate) async fn a_tail_sees_watched_tenants_alone(mount: &impl Mount) {
    let store = mount.pod().await;
    let tail = store.tail();
    for tenant in ["one", "two"] {
        tail.watch(tenant);
        assert_eq!(notice(&tail).await, Notice::Check { tenant: tenant.into() });
    }
    publish(&store, "three", "never watched").await;
    tail.unwatch("two");
    publish(&store, "two", "no longer watched").await;
    publish(&store, "one", "1").await;
    let Notice::Event { tenant, event, .. } = notice(&tail).await else { panic!("a check") };
    assert_eq!((&*tenant, &event.data[..]), ("one", &b"1"[..]));
    tail.watch("two");
    assert_eq!(notice(&tail).await, Notice::Check { tenant: "two".into() });
    publish(&store, "two", "2").await;
    let Notice::Event { tenant, event, .. } = notice(&tail).await else { panic!("a check") };
    assert_eq!((&*tenant, &event.data[..]), ("two", &b"2"[..]));
}

pub(crate) async fn a_slow_tail_is_told_to_check(mount: &impl Mount) {
    let (store, other) = mount.pods(Bounds { waiting_bytes: 100, ..Bounds::default() }).await;
    let tail = store.tail();
    tail.watch(TENANT);
    let check = Notice::Check { tenant: TENANT.into() };
    assert_eq!(notice(&tail).await, check);
    publish(&other, TENANT, &"x".repeat(100)).await;
    assert_eq!(notice(&tail).await, check, "what is too much to wait becomes a check");
    publish(&other, TENANT, "small").await;
    let Notice::Event { event, .. } = notice(&tail).await else { panic!("a check") };
    assert_eq!((event.offset, &event.data[..]), (Offset(2), &b"small"[..]));
}

pub(crate) async fn a_repeated_key_is_not_told_twice(mount: &impl Mount) {
    let store = mount.pod().await;
    let tail = store.tail();
    tail.watch(TENANT);
    assert_eq!(notice(&tail).await, Notice::Check { tenant: TENANT.into() });
    let event = NewEvent { name: "n", data: b"once" };
    for _ in 0..2 {
        store.publish(TENANT, event, Some("key")).await.expect("in reach");
    }
    publish(&store, TENANT, "next").await;
    for offset in [1, 2] {
        let Notice::Event { event, .. } = notice(&tail).await else { panic!("a check") };
        assert_eq!(event.offset, Offset(offset));
    }
}
