//! Backends that break the contract: what they do stays with the call that they do it to.
use protocol::pb::call_event::Event as Sent;
use protocol::{ErrorCode, pb};
use router::{Event, Options};

use crate::rogue::{Answers, Rogue, error, event, result, say};
use crate::shard::{Inbox, on_shard, router, tool};

/// A backend that answers `good` well and `bad` as the script says.
fn rogue(script: impl Fn(u64, &Answers) + Send + Sync + 'static) -> Rogue {
    Rogue::start(&["good", "bad"], move |request, answers| match request.tool.as_str() {
        "good" => say(answers, result(request.call_id, "\"good\"")),
        "bad" => script(request.call_id, answers),
        _ => {}
    })
}

/// Runs `bad` and then `good`, which must not notice; returns how `bad` ended and how many strays came.
async fn outcome(options: Options, script: impl Fn(u64, &Answers) + Send + Sync + 'static) -> (Event, u64) {
    let rogue = rogue(script);
    let router = router(options, &[rogue.address()]).await;
    let end = tool("bad", "").run(&router).await;
    assert_eq!(tool("good", "").run(&router).await, Event::Result("\"good\"".into()));
    assert_eq!((router.in_flight(), router.stats().links_lost), (0, 0));
    (end, router.stats().stray_events)
}

#[track_caller]
fn check(end: Event, code: ErrorCode, words: &str) {
    match end {
        Event::Failed(failure) => {
            assert_eq!(failure.code, code, "{failure:?}");
            assert!(failure.message.contains(words), "{failure:?}");
        }
        other => panic!("expected {code:?}, got {other:?}"),
    }
}

#[test]
fn a_second_answer_to_one_call_is_ignored() {
    on_shard(async {
        let (end, strays) = outcome(Options::default(), |id, answers| {
            say(answers, result(id, "1"));
            say(answers, result(id, "2"));
            say(answers, error(id, 4003));
            say(answers, event(id, Sent::Progress(pb::Progress::default())));
        })
        .await;
        assert_eq!((end, strays), (Event::Result("1".into()), 3));
    });
}

#[test]
fn an_answer_to_a_call_that_never_was_is_ignored() {
    on_shard(async {
        let (end, strays) = outcome(Options::default(), |id, answers| {
            for unknown in [0, 1, u64::MAX, id + 1, id ^ (1 << 30)] {
                say(answers, result(unknown, "\"evil\""));
            }
            say(answers, result(id, "1"));
        })
        .await;
        assert_eq!((end, strays), (Event::Result("1".into()), 5));
    });
}

#[test]
fn a_backend_cannot_answer_the_calls_of_another() {
    on_shard(async {
        // Calls get ids one after another: the thief answers for all that it can guess.
        let thief = Rogue::start(&["steal"], |request, answers| {
            for guess in 0..5_000u64 {
                say(answers, result(request.call_id ^ guess, "\"stolen\""));
                say(answers, result(request.call_id.wrapping_sub(guess << 24), "\"stolen\""));
                say(answers, result(request.call_id.wrapping_sub(guess << 24) ^ 1, "\"stolen\""));
            }
        });
        let mut described = crate::rogue::description(&["hang"], true);
        described.name = "honest".into();
        let mut honest = Rogue::serve(described, |_, _| ());
        let router = router(Options::default(), &[thief.address(), honest.address()]).await;
        let inbox = Inbox::new();
        tool("hang", "").start(&router, &inbox, 1).expect("a replica is there");
        honest.request().await;
        let stolen = Inbox::new();
        tool("steal", "").start(&router, &stolen, 2).expect("a replica is there");
        stolen.result().await;
        crate::shard::until("all that it said", || router.stats().stray_events >= 14_900).await;
        assert!(inbox.is_empty());
        assert_eq!(router.in_flight(), 1);
    });
}

#[test]
fn malformed_json_is_4003_and_names_the_backend() {
    on_shard(async {
        for (what, sent) in [
            ("a result", Sent::Result("{\"a\":".into())),
            ("an empty result", Sent::Result("".into())),
            ("bytes that are not UTF-8", Sent::Result(vec![b'"', 0xff, b'"'].into())),
            ("two values", Sent::Result("1 2".into())),
            ("a part", Sent::Partial("nope".into())),
            ("details", Sent::Error(pb::Error { code: 4010, message: "m".into(), details: "{".into() })),
        ] {
            let (end, _) =
                outcome(Options::default(), move |id, answers| say(answers, event(id, sent.clone()))).await;
            assert!(matches!(end, Event::Failed(_)), "{what}");
            check(end, ErrorCode::Internal, "backend rogue returned malformed JSON");
        }
    });
}

