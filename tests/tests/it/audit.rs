//! The audit log: a line for each decision, in a chain that shows what was changed, on a disk that may fail.

use auth::{Authorization, AuthorizationRule, Claims, Effect};
use gateway::config::{Demand, Rate};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tests::{Gateway, Http, Keys, Session, Socket, until, until_within};

const CANARY: &str = "a-canary-that-no-log-may-hold";

/// A folder with a place for a log.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().expect("the system has a folder for temporary files"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("audit.jsonl")
    }

    fn gateway(&self) -> Gateway {
        start(Keys::fresh(), &self.file())
    }

    fn write(&self, name: &str, lines: &[&str]) -> PathBuf {
        let path = self.0.path().join(name);
        let text: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
        std::fs::write(&path, text).expect("the folder is ours");
        path
    }
}

fn start(keys: Keys, file: &Path) -> Gateway {
    Gateway::with_keys(keys, |config| {
        config.audit.file = Some(file.to_owned());
        config.authorization = Authorization {
            rules: vec![AuthorizationRule {
                effect: Effect::Deny,
                methods: Some(vec!["echo".to_owned()]),
                ..AuthorizationRule::default()
            }],
            ..Authorization::default()
        };
    })
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).expect("the log can be read")
}

fn lines(file: &Path) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    text(file).lines().map(parse).collect()
}

/// Waits for a line of this event, the last of several.
fn await_event(file: &Path, event: &str) -> Value {
    until(&format!("a line {event}"), || {
        let whole = text(file).ends_with('\n');
        whole.then(|| lines(file).into_iter().rfind(|line| line["event"] == event)).flatten()
    })
}

fn await_lines(file: &Path, count: usize) -> Vec<Value> {
    until(&format!("{count} lines"), || {
        let text = text(file);
        (text.ends_with('\n') && text.lines().count() == count).then(|| lines(file))
    })
}

fn verify(files: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpw-under-test"));
    command.args(["audit", "verify"]).args(files).output().expect("the program starts")
}

#[track_caller]
fn check_whole(files: &[&Path], count: usize) -> String {
    let output = verify(files);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.starts_with(&format!("{count} lines, ")), "{told}");
    told
}

#[track_caller]
fn check_wrong(files: &[&Path], line: usize, how: &str) {
    let output = verify(files);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let place = format!("{}:{line}: ", files.last().expect("a file").display());
    assert!(told.contains(&place) && told.contains(how), "{told:?} without {place:?} and {how:?}");
}

/// A gateway that has logged so many connections and ended.
fn with_connections(place: &Place, count: usize) -> Vec<String> {
    let mut gateway = place.gateway();
    let clients: Vec<_> = (0..count).map(|_| gateway.connect()).collect();
    await_lines(&place.file(), count);
    drop(clients);
    gateway.drain();
    gateway.await_end();
    text(&place.file()).lines().map(str::to_owned).collect()
}

