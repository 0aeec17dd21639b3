//! Which replica gets a call.
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use protocol::ErrorCode;
use router::{Condition, Event, Options, Router};

use crate::rogue::{Rogue, error, result, say};
use crate::shard::{Inbox, apply, on_shard, router, tool, until};

#[test]
fn calls_in_flight_spread_evenly_over_the_replicas() {
    on_shard(async {
        let mut rogues: Vec<_> = (0..3).map(|_| Rogue::start(&["hang"], |_, _| ())).collect();
        let addresses: Vec<_> = rogues.iter().map(|rogue| rogue.address().to_owned()).collect();
        let router =
            router(Options::default(), &addresses.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let inbox = Inbox::new();
        for tag in 0..300 {
            tool("hang", "").start(&router, &inbox, tag).expect("there is room");
        }
        for rogue in &mut rogues {
            for _ in 0..90 {
                assert!(!rogue.request().await.cancel);
            }
        }
    });
}

#[test]
fn a_slow_replica_gets_fewer_calls_than_a_quick_one() {
    on_shard(async {
        let stuck = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&stuck);
        let slow = Rogue::start(&["any"], move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let quick = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "1")));
        let router = router(Options::default(), &[slow.address(), quick.address()]).await;
        let inbox = Inbox::new();
        let mut answered = 0;
        for tag in 0..100 {
            tool("any", "").start(&router, &inbox, tag).expect("there is room");
            until("the call", || !inbox.is_empty() || stuck.load(Ordering::SeqCst) + answered > tag as usize)
                .await;
            if !inbox.is_empty() {
                inbox.result().await;
                answered += 1;
            }
        }
        // Once it has one that hangs it always has more than the quick one.
        assert_eq!(answered, 99);
    });
}

#[test]
fn over_the_limit_of_calls_on_all_replicas_a_call_is_refused_as_overloaded() {
    on_shard(async {
        let first = Rogue::start(&["hang"], |_, _| ());
        let second = Rogue::start(&["hang"], |_, _| ());
        let options = Options { max_calls_per_replica: 10, ..Options::default() };
        let router = router(options, &[first.address(), second.address()]).await;
        let inbox = Inbox::new();
        let keys: Vec<_> =
            (0..20).map(|tag| tool("hang", "").start(&router, &inbox, tag).expect("there is room")).collect();
        let refused = tool("hang", "").start(&router, &inbox, 99).expect_err("both are full");
        assert_eq!(refused.code, ErrorCode::BackendUnavailable);
        assert!(refused.message.contains("rogue") && refused.message.contains("overloaded"), "{refused:?}");
        router.cancel(keys[3]);
        tool("hang", "").start(&router, &inbox, 99).expect("one place is free again");
        assert!(inbox.is_empty());
    });
}

/// A replica that fails while `sick`, and how many calls it got.
fn patient(sick: &Arc<AtomicBool>, calls: &Arc<AtomicUsize>) -> Rogue {
    let (sick, calls) = (Arc::clone(sick), Arc::clone(calls));
    Rogue::start(&["any"], move |request, answers| {
        calls.fetch_add(1, Ordering::SeqCst);
        let answer = match sick.load(Ordering::SeqCst) {
            true => error(request.call_id, 4003),
            false => result(request.call_id, "1"),
        };
        say(answers, answer);
    })
}

#[test]
fn a_replica_that_fails_again_and_again_is_ejected_then_probed_and_used_again() {
    on_shard(async {
        let sick = Arc::new(AtomicBool::new(true));
        let calls = Arc::new(AtomicUsize::new(0));
        let bad = patient(&sick, &calls);
        let good = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "1")));
        let options = Options { eject_for_ms: 1_000, eject_for_max_ms: 1_000, ..Options::default() };
        let router = router(options, &[bad.address(), good.address()]).await;
        let (mut failed, told) = (0, Rc::new(RefCell::new(Vec::new())));
        let hears = Rc::clone(&told);
        router.on_ejection(move |replica| hears.borrow_mut().push(replica.address.clone()));
        until_ejected(&router, &mut failed).await;
        assert_eq!(failed, 5, "five failures in a row eject");
        assert_eq!(*told.borrow(), [bad.address()]);
        let seen = router.seen();
        let condition = |address: &str| {
            seen.iter().find(|seen| seen.replica.address == address).map(|seen| seen.condition)
        };
        assert_eq!(condition(bad.address()), Some(Condition::Ejected));
        assert_eq!(condition(good.address()), Some(Condition::Up));

        let before = calls.load(Ordering::SeqCst);
        for _ in 0..50 {
            assert_eq!(tool("any", "").run(&router).await, Event::Result("1".into()));
        }
        assert_eq!(calls.load(Ordering::SeqCst), before, "it gets no calls while it is ejected");

        // One call probes, fails, and ejects it again.
        while calls.load(Ordering::SeqCst) == before {
            tool("any", "").run(&router).await;
        }
        assert_eq!(router.stats().ejections, 2);

        sick.store(false, Ordering::SeqCst);
        let probed = calls.load(Ordering::SeqCst);
        while calls.load(Ordering::SeqCst) < probed + 10 {
            assert_eq!(tool("any", "").run(&router).await, Event::Result("1".into()));
        }
        assert_eq!(router.stats().ejections, 2);
    });
}

