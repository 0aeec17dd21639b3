//! Calls to real backends that go well, and those that their callers give up.
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backend::{Backend, Call as Served, Failure as Refusal, Handler, Raw, Tool};
use protocol::{ErrorCode, pb};
use router::{Call, CallKey, Caller, Event, Options, Router, Sink};
use tokio::sync::mpsc;

use crate::rogue::{Rogue, result, say};
use crate::shard::{Inbox, Process, on_shard, router, tool};

fn echo() -> Backend {
    Backend::new("real")
        .tool(Tool::new("echo", |_: Served, args: Raw| async move { Ok(args) }))
        .tool(Tool::new("fail", |_: Served, _: Raw| async move {
            let refusal = Refusal::not_found("no such file").with_details(vec![1, 2]);
            Err::<Raw, _>(refusal)
        }))
        .tool(Tool::new("steps", |call: Served, _: Raw| async move {
            for step in 0..3 {
                call.progress(f64::from(step), 3.0, format!("step {step}")).await;
                call.partial(vec![step]).await?;
            }
            Ok(vec!["done"])
        }))
        .method(Handler::new(
            "workflow.*",
            |call: Served, _: Raw| async move { Ok(call.method().to_owned()) },
        ))
}

#[test]
fn a_result_comes_back_with_the_tag_of_its_call() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", echo);
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        tool("echo", r#"{"x":[1,"ä"]}"#).start(&router, &inbox, 42).expect("a replica is there");
        assert_eq!(inbox.next().await, (42, Event::Result(r#"{"x":[1,"ä"]}"#.into())));
        assert_eq!(router.in_flight(), 0);
    });
}

#[test]
fn progress_and_parts_arrive_in_order_before_the_result() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", echo);
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        tool("steps", "{}").start(&router, &inbox, 0).expect("a replica is there");
        for step in 0..3 {
            match inbox.next().await.1 {
                Event::Progress(progress) => {
                    assert_eq!(progress.message, format!("step {step}"));
                    assert_eq!((progress.progress, progress.total), (f64::from(step), 3.0));
                }
                other => panic!("expected progress {step}, got {other:?}"),
            }
            assert_eq!(inbox.next().await.1, Event::Partial(format!("[{step}]").into()));
        }
        assert_eq!(inbox.result().await, r#"["done"]"#);
    });
}

#[test]
fn an_error_comes_with_its_code_message_and_details() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", echo);
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        tool("fail", "{}").start(&router, &inbox, 0).expect("a replica is there");
        let failure = inbox.failure(ErrorCode::NotFound).await;
        assert_eq!(failure.message, "no such file");
        assert_eq!(failure.details.as_deref(), Some(&b"[1,2]"[..]));
    });
}

#[test]
fn the_backend_sees_the_whole_request() {
    on_shard(async {
        let mut rogue = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "1")));
        let router = router(Options::default(), &[rogue.address()]).await;
        let identity =
            pb::Identity { tenant: "acme".into(), agent: "bot".into(), scopes: vec!["a".into(), "b".into()] };
        let inbox = Inbox::new();
        let table = router.table();
        let call = Call {
            handler: table.tool("any").expect("it is there"),
            method: "ignored for tools",
            params: br#"{"a":1}"#,
            caller: &Caller::new(&identity, "session"),
            idempotency_key: ["key", "", ""],
            join: false,
            traceparent: "00-1-2-01",
            tracestate: "vendor=1",
            timeout: Some(Duration::from_secs(7)),
        };
        router.start(call, Rc::clone(&inbox) as Rc<dyn Sink>, 0).expect("a replica is there");
        inbox.result().await;
        let seen = rogue.request().await;
        assert!((6_000..=7_000).contains(&seen.timeout_ms), "{}", seen.timeout_ms);
        let expected = pb::CallRequest {
            call_id: seen.call_id,
            cancel: false,
            method: "tool.execute".into(),
            tool: "any".into(),
            params: r#"{"a":1}"#.into(),
            identity: Some(identity),
            session_id: "session".into(),
            idempotency_key: "key".into(),
            join: false,
            traceparent: "00-1-2-01".into(),
            tracestate: "vendor=1".into(),
            timeout_ms: seen.timeout_ms,
        };
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_method_reaches_the_handler_of_its_prefix_under_its_own_name() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", echo);
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        let table = router.table();
        let call = Call {
            handler: table.method("workflow.start").expect("the prefix covers it"),
            method: "workflow.start",
            params: b"",
            caller: &Caller::new(&pb::Identity::default(), ""),
            idempotency_key: [""; 3],
            join: false,
            traceparent: "",
            tracestate: "",
            timeout: None,
        };
        router.start(call, Rc::clone(&inbox) as Rc<dyn Sink>, 0).expect("a replica is there");
        assert_eq!(inbox.result().await, r#""workflow.start""#);
    });
}

#[test]
fn a_thousand_calls_at_once_each_get_their_own_answer() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", echo);
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        for tag in 0..1_000 {
            tool("echo", &tag.to_string()).start(&router, &inbox, tag).expect("there is room");
        }
        assert!(inbox.is_empty(), "nothing is delivered from inside start");
        assert_eq!(router.in_flight(), 1_000);
        let mut seen = vec![false; 1_000];
        for _ in 0..1_000 {
            let (tag, event) = inbox.next().await;
            assert_eq!(event, Event::Result(tag.to_string().into()));
            assert!(!std::mem::replace(&mut seen[tag as usize], true), "{tag} came twice");
        }
        assert_eq!(router.in_flight(), 0);
    });
}