#[test]
fn each_decision_is_a_line_that_says_who_and_why() {
    let place = Place::new();
    let gateway = place.gateway();
    let file = place.file();
    let claims = || Claims { scopes: vec!["*".to_owned()], ..Claims::new("acme", "bot") };
    let token = gateway.keys.mint(&Claims { token_id: Some("jti-1".to_owned()), ..claims() });
    let upgrade = gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
    let mut client = gateway.accepted(&upgrade);
    let connect = await_event(&file, "connect");
    for (member, expected) in [("tenant", "acme"), ("agent", "bot"), ("token_id", "jti-1")] {
        assert_eq!(connect[member], expected, "{connect}");
    }
    assert_eq!(connect["address"], "127.0.0.1", "{connect}");
    assert!(
        connect["time"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')),
        "{connect}"
    );
    assert!(connect["pod"].as_str().is_some_and(|pod| pod.len() == 36), "{connect}");

    client.ask_wrong("echo", &json!({"secret": CANARY}), 4013);
    let forbidden = await_event(&file, "forbidden");
    assert_eq!(forbidden["reason"], "echo: a rule of authorization denies it");
    for member in ["connection", "address", "tenant", "agent", "token_id", "pod"] {
        assert_eq!(forbidden[member], connect[member], "{forbidden}");
    }
    let fresh = gateway.keys.mint(&Claims { token_id: Some("jti-2".to_owned()), ..claims() });
    client.ask("session.refresh", &json!({"token": fresh}));
    assert_eq!(await_event(&file, "refresh")["token_id"], "jti-2");
    client.ask_wrong("session.refresh", &json!({"token": gateway.keys.token()}), 4001);
    assert_eq!(await_event(&file, "refuse")["reason"], "another_holder");

    // Who is not let in.
    let bad = gateway.upgrade().replace("Authorization", &format!("Bearer {CANARY}"));
    assert_eq!(gateway.ask(&bad).status, 401);
    until("the refusal", || (await_event(&file, "refuse")["reason"] == "malformed").then_some(()));
    assert_eq!(gateway.ask(&gateway.upgrade().with("Origin", "https://evil.example")).status, 403);
    until("the refusal", || (await_event(&file, "refuse")["reason"] == "origin").then_some(()));
    assert_eq!(Http::with_token(&gateway, "mcpw_nobody_x").get("/tools").status, 401);
    until("the refusal", || (await_event(&file, "refuse")["reason"] == "unknown_api_key").then_some(()));
    let powerless = gateway.keys.mint(&Claims { scopes: Vec::new(), ..claims() });
    Http::with_token(&gateway, &powerless).post("/events", &json!({"name": CANARY})).problem(403, 4013);
    until("the refusal", || {
        let reason = await_event(&file, "forbidden")["reason"].clone();
        (reason == "event.publish: the token lacks the scope \"event:publish\", which this call needs")
            .then_some(())
    });

    // Sessions that move, or do not.
    let session = Session::open(&gateway);
    let resume = session.resume(json!({}));
    let mut next = Session::initialize(gateway.connect(), resume.clone());
    next.ask("tool.list", &json!({}));
    let takeover = await_event(&file, "takeover");
    assert_eq!((&takeover["tenant"], &takeover["agent"]), (&json!("tenant"), &json!("agent")));
    let mut thief = gateway.accepted(&upgrade);
    thief.request("r", "initialize", &next.resume(json!({})));
    thief.error(&json!("r"), 4001);
    let refused = await_event(&file, "resume_refused");
    assert_eq!((&refused["agent"], &refused["reason"]), (&json!("bot"), &json!("foreign")));

    // What operators do.
    let revoke = json!({"tenant": "acme", "agent": "bot", "reason": "the laptop was stolen"});
    assert_eq!(gateway.admin_post("/admin/v1/revoke", &revoke).status, 200);
    let revoked = await_event(&file, "revoke");
    for member in ["tenant", "agent", "reason"] {
        assert_eq!(revoked[member], revoke[member], "{revoked}");
    }
    assert_eq!(gateway.admin_post("/health/drain", &json!({})).status, 202);
    assert!(await_event(&file, "drain")["address"].is_string());
    drop((client, next, thief, session));
    gateway.await_end();

    let all = lines(&file);
    for (index, line) in all.iter().enumerate() {
        assert_eq!(line["seq"], index as u64 + 1, "{line}");
    }
    let text = text(&file);
    for secret in [CANARY, &token, &fresh, &powerless, gateway.keys.secret(), "mcpw_nobody_x"] {
        assert!(!text.contains(secret), "{secret:?} is in the log");
    }
    for part in token.split('.') {
        assert!(!text.contains(part), "a part of a token is in the log");
    }
    let resume_token = resume["resume"]["resume_token"].as_str().expect("a token");
    assert!(!text.contains(resume_token), "a resume token is in the log");
    check_whole(&[&file], all.len());
}

#[test]
fn whoever_is_refused_by_where_it_comes_from_or_how_often_is_told() {
    let place = Place::new();
    let file = place.file();
    let gateway = Gateway::with(|config| {
        config.audit.file = Some(file.clone());
        config.security.trusted_proxies = vec!["127.0.0.9".to_owned()];
        config.security.denied_addresses = vec!["127.0.0.2".to_owned(), "192.0.2.0/24".to_owned()];
        config.websocket.max_connections_per_ip = 1;
        config.websocket.max_connections_per_user = 2;
        config.limits.connection = Rate { per_minute: 1, burst: 1 };
    });
    let behind = |client: &str| {
        let mut socket = Socket::connect_from([127, 0, 0, 9], gateway.clients);
        socket.send(&gateway.upgrade().with("X-Forwarded-For", client).bytes());
        let status = socket.response().status;
        (socket, status)
    };
    let refused = |count: usize, address: &str, reason: &str| {
        let line = await_lines(&file, count).remove(count - 1);
        let expected = (&json!("refuse"), &json!(address), &json!(reason));
        assert_eq!((&line["event"], &line["address"], &line["reason"]), expected, "{line}");
    };
    let one = behind("203.0.113.1");
    assert_eq!(one.1, 101);
    assert_eq!(await_event(&file, "connect")["address"], "203.0.113.1", "the client's, not the proxy's");
    assert_eq!(behind("192.0.2.1").1, 403);
    refused(2, "192.0.2.1", "address");
    let mut denied = Socket::connect_from([127, 0, 0, 2], gateway.clients);
    denied.await_end("the end of a connection that is not let in");
    refused(3, "127.0.0.2", "address");
    assert_eq!(behind("203.0.113.1").1, 429);
    refused(4, "203.0.113.1", "max_connections_per_ip");
    let mut client = gateway.connect();
    await_lines(&file, 5);
    assert_eq!(behind("203.0.113.3").1, 429);
    refused(6, "203.0.113.3", "max_connections_per_user");
    let mut http = Http::over(Socket::connect_from([127, 0, 0, 9], gateway.clients), &gateway.keys.token());
    let answer = http.ask("GET", "/tools", &[("X-Forwarded-For", "192.0.2.7")], None);
    assert_eq!(answer.status, 403);
    refused(7, "192.0.2.7", "address");
    let answer = http.ask("GET", "/tools", &[("X-Forwarded-For", "203.0.113.4")], None);
    answer.problem(429, 4002);
    refused(8, "203.0.113.4", "max_connections_per_user");
    // Requests over a rate are counted, and no lines.
    client.check_alive();
    for _ in 0..3 {
        client.ask_wrong("echo", &json!({}), 4002);
    }
    assert_eq!(Http::with_token(&gateway, "mcpw_nobody_x").get("/tools").status, 429);
    refused(9, "127.0.0.1", "max_connections_per_ip");
    check_whole(&[&file], 9);
}

#[test]
fn a_flood_is_told() {
    let place = Place::new();
    let gateway = Gateway::with(|config| {
        config.audit.file = Some(place.file());
        config.websocket.max_handshakes_per_ip = 1;
        config.websocket.handshake_burst_per_ip = 1;
    });
    for _ in 0..20 {
        let mut socket = Socket::connect_from([127, 0, 0, 1], gateway.clients);
        if socket.offer(&gateway.upgrade().bytes()) {
            socket.receive(tests::PATIENCE);
        }
    }
    // Of each kind the first is a line, and the others are one when it ends.
    let all = ended(gateway, &place);
    let let_in = all.iter().filter(|line| line["event"] == "connect").count() as u64;
    assert_eq!(let_in + all.iter().map(times).sum::<u64>(), 20, "{all:?}");
    for reason in ["max_handshakes_per_ip", "flood"] {
        let told: Vec<_> = all.iter().filter(|line| line["reason"] == reason).collect();
        assert!((1..=2).contains(&told.len()) && told[0]["times"].is_null(), "{all:?}");
        assert!(told.iter().all(|line| line["address"] == "127.0.0.1"), "{all:?}");
    }
    check_whole(&[&place.file()], all.len());
}

/// How many refusals a line stands for, if it is one of a refusal.
fn times(line: &Value) -> u64 {
    if line["event"] == "refuse" { line["times"].as_u64().unwrap_or(1) } else { 0 }
}

/// All lines of a gateway that ends.
fn ended(mut gateway: Gateway, place: &Place) -> Vec<Value> {
    gateway.drain();
    gateway.await_end();
    lines(&place.file())
}

#[test]
fn refusals_that_are_alike_are_one_line_in_ten_seconds_and_hide_nothing_else() {
    let place = Place::new();
    let gateway = place.gateway();
    let bad = gateway.upgrade().replace("Authorization", "Bearer nonsense");
    for _ in 0..300 {
        assert_eq!(gateway.ask(&bad).status, 401);
    }
    drop(gateway.connect());
    assert_eq!(gateway.ask(&gateway.upgrade().with("Origin", "https://evil.example")).status, 403);
    until_within(Duration::from_secs(60), "a line that stands for many", || {
        lines(&place.file()).into_iter().find(|line| line["times"].as_u64() > Some(1))
    });
    let all = ended(gateway, &place);
    assert_eq!(all.iter().map(times).sum::<u64>(), 301, "{all:?}");
    assert_eq!(all.iter().filter(|line| line["event"] == "connect").count(), 1, "{all:?}");
    for reason in ["malformed", "origin"] {
        let first = all.iter().find(|line| line["reason"] == reason).expect("a line at once");
        assert!(first["times"].is_null(), "{first}");
    }
    // One at once, one for each ten seconds, and one at the end.
    assert!(all.len() < 30, "{all:?}");
    check_whole(&[&place.file()], all.len());
}

#[test]
fn refusals_of_many_addresses_are_told_apart() {
    let place = Place::new();
    let gateway = Gateway::with(|config| {
        config.audit.file = Some(place.file());
        config.security.denied_addresses = vec!["127.1.0.0/16".to_owned()];
    });
    for _ in 0..3 {
        for host in 1..=20 {
            let mut denied = Socket::connect_from([127, 1, 0, host], gateway.clients);
            denied.await_end("the end of a connection that is not let in");
        }
    }
    let all = ended(gateway, &place);
    for host in 1..=20 {
        let address = format!("127.1.0.{host}");
        let from: Vec<_> = all.iter().filter(|line| line["address"] == address.as_str()).collect();
        assert_eq!(from.iter().map(|line| times(line)).sum::<u64>(), 3, "{address}: {all:?}");
    }
    check_whole(&[&place.file()], all.len());
}

#[test]
fn what_is_no_header_of_the_proxy_protocol_is_told() {
    let place = Place::new();
    let gateway = Gateway::with(|config| {
        config.audit.file = Some(place.file());
        config.security.trusted_proxies = vec!["127.0.0.9".to_owned()];
        config.security.proxy_protocol = Demand::Required;
    });
    let sends = |from: [u8; 4], bytes: &[u8]| {
        let mut socket = Socket::connect_from(from, gateway.clients);
        socket.offer(bytes);
        socket.await_end("the end of a connection that is not let in");
    };
    sends([127, 0, 0, 9], b"PROXY nonsense\r\n");
    let line = await_lines(&place.file(), 1).remove(0);
    let expected = [("event", "refuse"), ("address", "127.0.0.9"), ("reason", "proxy_protocol")];
    for (member, value) in expected {
        assert_eq!(line[member], value, "{line}");
    }
    sends([127, 0, 0, 9], b"GET /ws HTTP/1.1\r\n\r\n");
    // Whoever is no trusted proxy may say nothing.
    sends([127, 0, 0, 8], b"PROXY TCP4 203.0.113.1 127.0.0.1 1 2\r\n");
    let line = await_lines(&place.file(), 2).remove(1);
    assert_eq!((&line["address"], &line["reason"]), (&json!("127.0.0.8"), &json!("address")), "{line}");
    let all = ended(gateway, &place);
    assert_eq!((all.len(), all.iter().map(times).sum()), (3, 3_u64), "{all:?}");
}

#[test]
fn a_line_that_was_changed_removed_moved_or_cut_is_found() {
    let place = Place::new();
    let log = with_connections(&place, 5);
    let all: Vec<&str> = log.iter().map(String::as_str).collect();
    let told = check_whole(&[&place.file()], 5);
    let last: Value = serde_json::from_str(all[4]).expect("a line");
    assert!(told.contains(last["hash"].as_str().expect("a hash")), "{told}");

    let changed = all[2].replace("\"tenant\":\"tenant\"", "\"tenant\":\"others\"");
    check_wrong(&[&place.write("a", &[all[0], all[1], &changed, all[3], all[4]])], 3, "was changed");
    check_wrong(&[&place.write("b", &[all[0], all[1], all[3], all[4]])], 3, "lines are missing");
    check_wrong(&[&place.write("c", &all[1..])], 1, "1 was awaited");
    check_wrong(&[&place.write("d", &[all[0], all[2], all[1], all[3], all[4]])], 2, "2 was awaited");
    check_wrong(&[&place.write("e", &[all[0], all[1], all[1], all[2]])], 3, "3 was awaited");
    check_wrong(&[&place.write("f", &[all[0], &all[1][..40], all[2]])], 2, "cut");
    check_wrong(&[&place.write("g", &[all[0], "", all[1]])], 2, "cut");
    let cut = place.write("h", &all);
    let whole = text(&cut);
    std::fs::write(&cut, &whole[..whole.len() - 30]).expect("the file is ours");
    check_wrong(&[&cut], 5, "cut");
    // A line with the right number whose hash was made anew does not fit to the next one.
    let other = with_connections(&Place::new(), 3);
    check_wrong(&[&place.write("i", &[all[0], &other[1], all[2]])], 2, "hash");
}

#[test]
fn a_log_that_is_not_there_is_told() {
    let place = Place::new();
    let output = verify(&[&place.file()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("audit.jsonl"));
}

#[test]
fn the_chain_goes_on_after_a_restart() {
    let place = Place::new();
    with_connections(&place, 2);
    let log = with_more(&place, 2);
    assert_eq!(log.len(), 4);
    assert_ne!(
        lines(&place.file())[1]["pod"],
        lines(&place.file())[2]["pod"],
        "each run has a name of its own"
    );
    check_whole(&[&place.file()], 4);
}

/// As [`with_connections`], with a log that is there already.
fn with_more(place: &Place, count: usize) -> Vec<String> {
    let before = text(&place.file()).lines().count();
    let mut gateway = place.gateway();
    let _clients: Vec<_> = (0..count).map(|_| gateway.connect()).collect();
    await_lines(&place.file(), before + count);
    gateway.drain();
    gateway.await_end();
    text(&place.file()).lines().map(str::to_owned).collect()
}

#[test]
fn a_line_that_was_torn_stays_and_is_told() {
    let place = Place::new();
    let file = place.file();
    with_connections(&place, 3);
    let whole = text(&file);
    std::fs::write(&file, &whole[..whole.len() - 30]).expect("the file is ours");
    check_wrong(&[&file], 3, "cut");
    let gateway = place.gateway();
    let torn = until("a line torn", || {
        let text = text(&file);
        let last = text.ends_with('\n').then(|| text.lines().last().map(str::to_owned)).flatten()?;
        serde_json::from_str::<Value>(&last).ok().filter(|line| line["event"] == "torn")
    });
    assert_eq!(torn["seq"], 3);
    assert!(text(&file).starts_with(&whole[..whole.len() - 30]), "what was there was written over");
    drop(gateway);
    let told = check_whole(&[&file], 4);
    assert!(told.contains("1 of them cut short"), "{told}");
    // Nobody may change it afterwards.
    let text = text(&file);
    let all: Vec<&str> = text.lines().collect();
    check_wrong(&[&place.write("x", &[all[0], all[1], &all[2][..20], all[3]])], 3, "cut");
}

#[test]
fn a_file_that_is_no_audit_log_is_not_written_to() {
    let place = Place::new();
    std::fs::write(place.file(), "somebody's diary\n").expect("the folder is ours");
    let mut config = gateway::Config::default();
    config.auth.required = false;
    config.audit.file = Some(place.file());
    let error = gateway::Gateway::bind(config).expect_err("it is a diary").to_string();
    assert!(error.contains("audit.file") && error.contains("audit.jsonl"), "{error}");
    assert_eq!(text(&place.file()), "somebody's diary\n");
}

#[test]
fn a_log_that_was_moved_is_gone_on_with_in_a_new_file() {
    let place = Place::new();
    let (file, old) = (place.file(), place.0.path().join("audit.1.jsonl"));
    let process = crate::process(|config| config.audit.file = Some(file.clone()));
    let _first = process.connect();
    await_lines(&file, 1);
    std::fs::rename(&file, &old).expect("the folder is ours");
    let _second = process.connect();
    await_lines(&old, 2);
    process.hang_up();
    // The signal also has the configuration read again, whose line may still come into the old file.
    let in_both = |count| {
        until(&format!("{count} lines"), || {
            let whole = file.exists() && text(&file).ends_with('\n');
            let both = whole.then(|| (lines(&old), lines(&file)))?;
            (both.0.len() + both.1.len() == count).then_some(both)
        })
    };
    let (before, after) = in_both(4);
    assert_eq!(after[0]["event"], "reopened");
    assert_eq!(after[0]["previous"], before.last().expect("two lines or three")["hash"]);
    let _third = process.connect();
    let (before, after) = in_both(5);
    check_whole(&[&old, &file], 5);
    check_whole(&[&file], after.len());
    check_wrong(&[&file, &old], 1, "6 was awaited");
    // Without its last line the old file no longer goes with the new one.
    let text = text(&old);
    let shorter: Vec<_> = text.lines().take(before.len() - 1).collect();
    let shorter = place.write("shorter", &shorter);
    check_wrong(&[&shorter, &file], 1, "does not go on from the line before");
}

#[test]
fn disk_full() {
    let gateway = start(Keys::fresh(), Path::new("/dev/full"));
    let mut clients: Vec<_> = (0..3).map(|_| gateway.connect()).collect();
    gateway.await_metric("audit_lines_lost_total", 3.0);
    for client in &mut clients {
        client.ask("tool.list", &json!({}));
    }
    clients[0].ask_wrong("echo", &json!({}), 4013);
    gateway.await_metric("audit_lines_lost_total", 4.0);
    assert_eq!(gateway.admin("/health/ready").status, 200);
}

/// More than the pipe's 64 KiB and the channel's 4,096 entries together.
const CALLS: usize = 5_000;

/// Reads a pipe on a thread of its own.
struct Pipe {
    text: Arc<Mutex<String>>,
    thread: JoinHandle<()>,
}

impl Pipe {
    fn read(path: &Path) -> Self {
        let text = Arc::<Mutex<String>>::default();
        let (sink, pipe) = (Arc::clone(&text), File::open(path).expect("the pipe is there"));
        let thread = std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                let mut text = sink.lock().expect("nobody panics with it");
                *text += &line.expect("lines are UTF-8");
                text.push('\n');
            }
        });
        Self { text, thread }
    }

    fn text(&self) -> String {
        self.text.lock().expect("nobody panics with it").clone()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("lines are JSON")).collect()
    }
}