async fn until_ejected(router: &Router, failed: &mut usize) {
    while router.stats().ejections == 0 {
        if matches!(tool("any", "").run(router).await, Event::Failed(_)) {
            *failed += 1;
        }
    }
}

#[test]
fn the_last_replica_is_used_even_if_it_is_ejected() {
    on_shard(async {
        let sick = Arc::new(AtomicBool::new(true));
        let only = patient(&sick, &Arc::default());
        let router = router(Options::default(), &[only.address()]).await;
        until_ejected(&router, &mut 0).await;
        sick.store(false, Ordering::SeqCst);
        assert_eq!(tool("any", "").run(&router).await, Event::Result("1".into()));
    });
}

#[test]
fn errors_that_are_the_callers_doing_eject_nobody() {
    on_shard(async {
        let rogue = Rogue::start(&["any"], |request, answers| say(answers, error(request.call_id, 4005)));
        let router = router(Options::default(), &[rogue.address()]).await;
        for _ in 0..20 {
            assert!(matches!(tool("any", "").run(&router).await, Event::Failed(_)));
        }
        assert_eq!(router.stats().ejections, 0);
    });
}

#[test]
fn a_replica_that_left_the_table_gets_no_new_calls_and_finishes_the_ones_it_has() {
    on_shard(async {
        let mut leaving = Rogue::start(&["any"], |_, _| ());
        let staying = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "1")));
        let router = router(Options::default(), &[leaving.address()]).await;
        let inbox = Inbox::new();
        let held = tool("any", "").start(&router, &inbox, 1).expect("a replica is there");
        leaving.request().await;
        apply(&router, &[staying.address()]).await;
        for _ in 0..20 {
            assert_eq!(tool("any", "").run(&router).await, Event::Result("1".into()));
        }
        assert_eq!((router.in_flight(), router.stats().links), (1, 2));
        assert!(leaving.saw_nothing_more() && inbox.is_empty());
        router.cancel(held);
        assert_eq!(router.stats().links, 1, "the connection ends with its last call");
    });
}

#[test]
fn a_replica_that_stays_keeps_its_connection_and_its_calls_over_a_change_of_the_table() {
    on_shard(async {
        let mut rogue = Rogue::start(&["any"], |_, _| ());
        let other = Rogue::start(&["any"], |_, _| ());
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        let key = tool("any", "").start(&router, &inbox, 1).expect("a replica is there");
        let sent = rogue.request().await;
        apply(&router, &[other.address(), rogue.address()]).await;
        assert_eq!(router.in_flight(), 1);
        router.cancel(key);
        let cancel = rogue.request().await;
        assert_eq!((cancel.call_id, cancel.cancel), (sent.call_id, true), "on the same stream");
        assert_eq!(router.stats().links_lost, 0);
    });
}

#[test]
fn a_handler_of_an_earlier_table_is_looked_up_in_the_present_one() {
    on_shard(async {
        let old = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "1")));
        let new = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "2")));
        let router = router(Options::default(), &[old.address()]).await;
        let table = router.table();
        let stale = table.tool("any").expect("it is there");
        let caller = router::Caller::new(&protocol::pb::Identity::default(), "");
        let call = router::Call {
            handler: stale,
            method: "",
            params: b"",
            caller: &caller,
            idempotency_key: [""; 3],
            join: false,
            traceparent: "",
            tracestate: "",
            timeout: None,
        };
        apply(&router, &[new.address()]).await;
        let inbox = Inbox::new();
        router.start(call.clone(), Rc::clone(&inbox) as _, 0).expect("the new table has it");
        assert_eq!(inbox.result().await, "2");
        apply(&router, &[]).await;
        let refused = router.start(call, Rc::clone(&inbox) as _, 0).expect_err("nobody has it");
        assert_eq!(refused.code, ErrorCode::BackendUnavailable);
    });
}
