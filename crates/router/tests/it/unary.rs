//! Backends that serve Call alone.
use std::sync::Mutex;
use std::time::{Duration, Instant};

use protocol::pb::call_event::Event as Sent;
use protocol::{ErrorCode, pb};
use router::{Event, Options};
use tonic::Status;

use crate::rogue::{Answers, Rogue, Seen, event, result, say};
use crate::shard::{Inbox, on_shard, router, tool};

/// Answers `any`; keeps the streams of `hang` open; ends those of `stop` without a word.
fn plain() -> Rogue {
    let held: Mutex<Vec<Answers>> = Mutex::default();
    Rogue::unary(&["any!", "hang", "stop", "steps"], move |request, answers| match request.tool.as_str() {
        "any" => say(answers, result(0, std::str::from_utf8(&request.params).expect("it is UTF-8"))),
        "hang" => held.lock().expect("no script panics").push(answers.clone()),
        "steps" => {
            for step in 0..3 {
                let progress = pb::Progress { progress: f64::from(step), ..Default::default() };
                say(answers, event(0, Sent::Progress(progress)));
                say(answers, event(0, Sent::Partial(step.to_string().into())));
            }
            say(answers, result(0, "3"));
        }
        _ => {}
    })
}

#[test]
fn calls_run_side_by_side_and_each_gets_its_own_answer() {
    on_shard(async {
        let rogue = plain();
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("hang", "").start(&router, &inbox, 999).expect("a replica is there");
        for tag in 0..100 {
            tool("any", &tag.to_string()).start(&router, &inbox, tag).expect("a replica is there");
        }
        for _ in 0..100 {
            let (tag, end) = inbox.next().await;
            assert_eq!(end, Event::Result(tag.to_string().into()));
        }
        assert_eq!(router.in_flight(), 1);
    });
}

#[test]
fn progress_and_parts_arrive_in_order() {
    on_shard(async {
        let rogue = plain();
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("steps", "").start(&router, &inbox, 0).expect("a replica is there");
        for step in 0..3 {
            let progress = pb::Progress { progress: f64::from(step), ..Default::default() };
            assert_eq!(inbox.next().await.1, Event::Progress(progress));
            assert_eq!(inbox.next().await.1, Event::Partial(step.to_string().into()));
        }
        assert_eq!(inbox.result().await, "3");
    });
}

#[test]
fn a_call_that_ended_well_does_not_look_cancelled() {
    on_shard(async {
        let mut rogue = plain();
        let router = router(Options::default(), &[rogue.address()]).await;
        assert_eq!(tool("any", "1").run(&router).await, Event::Result("1".into()));
        assert_eq!(tool("any", "2").run(&router).await, Event::Result("2".into()));
        rogue.request().await;
        rogue.request().await;
        assert!(rogue.saw_nothing_more());
    });
}

#[test]
fn a_cancel_drops_the_stream() {
    on_shard(async {
        let mut rogue = plain();
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        let key = tool("hang", "").start(&router, &inbox, 0).expect("a replica is there");
        rogue.request().await;
        assert!(router.cancel(key));
        assert!(matches!(rogue.seen().await, Seen::Dropped));
        assert!(inbox.is_empty());
    });
}

#[test]
fn a_deadline_ends_the_call_and_drops_the_stream() {
    on_shard(async {
        let mut rogue = plain();
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("hang", "").within_ms(100).start(&router, &inbox, 0).expect("a replica is there");
        inbox.failure(ErrorCode::DeadlineExceeded).await;
        assert!(rogue.request().await.timeout_ms <= 100);
        assert!(matches!(rogue.seen().await, Seen::Dropped));
    });
}

#[test]
fn the_death_of_the_backend_fails_its_calls_at_once() {
    on_shard(async {
        let mut rogue = plain();
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
        let refused = tool("any", "").start(&router, &inbox, 0).expect_err("nobody is there");
        assert_eq!(refused.code, ErrorCode::BackendUnavailable);
    });
}

#[test]
fn an_idle_connection_that_died_costs_no_call_that_may_be_repeated() {
    on_shard(async {
        let dying = plain();
        let staying = plain();
        let router = router(Options::default(), &[dying.address(), staying.address()]).await;
        drop(dying);
        for _ in 0..20 {
            assert_eq!(tool("any", "1").run(&router).await, Event::Result("1".into()));
        }
    });
}

#[test]
fn a_status_means_what_grpc_says() {
    on_shard(async {
        let refuse = Rogue::unary(&["any"], |request, answers| {
            let code =
                std::str::from_utf8(&request.params).expect("it is UTF-8").parse().expect("it is a code");
            say(answers, Err(Status::new(tonic::Code::from_i32(code), "because")));
        });
        let router = router(Options { eject_after: 0, ..Options::default() }, &[refuse.address()]).await;
        for (status, code) in [
            (3, ErrorCode::InvalidParams),
            (4, ErrorCode::DeadlineExceeded),
            (5, ErrorCode::NotFound),
            (7, ErrorCode::Forbidden),
            (9, ErrorCode::Conflict),
            (13, ErrorCode::Internal),
            (14, ErrorCode::BackendUnavailable),
        ] {
            match tool("any", &status.to_string()).run(&router).await {
                Event::Failed(failure) => {
                    assert_eq!(failure.code, code);
                    let doubt = if status < 13 { "" } else { "; the call may have been executed" };
                    assert_eq!(failure.message, format!("backend rogue: because{doubt}"));
                }
                other => panic!("expected {code:?}, got {other:?}"),
            }
        }
        assert_eq!(router.stats().links_lost, 0);
    });
}

#[test]
fn a_stream_that_ends_without_an_answer_is_4003() {
    on_shard(async {
        let rogue = plain();
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("stop", "").start(&router, &inbox, 0).expect("a replica is there");
        let failure = inbox.failure(ErrorCode::Internal).await;
        assert!(failure.message.contains("without a result"), "{failure:?}");
    });
}

#[test]
fn a_message_over_the_limit_is_4012_and_stays_with_its_call() {
    on_shard(async {
        let rogue = Rogue::unary(&["huge", "hang"], |request, answers| {
            if request.tool == "huge" {
                say(answers, result(0, &"x".repeat(200_000)));
            } else {
                std::mem::forget(answers.clone());
            }
        });
        let router =
            router(Options { max_result_bytes: 1_000, ..Options::default() }, &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("hang", "").start(&router, &inbox, 1).expect("a replica is there");
        let huge = Inbox::new();
        tool("huge", "").start(&router, &huge, 2).expect("a replica is there");
        huge.failure(ErrorCode::TooLarge).await;
        assert!(inbox.is_empty());
        assert_eq!((router.in_flight(), router.stats().links_lost), (1, 0));
    });
}

#[test]
fn a_backend_that_promised_calls_and_has_none_is_used_one_by_one() {
    on_shard(async {
        let liar = Rogue::liar(&["any"], |_, answers| say(answers, result(0, "1")));
        let router = router(Options::default(), &[liar.address()]).await;
        crate::shard::until("the truth", || router.stats().links_lost == 1).await;
        crate::shard::until("a new connection", || router.stats().links_up == 1).await;
        assert_eq!(tool("any", "").run(&router).await, Event::Result("1".into()));
    });
}