/// A pipe that nobody reads is a disk that has no room; read, it has some again.
#[test]
fn what_was_lost_is_told_once_the_disk_takes_lines_again() {
    let place = Place::new();
    let file = place.file();
    let made = Command::new("mkfifo").arg(&file).status().expect("there is a command mkfifo");
    assert!(made.success());
    let gateway = start(Keys::fresh(), &file);
    let mut client = gateway.connect();
    for _ in 0..CALLS {
        client.ask_wrong("echo", &json!({}), 4013);
    }
    let lost = until("lost lines", || {
        let lost = gateway.metrics().value("audit_lines_lost_total");
        (lost > 0.0).then_some(lost)
    });
    let read = Pipe::read(&file);
    let told =
        until("the line that tells of it", || read.lines().into_iter().find(|line| line["event"] == "lost"));
    assert!(
        told["count"].as_u64().is_some_and(|count| count as f64 <= lost && count > 0),
        "{told} of {lost}"
    );
    client.ask("tool.list", &json!({}));
    drop((client, gateway));
    // All that was not lost is there, in one chain.
    until("the end of the pipe", || read.thread.is_finished().then_some(()));
    let all = read.text();
    let copy = place.0.path().join("copy");
    std::fs::write(&copy, &all).expect("the folder is ours");
    let count = all.lines().count();
    check_whole(&[&copy], count);
    let lost: u64 = read.lines().iter().filter_map(|line| line["count"].as_u64()).sum();
    // A connection, its requests, and what tells of the losses.
    let tellers = read.lines().iter().filter(|line| line["event"] == "lost").count();
    assert_eq!(count - tellers + lost as usize, CALLS + 1);
}

#[test]
fn what_is_decided_is_in_the_file_when_the_gateway_has_ended() {
    let place = Place::new();
    let mut gateway = Gateway::with(|config| {
        config.audit.file = Some(place.file());
        config.audit.sync = true;
    });
    let clients: Vec<_> = (0..50).map(|_| gateway.connect()).collect();
    drop(clients);
    gateway.drain();
    gateway.await_end();
    assert_eq!(text(&place.file()).lines().count(), 50);
    check_whole(&[&place.file()], 50);
}
