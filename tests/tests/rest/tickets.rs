//! Tickets: what opens a WebSocket for who can set no header, once and soon, at whichever pod.

use serde_json::json;
use tests::{Endpoints, Gateway, Http, Keys, Pods, Request, Response, until};

fn enabled(ttl_s: u64) -> impl FnOnce(&mut gateway::Config) {
    move |config| {
        config.auth.tickets.enabled = true;
        config.auth.tickets.ttl_s = ttl_s;
    }
}

/// A ticket for the holder of this connection.
#[track_caller]
fn ticket(http: &mut Http) -> String {
    let answer = http.ask("POST", "/tickets", &[], None);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let body = answer.json();
    assert!(body["expires_in"].as_u64().is_some_and(|left| (1..=600).contains(&left)), "{body}");
    body["ticket"].as_str().expect("a ticket").to_owned()
}

/// An upgrade with this query and no token.
fn upgrade(gateway: &Endpoints, query: &str) -> Request {
    Request::upgrade(gateway.clients).line(&format!("GET /ws?{query} HTTP/1.1"))
}

fn answer(gateway: &Endpoints, request: &Request) -> Response {
    let mut socket = gateway.open();
    socket.send(&request.bytes());
    socket.head()
}

#[track_caller]
fn check(gateway: &Endpoints, request: &Request, says: &str) {
    let mut socket = gateway.open();
    socket.send(&request.bytes());
    let answer = socket.response();
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert!(answer.error().contains(says), "{}", answer.text());
    let challenge = answer.header("WWW-Authenticate").expect("a challenge");
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
}

#[test]
fn a_ticket_opens_one_websocket() {
    let gateway = Gateway::with(enabled(30));
    let mut http = Http::open(&gateway);
    for query in ["ticket=", "a=b&ticket="] {
        let request = upgrade(&gateway, &format!("{query}{}", ticket(&mut http)));
        assert_eq!(answer(&gateway, &request).status, 101);
        check(&gateway, &request, "it was used, has run out, or was never given out");
    }
    let tickets: Vec<_> = (0..2).map(|_| ticket(&mut http)).collect();
    assert_ne!(tickets[0], tickets[1]);
}

#[test]
fn a_ticket_is_good_at_every_pod_and_once_over_all() {
    let pods = Pods::new();
    let (here, there) = (pods.pod_with(enabled(30)), pods.pod_with(enabled(30)));
    let ticket = ticket(&mut Http::open(&here));
    let request = |pod: &Endpoints| upgrade(pod, &format!("ticket={ticket}"));
    assert_eq!(answer(&there, &request(&there)).status, 101);
    for pod in [&here, &there] {
        check(pod, &request(pod), "it was used");
    }
}

#[test]
fn a_ticket_runs_out_and_not_later_than_its_token() {
    let gateway = Gateway::with(enabled(1));
    until("a ticket that has run out", || {
        let request = upgrade(&gateway, &format!("ticket={}", ticket(&mut Http::open(&gateway))));
        // Its second has to pass, and it can't be asked for meanwhile: that would use it up.
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        (answer(&gateway, &request).status == 401).then_some(())
    });
    let gateway = Gateway::with(enabled(600));
    let claims = auth::Claims { ttl: std::time::Duration::from_secs(100), ..Keys::claims() };
    let token = gateway.keys.mint(&claims);
    let body = Http::with_token(&gateway, &token).ask("POST", "/tickets", &[], None).json();
    assert!(body["expires_in"].as_u64().is_some_and(|left| left <= 100), "{body}");
}

#[test]
fn a_ticket_is_taken_where_it_belongs_and_alone() {
    let gateway = Gateway::with(enabled(30));
    let mut http = Http::open(&gateway);
    let misplaced = "a ticket opens a WebSocket alone";
    let query = format!("ticket={}", ticket(&mut http));
    let token = format!("Bearer {}", gateway.keys.token());
    check(&gateway, &upgrade(&gateway, &query).with("Authorization", &token), misplaced);
    let offered = format!("mcp.v1, mcpw.bearer.{}", gateway.keys.token());
    check(&gateway, &upgrade(&gateway, &query).with("Sec-WebSocket-Protocol", &offered), misplaced);
    let problem = http.get(&format!("/tools?{query}")).problem(401, 4001);
    assert!(problem.contains(misplaced), "{problem}");
    // None of these has used it up.
    assert_eq!(answer(&gateway, &upgrade(&gateway, &query)).status, 101);
    for query in ["ticket=", "ticket=x", "ticket=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        check(&gateway, &upgrade(&gateway, query), "the ticket is not accepted");
    }
    // A token is no ticket, wherever it stands.
    check(
        &gateway,
        &upgrade(&gateway, &format!("ticket={}", gateway.keys.token())),
        "the ticket is not accepted",
    );
    let says = "a token must not stand in a URL";
    check(&gateway, &upgrade(&gateway, &format!("token={}", gateway.keys.token())), says);
}

#[test]
fn without_the_setting_there_are_none() {
    let gateway = Gateway::start();
    let problem = Http::open(&gateway).ask("POST", "/tickets", &[], None).problem(404, 4004);
    assert!(problem.contains("auth.tickets.enabled"), "{problem}");
    check(&gateway, &upgrade(&gateway, "ticket=x"), "auth.tickets.enabled");
}

#[test]
fn who_comes_by_a_ticket_is_who_has_asked_for_it() {
    let gateway = Gateway::with(enabled(30));
    let scopes = vec!["event:publish".to_owned()];
    let claims = auth::Claims { scopes, ..auth::Claims::new("acme", "browser") };
    let mut http = Http::with_token(&gateway, &gateway.keys.mint(&claims));
    let mut client = gateway.accepted(&upgrade(&gateway, &format!("ticket={}", ticket(&mut http))));
    let session = client.ask("initialize", &json!({}));
    assert_eq!((&session["tenant"], &session["agent"]), (&json!("acme"), &json!("browser")), "{session}");
}
