//! Replicas that die, freeze, refuse and come back.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use backend::{Backend, Call as Served, Raw, Tool};
use protocol::ErrorCode;
use protocol::pb::call_event::Event as Sent;
use router::{Condition, Dialer, Event, Options, Router};
use tokio::sync::Semaphore;

use crate::rogue::{Rogue, description, event, result, say};
use crate::shard::{Inbox, Process, all_up, apply_replicas, on_shard, replica, router, tool, until};

/// Tools that never answer (`hang`, `repeat`) and one that does.
fn holder() -> Rogue {
    Rogue::start(&["hang", "repeat!", "any"], |request, answers| {
        if request.tool == "any" {
            say(answers, result(request.call_id, "1"));
        }
    })
}

#[test]
fn the_death_of_a_backend_fails_its_calls_at_once_and_names_it() {
    on_shard(async {
        let mut rogue = holder();
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        for tag in 0..10 {
            tool("hang", "").start(&router, &inbox, tag).expect("a replica is there");
        }
        for _ in 0..10 {
            rogue.request().await;
        }
        let start = Instant::now();
        drop(rogue);
        for _ in 0..10 {
            let failure = inbox.failure(ErrorCode::BackendUnavailable).await;
            assert!(failure.message.contains("rogue"), "{failure:?}");
        }
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(router.in_flight(), 0);
        let refused = tool("any", "").start(&router, &inbox, 0).expect_err("nobody is there");
        assert_eq!(refused.code, ErrorCode::BackendUnavailable);
        assert!(refused.message.contains("rogue") && refused.message.contains("again"), "{refused:?}");
    });
}

#[test]
fn under_load_the_death_of_one_of_two_replicas_fails_only_its_own_calls() {
    on_shard(async {
        let held = Arc::new(AtomicUsize::new(0));
        let echo = |answers: usize, held: Arc<AtomicUsize>| {
            let left = Arc::new(Semaphore::new(answers));
            Backend::new("real").tool(Tool::new("echo", move |_: Served, args: Raw| {
                let (left, held) = (Arc::clone(&left), Arc::clone(&held));
                async move {
                    match left.try_acquire() {
                        Ok(one) => one.forget(),
                        Err(_) => {
                            held.fetch_add(1, Ordering::SeqCst);
                            std::future::pending::<()>().await;
                        }
                    }
                    Ok(args)
                }
            }))
        };
        // Answers some, then holds what it gets: when it dies it has calls.
        let dies = Arc::clone(&held);
        let dying = Process::backend("127.0.0.1:0", move || echo(100, dies));
        let staying = Process::backend("127.0.0.1:0", move || echo(1_000_000, Arc::default()));
        let router = router(Options::default(), &[&dying.address, &staying.address]).await;
        let inbox = Inbox::new();
        for tag in 0..64 {
            tool("echo", "1").start(&router, &inbox, tag).expect("there is room");
        }
        let (mut failed, mut since_death, mut dying) = (0, 0, Some(dying));
        while since_death < 1_000 {
            let (tag, end) = inbox.next().await;
            match end {
                Event::Result(_) => {}
                Event::Failed(failure) => {
                    assert_eq!(failure.code, ErrorCode::BackendUnavailable, "{failure:?}");
                    assert!(dying.is_none(), "nothing fails before the death");
                    failed += 1;
                }
                other => panic!("unexpected {other:?}"),
            }
            tool("echo", "1").start(&router, &inbox, tag).expect("the other replica is there");
            if held.load(Ordering::SeqCst) > 0 {
                dying.take();
            }
            since_death += usize::from(dying.is_none());
        }
        for _ in 0..64 {
            failed += usize::from(matches!(inbox.next().await.1, Event::Failed(_)));
        }
        assert!((held.load(Ordering::SeqCst)..=64).contains(&failed), "{failed} of {held:?} failed");
        assert_eq!(router.in_flight(), 0);
        assert!(inbox.is_empty());
    });
}

