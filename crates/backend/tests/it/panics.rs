//! Handlers that panic: their call fails, and nothing else does.
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use backend::{Backend, Call, ErrorCode, Tool};
use serde_json::Value;

use crate::harness::{Calls, call, check_code, error, result, serve, tool};

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("secret of a drop");
    }
}

fn panicking() -> Backend {
    Backend::new("panicking")
        .tool(Tool::new("before", |_: Call, _: Value| -> std::future::Ready<Result<(), _>> {
            panic!("secret before the future")
        }))
        .tool(Tool::new("within", |_: Call, _: Value| async move {
            tokio::task::yield_now().await;
            if true {
                panic!("secret within the future");
            }
            Ok(())
        }))
        .tool(Tool::new("dropped", |call: Call, _: Value| async move {
            let _panics = PanicsWhenDropped;
            call.progress(0.0, None, "started").await;
            std::future::pending::<()>().await;
            Ok(())
        }))
        .tool(Tool::new("echo", |_: Call, args: Value| async move { Ok(args) }))
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log is sound").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_fails_its_call_and_is_logged_and_stays_inside() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer({
        let log = log.clone();
        move || log.clone()
    });
    let _logging = tracing::subscriber::set_default(subscriber.finish());
    let (_running, client) = serve(panicking()).await;
    let mut calls = Calls::open(&client).await;
    for name in ["before", "within"] {
        calls.send(tool(1, name, "")).await;
        let over_calls = error(calls.next().await.1);
        let over_call = error(call(&client, tool(1, name, "")).await);
        for failed in [over_calls, over_call] {
            assert_eq!(failed.code, 4003);
            assert_eq!(failed.message, "the backend failed");
            assert!(failed.details.is_empty());
        }
    }
    let log = String::from_utf8(log.0.lock().expect("the log is sound").clone()).expect("logs are text");
    assert!(log.contains("secret before the future") && log.contains("secret within the future"), "{log}");
}

#[tokio::test]
async fn calls_beside_a_panic_go_on() {
    let (_running, client) = serve(panicking()).await;
    let mut calls = Calls::open(&client).await;
    for call_id in 0..10 {
        let (name, args) = if call_id % 2 == 0 { ("within", "{}") } else { ("echo", "7") };
        calls.send(tool(call_id, name, args)).await;
    }
    let mut answered = 0;
    for _ in 0..10 {
        match calls.next().await {
            (call_id, event) if call_id % 2 == 0 => check_code(event, ErrorCode::Internal),
            (_, event) => {
                assert_eq!(result(event), "7");
                answered += 1;
            }
        }
    }
    assert_eq!(answered, 5);
}

#[tokio::test]
async fn a_drop_guard_that_panics_at_a_cancel_harms_nobody() {
    let (_running, client) = serve(panicking()).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "dropped", "")).await;
    calls.next().await;
    calls.cancel(1).await;
    check_code(calls.next().await.1, ErrorCode::Cancelled);
    calls.send(tool(1, "echo", "1")).await;
    assert_eq!(result(calls.next().await.1), "1");
}