#[test]
fn a_large_argument_and_a_large_result_pass_whole() {
    on_shard(async {
        let process = Process::backend("127.0.0.1:0", echo);
        let router = router(Options::default(), &[&process.address]).await;
        let large = format!("\"{}\"", "y".repeat(7 << 20));
        let event = tool("echo", &large).run(&router).await;
        assert!(event == Event::Result(large.into()), "the result is what was sent");
    });
}

/// Tells the test when a handler's future is dropped.
struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// A real backend whose tool `hang` never ends, and what becomes of its calls.
fn hanging() -> (Process, mpsc::UnboundedReceiver<&'static str>) {
    let (note, noted) = mpsc::unbounded_channel();
    let process = Process::backend("127.0.0.1:0", move || {
        let hang = Tool::new("hang", move |_: Served, _: Raw| {
            let note = note.clone();
            async move {
                let _dropped = Dropped(note.clone());
                note.send("started").map_err(Refusal::internal)?;
                std::future::pending::<()>().await;
                Ok(())
            }
        });
        echo().tool(hang)
    });
    (process, noted)
}

#[test]
fn a_cancel_reaches_the_backend_and_nothing_is_delivered_after_it() {
    on_shard(async {
        let (process, mut noted) = hanging();
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        let key = tool("hang", "{}").start(&router, &inbox, 0).expect("a replica is there");
        assert_eq!(noted.recv().await, Some("started"));
        assert!(router.cancel(key));
        assert_eq!(router.in_flight(), 0);
        assert_eq!(noted.recv().await, Some("dropped"));
        assert!(!router.cancel(key), "it has ended already");
        // The backend says 4008 to the cancel; that comes before the answer to a later call.
        assert_eq!(tool("echo", "1").run(&router).await, Event::Result("1".into()));
        assert!(inbox.is_empty());
        assert_eq!(router.stats().stray_events, 1);
    });
}

#[test]
fn a_call_cancelled_before_it_was_sent_never_reaches_the_backend() {
    on_shard(async {
        let mut rogue = Rogue::start(&["any"], |request, answers| say(answers, result(request.call_id, "1")));
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        let first = tool("any", "1").start(&router, &inbox, 1).expect("it waits for the dial");
        tool("any", "2").start(&router, &inbox, 2).expect("it waits for the dial");
        router.cancel(first);
        assert_eq!(inbox.next().await.0, 2);
        assert_eq!(rogue.request().await.params, "2");
        assert!(rogue.saw_nothing_more());
    });
}

#[test]
fn dropping_the_router_cancels_what_is_in_flight() {
    on_shard(async {
        let (process, mut noted) = hanging();
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        tool("hang", "{}").start(&router, &inbox, 0).expect("a replica is there");
        assert_eq!(noted.recv().await, Some("started"));
        drop(router);
        assert_eq!(noted.recv().await, Some("dropped"));
        assert!(inbox.is_empty());
    });
}

/// Cancels one call and starts another whenever it is delivered to.
struct Busy {
    router: Router,
    victim: RefCell<Option<CallKey>>,
    inbox: Rc<Inbox>,
}

impl Sink for Busy {
    fn deliver(&self, tag: u64, event: Event) {
        if let Some(victim) = self.victim.take() {
            assert!(self.router.cancel(victim));
            tool("echo", "9").start(&self.router, &self.inbox, 9).expect("there is room");
        }
        self.inbox.deliver(tag, event);
    }
}

#[test]
fn a_sink_may_start_and_cancel_calls_while_it_is_delivered_to() {
    on_shard(async {
        let (process, _noted) = hanging();
        let router = router(Options::default(), &[&process.address]).await;
        let inbox = Inbox::new();
        let victim = tool("hang", "{}").start(&router, &inbox, 1).expect("a replica is there");
        let sink =
            Busy { router: router.clone(), victim: RefCell::new(Some(victim)), inbox: Rc::clone(&inbox) };
        let table = router.table();
        let call = Call {
            handler: table.tool("echo").expect("it is there"),
            method: "",
            params: b"5",
            caller: &Caller::new(&pb::Identity::default(), ""),
            idempotency_key: [""; 3],
            join: false,
            traceparent: "",
            tracestate: "",
            timeout: None,
        };
        router.start(call, Rc::new(sink), 5).expect("a replica is there");
        assert_eq!(inbox.next().await, (5, Event::Result("5".into())));
        assert_eq!(inbox.next().await, (9, Event::Result("9".into())));
        assert_eq!(router.in_flight(), 0);
    });
}

#[test]
fn results_of_one_connection_arrive_in_the_order_in_which_they_were_sent() {
    on_shard(async {
        let held = Arc::new(Mutex::new(Vec::new()));
        let rogue = Rogue::start(&["any"], move |request, answers| {
            let mut held = held.lock().expect("no script panics");
            held.push(request.call_id);
            if held.len() == 3 {
                held.drain(..).rev().for_each(|id| say(answers, result(id, "0")));
            }
        });
        let router = router(Options::default(), &[rogue.address()]).await;
        let inbox = Inbox::new();
        for tag in 0..3 {
            tool("any", "").start(&router, &inbox, tag).expect("a replica is there");
        }
        for tag in (0..3).rev() {
            assert_eq!(inbox.next().await.0, tag);
        }
    });
}