#[test]
fn a_malformed_part_also_ends_the_call_at_the_backend() {
    on_shard(async {
        let mut rogue = rogue(|id, answers| say(answers, event(id, Sent::Partial("nope".into()))));
        let router = router(Options::default(), &[rogue.address()]).await;
        check(tool("bad", "").run(&router).await, ErrorCode::Internal, "malformed");
        let sent = rogue.request().await;
        let cancel = rogue.request().await;
        assert_eq!((cancel.call_id, cancel.cancel), (sent.call_id, true));
    });
}

#[test]
fn a_result_over_the_limit_is_4012() {
    on_shard(async {
        let options = Options { max_result_bytes: 1_000, ..Options::default() };
        let (end, _) = outcome(options, |id, answers| {
            say(answers, result(id, &format!("\"{}\"", "x".repeat(999))));
        })
        .await;
        check(end, ErrorCode::TooLarge, "1000 bytes");
    });
}

#[test]
fn a_result_of_exactly_the_limit_passes() {
    on_shard(async {
        let options = Options { max_result_bytes: 1_000, ..Options::default() };
        let (end, _) = outcome(options, |id, answers| {
            say(answers, result(id, &format!("\"{}\"", "x".repeat(998))));
        })
        .await;
        assert!(matches!(end, Event::Result(text) if text.len() == 1_000));
    });
}

#[test]
fn parts_that_are_over_the_limit_together_end_the_call() {
    on_shard(async {
        let options = Options { max_result_bytes: 1_000, ..Options::default() };
        let mut rogue = rogue(|id, answers| {
            for _ in 0..20 {
                say(answers, event(id, Sent::Partial(format!("\"{}\"", "x".repeat(98)).into())));
            }
        });
        let router = router(options, &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("bad", "").start(&router, &inbox, 0).expect("a replica is there");
        for _ in 0..10 {
            assert!(matches!(inbox.next().await.1, Event::Partial(_)));
        }
        check(inbox.next().await.1, ErrorCode::TooLarge, "1000 bytes");
        assert!(!rogue.request().await.cancel);
        assert!(rogue.request().await.cancel);
        assert_eq!(tool("good", "").run(&router).await, Event::Result("\"good\"".into()));
        assert!(inbox.is_empty());
    });
}

#[test]
fn a_message_that_breaks_the_stream_fails_its_calls_and_the_next_connection_is_good() {
    on_shard(async {
        let options = Options { max_result_bytes: 1_000, ..Options::default() };
        let rogue = rogue(|id, answers| say(answers, result(id, &"x".repeat(200_000))));
        let router = router(options, &[rogue.address()]).await;
        check(tool("bad", "").run(&router).await, ErrorCode::BackendUnavailable, "rogue");
        crate::shard::until("a new connection", || router.stats().links_up == 1).await;
        assert_eq!(tool("good", "").run(&router).await, Event::Result("\"good\"".into()));
    });
}

#[test]
fn a_code_that_does_not_exist_becomes_4003() {
    on_shard(async {
        for code in [0, 1, 3_999, 4_015, 70_000] {
            let (end, _) =
                outcome(Options::default(), move |id, answers| say(answers, error(id, code))).await;
            check(end, ErrorCode::Internal, "as the script says");
        }
    });
}

#[test]
fn a_flood_of_progress_starves_no_other_call() {
    on_shard(async {
        let (end, strays) = outcome(Options::default(), |id, answers| {
            for step in 0..50_000u32 {
                let progress = pb::Progress { progress: f64::from(step), ..Default::default() };
                say(answers, event(id + (1 << 24), Sent::Progress(progress)));
            }
            say(answers, result(id, "1"));
        })
        .await;
        assert_eq!((end, strays), (Event::Result("1".into()), 50_000));
    });
}

#[test]
fn progress_that_is_no_number_is_left_out() {
    on_shard(async {
        let (end, _) = outcome(Options::default(), |id, answers| {
            for odd in [f64::NAN, f64::INFINITY] {
                say(answers, event(id, Sent::Progress(pb::Progress { progress: odd, ..Default::default() })));
                say(answers, event(id, Sent::Progress(pb::Progress { total: odd, ..Default::default() })));
            }
            say(answers, Ok(pb::CallEvent { call_id: id, event: None }));
            say(answers, result(id, "1"));
        })
        .await;
        assert_eq!(end, Event::Result("1".into()));
    });
}

#[test]
fn events_after_a_cancel_are_ignored() {
    on_shard(async {
        let mut rogue = Rogue::start(&["bad"], |request, answers| {
            if request.cancel {
                say(answers, event(request.call_id, Sent::Progress(pb::Progress::default())));
                say(answers, result(request.call_id, "1"));
            } else if request.params == "probe" {
                say(answers, result(request.call_id, "2"));
            }
        });
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        let key = tool("bad", "").start(&router, &inbox, 0).expect("a replica is there");
        rogue.request().await;
        assert!(router.cancel(key));
        assert_eq!(tool("bad", "probe").run(&router).await, Event::Result("2".into()));
        assert!(inbox.is_empty());
        assert_eq!(router.stats().stray_events, 2);
    });
}
