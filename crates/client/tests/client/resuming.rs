//! What happens to sessions and requests when a connection is lost.

use client::{Client, Format, State};
use serde_json::{Value, json};

use crate::support::{Door, house};

/// What a gateway says that opens a session to be resumed with this token.
pub(crate) fn resumable(token: &str) -> Value {
    json!({"resumable": true, "resume_token": token, "resume_window_ms": 60000})
}

/// What it says when the session was resumed; the token is a new one.
pub(crate) fn resumed(token: &str) -> Value {
    json!({"resumable": true, "resumed": true, "recovered": true, "resume_token": token})
}

/// Both formats do the same.
async fn check_resumed(format: Format) {
    let gateway = house(async |door: Door| {
        let (mut peer, params) = door.session(resumable("t-1")).await;
        assert_eq!(params.get("resume"), None);
        let answered = peer.receive().await;
        let first = peer.receive().await;
        let second = peer.receive().await;
        peer.answer(&answered, json!("answered")).await;
        let mark = peer.receive().await;
        assert_eq!(mark["method"], "mark");
        drop(peer);

        let (mut peer, params) = door.session(resumed("t-2")).await;
        let ids: Vec<_> = [&first, &second, &mark].map(|it| it["id"].clone()).into();
        assert_eq!(params["resume"], json!({"session_id": "s-1", "resume_token": "t-1", "unanswered": ids}));
        let again = peer.receive_all().await;
        assert_eq!(again, [first.clone(), second.clone(), mark.clone()], "the same again, in order");
        for request in again.iter().rev() {
            peer.answer(request, request["params"].clone()).await;
        }
        drop(peer);

        let (peer, params) = door.session(resumed("t-3")).await;
        assert_eq!(params["resume"], json!({"session_id": "s-1", "resume_token": "t-2"}));
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().format(format).connect().await.expect("a client");
    let calls = [("answered", 0), ("first", 1), ("second", 2)];
    let mut handles = Vec::new();
    for (method, n) in calls {
        handles.push(client.call(method, n).await.expect("a call"));
    }
    let second = handles.pop().expect("three");
    let first = handles.pop().expect("three");
    assert_eq!(handles.pop().expect("three").await.expect("a result").get(), "\"answered\"");
    let mark = client.call("mark", 3).await.expect("a call");
    for (call, result) in [(first, "1"), (second, "2"), (mark, "3")] {
        assert_eq!(call.await.expect("a result").get(), result);
    }
    connected(&client, 3).await;
    client.close().await;
    gateway.finish().await;
}

/// Waits for the connection of this number and returns the state.
pub(crate) async fn connected(client: &Client, number: u64) -> State {
    let mut states = client.states();
    loop {
        match states.next().await.expect("a state") {
            state @ State::Connected { connection, .. } if connection == number => return state,
            State::Ended(error) => panic!("{error}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_is_not_answered_is_sent_again_with_the_same_ids_and_nothing_else_is() {
    check_resumed(Format::Json).await;
    check_resumed(Format::Binary).await;
}