#[test]
fn a_backend_that_comes_back_is_used_again() {
    on_shard(async {
        let make = || Backend::new("real").tool(Tool::new("echo", |_: Served, a: Raw| async move { Ok(a) }));
        let process = Process::backend("127.0.0.1:0", make);
        let router = router(Options::default(), &[&process.address]).await;
        assert_eq!(tool("echo", "1").run(&router).await, Event::Result("1".into()));
        let address = process.kill();
        until("the loss", || router.stats().links_up == 0).await;
        let condition =
            || router.conditions().into_iter().map(|(_, condition)| condition).collect::<Vec<_>>();
        assert_eq!(condition(), [Condition::Unreachable]);
        let _again = Process::backend(&address, make);
        all_up(&router, 1).await;
        assert_eq!(condition(), [Condition::Up]);
        assert_eq!(tool("echo", "2").run(&router).await, Event::Result("2".into()));
        assert_eq!(router.stats().links_lost, 1);
    });
}

#[test]
fn a_frozen_backend_is_found_out_by_its_silence() {
    on_shard(async {
        let (release, frozen) = mpsc::channel::<()>();
        let frozen = std::sync::Mutex::new(frozen);
        let mut rogue = Rogue::start(&["freeze"], move |_, _| {
            // Stops the whole process: its sockets stay open.
            let _ = frozen.lock().expect("one call at a time").recv_timeout(Duration::from_secs(5));
        });
        let options = Options { keepalive_ms: 100, keepalive_timeout_ms: 100, ..Options::default() };
        let router = router(options, &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("freeze", "").start(&router, &inbox, 0).expect("a replica is there");
        rogue.request().await;
        let start = Instant::now();
        inbox.failure(ErrorCode::BackendUnavailable).await;
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        drop(release);
    });
}

#[test]
fn a_call_that_may_be_repeated_is_sent_once_more_to_another_replica() {
    on_shard(async {
        let mut dying = holder();
        let router = router(Options::default(), &[dying.address()]).await;
        let inbox = Inbox::new();
        tool("repeat", "7").start(&router, &inbox, 3).expect("a replica is there");
        let first = dying.request().await;
        let mut other = Rogue::start(&["repeat!"], |request, answers| {
            say(answers, result(request.call_id, "\"second\""));
        });
        crate::shard::apply(&router, &[dying.address(), other.address()]).await;
        all_up(&router, 2).await;
        drop(dying);
        assert_eq!(inbox.next().await, (3, Event::Result("\"second\"".into())));
        let second = other.request().await;
        assert_ne!(second.call_id, first.call_id);
        assert_eq!((second.params, second.tool), (first.params, first.tool));
        assert_eq!(router.stats().retried, 1);
    });
}

/// Starts `name` at a replica that dies while another one lives, and says how the call ended.
async fn ends_after_death(name: &str, options: Options, partial: bool) -> (Event, Router) {
    let script = move |request: protocol::pb::CallRequest, answers: &crate::rogue::Answers| {
        if partial {
            say(answers, event(request.call_id, Sent::Partial("1".into())));
        }
    };
    let mut dying = Rogue::start(&["hang", "repeat!"], script);
    let other =
        Rogue::start(&["hang", "repeat!"], |request, answers| say(answers, result(request.call_id, "2")));
    let router = router(options, &[dying.address()]).await;
    let inbox = Inbox::new();
    tool(name, "").start(&router, &inbox, 0).expect("a replica is there");
    dying.request().await;
    if partial {
        assert_eq!(inbox.next().await.1, Event::Partial("1".into()));
    }
    crate::shard::apply(&router, &[dying.address(), other.address()]).await;
    all_up(&router, 2).await;
    drop(dying);
    (inbox.next().await.1, router)
}

#[test]
fn a_call_that_may_not_be_repeated_is_not_although_another_replica_lives() {
    on_shard(async {
        let (end, router) = ends_after_death("hang", Options::default(), false).await;
        assert!(matches!(end, Event::Failed(failure) if failure.code == ErrorCode::BackendUnavailable));
        assert_eq!(router.stats().retried, 0);
    });
}

#[test]
fn a_call_of_which_a_part_was_delivered_is_not_repeated() {
    on_shard(async {
        let (end, router) = ends_after_death("repeat", Options::default(), true).await;
        assert!(matches!(end, Event::Failed(failure) if failure.code == ErrorCode::BackendUnavailable));
        assert_eq!(router.stats().retried, 0);
    });
}

#[test]
fn without_a_budget_nothing_is_repeated() {
    on_shard(async {
        let options = Options { retry_ratio: 0.0, retry_min_per_second: 0.0, ..Options::default() };
        let (end, router) = ends_after_death("repeat", options, false).await;
        assert!(matches!(end, Event::Failed(failure) if failure.code == ErrorCode::BackendUnavailable));
        assert_eq!(router.stats().retried, 0);
    });
}

#[test]
fn a_call_is_repeated_once_and_no_more() {
    on_shard(async {
        let mut rogues = [holder(), holder(), holder()];
        let router = router(Options::default(), &[rogues[0].address()]).await;
        let inbox = Inbox::new();
        tool("repeat", "").start(&router, &inbox, 0).expect("a replica is there");
        rogues[0].request().await;
        let addresses: Vec<_> = rogues.iter().map(|rogue| rogue.address().to_owned()).collect();
        crate::shard::apply(&router, &[&addresses[0], &addresses[1]]).await;
        all_up(&router, 2).await;
        let [first, mut second, third] = rogues;
        drop(first);
        second.request().await;
        crate::shard::apply(&router, &[&addresses[1], &addresses[2]]).await;
        all_up(&router, 2).await;
        drop(second);
        inbox.failure(ErrorCode::BackendUnavailable).await;
        assert_eq!(router.stats().retried, 1);
        drop(third);
    });
}

#[test]
fn a_call_may_be_cancelled_while_it_waits_to_be_repeated() {
    on_shard(async {
        let mut dying = holder();
        let mut other = holder();
        let options = Options { retry_jitter_ms: 100_000, ..Options::default() };
        let router = router(options, &[dying.address()]).await;
        let inbox = Inbox::new();
        let key = tool("repeat", "").start(&router, &inbox, 0).expect("a replica is there");
        dying.request().await;
        crate::shard::apply(&router, &[dying.address(), other.address()]).await;
        all_up(&router, 2).await;
        drop(dying);
        until("the loss", || router.stats().links_lost == 1).await;
        assert_eq!(router.in_flight(), 1, "it waits");
        assert!(router.cancel(key));
        assert_eq!(tool("any", "").run(&router).await, Event::Result("1".into()));
        assert_eq!(other.request().await.tool, "any");
        assert!(other.saw_nothing_more() && inbox.is_empty());
    });
}

#[test]
fn calls_that_wait_for_a_first_dial_that_fails_move_to_another_replica() {
    on_shard(async {
        let living = holder();
        let nobody = refusing();
        let router = Router::new(Dialer::default());
        let described = description(&["any"], true);
        let replicas = [replica(&nobody, described.clone()), replica(living.address(), described)];
        apply_replicas(&router, &replicas);
        let inbox = Inbox::new();
        for tag in 0..50 {
            tool("any", "").start(&router, &inbox, tag).expect("both are being dialled");
        }
        for _ in 0..50 {
            inbox.result().await;
        }
        assert!(router.stats().rerouted > 0);
    });
}

#[test]
fn calls_that_wait_for_the_only_dial_fail_when_it_does() {
    on_shard(async {
        let router = Router::new(Dialer::default());
        apply_replicas(&router, &[replica(&refusing(), description(&["any"], true))]);
        let inbox = Inbox::new();
        tool("any", "").start(&router, &inbox, 0).expect("it is being dialled");
        let failure = inbox.failure(ErrorCode::BackendUnavailable).await;
        assert!(failure.message.contains("rogue"), "{failure:?}");
    });
}

#[test]
fn a_lost_replica_that_the_directory_lists_anew_is_dialled_at_once() {
    on_shard(async {
        let make = || Backend::new("real").tool(Tool::new("echo", |_: Served, a: Raw| async move { Ok(a) }));
        let process = Process::backend("127.0.0.1:0", make);
        // Left to itself it would dial again in a minute.
        let options = Options { reconnect_ms: 60_000, reconnect_max_ms: 60_000, ..Options::default() };
        let router = router(options, &[&process.address]).await;
        let address = process.kill();
        until("the loss", || router.stats().links_up == 0).await;
        let _again = Process::backend(&address, make);
        crate::shard::apply(&router, &[&address]).await;
        all_up(&router, 1).await;
        assert_eq!(tool("echo", "2").run(&router).await, Event::Result("2".into()));
    });
}

/// An address at which nobody listens.
fn refusing() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", listener.local_addr().expect("it is bound"))
}
