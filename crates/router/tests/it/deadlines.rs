//! Calls that take too long.
use std::time::{Duration, Instant};

use protocol::ErrorCode;
use router::Options;

use crate::rogue::{Rogue, description, result, say};
use crate::shard::{Inbox, on_shard, router, tool};

#[test]
fn a_call_that_misses_its_deadline_fails_with_4007_and_the_backend_sees_the_cancel() {
    on_shard(async {
        let mut rogue = Rogue::start(&["hang"], |_, _| ());
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        let start = Instant::now();
        tool("hang", "").within_ms(100).start(&router, &inbox, 0).expect("a replica is there");
        let failure = inbox.failure(ErrorCode::DeadlineExceeded).await;
        let took = start.elapsed();
        assert!((100..1_000).contains(&took.as_millis()), "{took:?}");
        assert!(failure.message.contains("rogue") && failure.message.contains("100 ms"), "{failure:?}");
        let sent = rogue.request().await;
        let cancel = rogue.request().await;
        assert_eq!((cancel.call_id, cancel.cancel), (sent.call_id, true));
        assert_eq!(router.in_flight(), 0);
    });
}

#[test]
fn deadlines_come_in_their_own_order_whatever_the_order_of_the_calls() {
    on_shard(async {
        let rogue = Rogue::start(&["hang"], |_, _| ());
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        for tag in [200, 50, 125] {
            tool("hang", "").within_ms(tag).start(&router, &inbox, tag).expect("a replica is there");
        }
        for tag in [50, 125, 200] {
            assert_eq!(inbox.next().await.0, tag);
        }
        assert_eq!(router.stats().expired, 3);
    });
}

#[test]
fn no_call_may_take_longer_than_the_maximum() {
    on_shard(async {
        let mut rogue = Rogue::start(&["hang"], |_, _| ());
        let options = Options { default_timeout_ms: 50, max_timeout_ms: 100, ..Options::default() };
        let router = router(options, &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("hang", "").within_ms(60_000).start(&router, &inbox, 0).expect("a replica is there");
        inbox.failure(ErrorCode::DeadlineExceeded).await;
        assert!(rogue.request().await.timeout_ms <= 100);
    });
}

#[test]
fn the_handlers_own_timeout_holds_where_the_caller_names_none() {
    on_shard(async {
        let mut described = description(&["slow", "plain"], true);
        described.tools[0].timeout_ms = 80;
        let mut rogue = Rogue::serve(described, |_, _| ());
        let options = Options { default_timeout_ms: 200, ..Options::default() };
        let router = router(options, &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("plain", "").start(&router, &inbox, 200).expect("a replica is there");
        tool("slow", "").start(&router, &inbox, 80).expect("a replica is there");
        tool("slow", "").within_ms(140).start(&router, &inbox, 140).expect("a replica is there");
        for tag in [80, 140, 200] {
            assert_eq!(inbox.next().await.0, tag);
        }
        let sent = [rogue.request().await, rogue.request().await, rogue.request().await];
        for (request, most) in sent.iter().zip([200, 80, 140]) {
            assert!(request.timeout_ms <= most, "{request:?}");
        }
    });
}

#[test]
fn a_timeout_of_zero_is_over_at_once() {
    on_shard(async {
        let rogue = Rogue::start(&["hang"], |_, _| ());
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("hang", "").within_ms(0).start(&router, &inbox, 0).expect("a replica is there");
        inbox.failure(ErrorCode::DeadlineExceeded).await;
    });
}

#[test]
fn an_answer_after_the_deadline_is_ignored() {
    on_shard(async {
        let rogue = Rogue::start(&["late"], |request, answers| {
            // Its answer to the cancel is a result.
            if request.cancel || request.params == "now" {
                say(answers, result(request.call_id, "1"));
            }
        });
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("late", "").within_ms(30).start(&router, &inbox, 0).expect("a replica is there");
        inbox.failure(ErrorCode::DeadlineExceeded).await;
        tool("late", "now").start(&router, &inbox, 7).expect("a replica is there");
        assert_eq!(inbox.next().await.0, 7);
        assert_eq!(router.stats().stray_events, 1);
        assert!(inbox.is_empty());
    });
}

#[test]
fn a_call_that_ended_in_time_leaves_no_deadline_behind() {
    on_shard(async {
        let rogue = Rogue::start(&["any"], |request, answers| {
            if request.params != "hang" {
                say(answers, result(request.call_id, "1"));
            }
        });
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        tool("any", "").within_ms(500).start(&router, &inbox, 1).expect("a replica is there");
        inbox.result().await;
        // Takes the place of the first in every list.
        tool("any", "hang").within_ms(700).start(&router, &inbox, 2).expect("a replica is there");
        let start = Instant::now();
        inbox.failure(ErrorCode::DeadlineExceeded).await;
        assert!(start.elapsed() >= Duration::from_millis(690));
        assert!(inbox.is_empty());
    });
}
