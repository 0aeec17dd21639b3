//! What a peer can't make a backend do.
use backend::{Backend, Call, Error, ErrorCode, Failure, Serve, Tool};
use serde_json::Value;

use crate::harness::{Calls, check_code, error, result, serve_with, soon, tool};

fn backend() -> Backend {
    Backend::new("limited")
        .tool(Tool::new("wait", |call: Call, _: Value| async move {
            call.progress(0.0, None, "started").await;
            std::future::pending::<()>().await;
            Ok(())
        }))
        .tool(Tool::new("length", |_: Call, text: String| async move { Ok(text.len()) }))
}

#[tokio::test]
async fn calls_over_the_limit_of_a_stream_are_refused_until_one_ends() {
    let (_running, client) = serve_with(backend(), Serve { max_running_calls: 2, ..Serve::default() }).await;
    let mut calls = Calls::open(&client).await;
    for call_id in [1, 2] {
        calls.send(tool(call_id, "wait", "")).await;
        assert_eq!(calls.next().await.0, call_id);
    }
    calls.send(tool(3, "length", "\"x\"")).await;
    let (call_id, event) = calls.next().await;
    assert_eq!(call_id, 3);
    check_code(event, ErrorCode::BackendUnavailable);

    calls.cancel(1).await;
    check_code(calls.next().await.1, ErrorCode::Cancelled);
    // The place is given back right after the event was queued, so at the latest by the next answer.
    loop {
        calls.send(tool(4, "length", "\"x\"")).await;
        match calls.next().await.1 {
            protocol::pb::call_event::Event::Error(error) => assert_eq!(error.code, 4009),
            event => break assert_eq!(result(event), "1"),
        }
    }
}

#[tokio::test]
async fn messages_of_many_mebibytes_pass() {
    let (_running, client) = serve_with(backend(), Serve::default()).await;
    let mut calls = Calls::open(&client).await;
    let size = 20 << 20;
    calls.send(tool(1, "length", &format!("\"{}\"", "x".repeat(size)))).await;
    assert_eq!(result(calls.next().await.1), size.to_string());
}

#[tokio::test]
async fn a_request_over_the_message_limit_ends_its_stream_with_an_error() {
    let (_running, client) =
        serve_with(backend(), Serve { max_message_size: 64 << 10, ..Serve::default() }).await;
    let text = format!("\"{}\"", "x".repeat(64 << 10));
    let requests = tokio_stream::iter([tool(1, "length", &text)]);
    let mut events = client.clone().calls(requests).await.expect("the stream is opened").into_inner();
    let status = soon(events.message()).await.expect_err("the request is too large");
    assert_eq!(status.code(), tonic::Code::OutOfRange, "{status:?}");
}

#[tokio::test]
async fn an_error_over_the_message_limit_is_told_without_its_details() {
    let fail = Tool::new("fail", |_: Call, length: usize| async move {
        let failure = Failure::not_found(format!("x{}", "é".repeat(length)));
        Err::<(), _>(failure.with_details("x".repeat(64 << 10)))
    });
    let options = Serve { max_message_size: 64 << 10, ..Serve::default() };
    let (_running, client) = serve_with(backend().tool(fail), options).await;
    let mut calls = Calls::open(&client).await;
    for (call_id, length, told) in [(1, 1, 2), (2, 40_000, 32_736)] {
        calls.send(tool(call_id, "fail", &length.to_string())).await;
        let error = error(calls.next().await.1);
        assert_eq!((error.code, error.message.chars().count(), error.details.len()), (4010, told, 0));
    }
    calls.send(tool(3, "length", "\"x\"")).await;
    assert_eq!(result(calls.next().await.1), "1", "the stream is whole");
}

#[tokio::test]
async fn options_out_of_range_are_refused_by_name() {
    let check = async |options: Serve, expected: &str| match backend().serve(options).await {
        Err(Error::Option { option, .. }) => assert_eq!(option, expected),
        other => panic!("not refused for {expected}: {other:?}"),
    };
    check(Serve { max_message_size: (64 << 10) - 1, ..Serve::default() }, "max_message_size").await;
    check(Serve { max_message_size: (1 << 30) + 1, ..Serve::default() }, "max_message_size").await;
    check(Serve { max_running_calls: 0, ..Serve::default() }, "max_running_calls").await;
    check(Serve { max_running_calls: 1_000_001, ..Serve::default() }, "max_running_calls").await;
    check(Serve { max_streams: 0, ..Serve::default() }, "max_streams").await;
    check(Serve { max_connections: 0, ..Serve::default() }, "max_connections").await;
    check(Serve { advertise: Some(String::new()), ..Serve::default() }, "advertise").await;
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_errors() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("a bound socket has an address").to_string();
    match backend().serve(Serve { listen: address.clone(), ..Serve::default() }).await {
        Err(Error::Listen { address: named, .. }) => assert_eq!(named, address),
        other => panic!("a taken address was bound: {other:?}"),
    }
    for gateway in ["", "ftp://gateway:9091", "https://gateway", "http://gateway:9091/path", "not an address"]
    {
        let register_at = vec![gateway.to_owned()];
        match backend().serve(Serve { register_at, ..Serve::default() }).await {
            Err(Error::GatewayAddress { address }) => assert_eq!(address, gateway),
            other => panic!("{gateway:?} was taken for an address: {other:?}"),
        }
    }
}
