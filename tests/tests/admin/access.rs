//! Who may ask what.

use crate::{BINARY, Operator, process, token};
use auth::{OperatorCertificate, OperatorToken, Role};
use gateway::config::Demand;
use std::net::UdpSocket;
use tempfile::TempDir;
use tests::{Authority, Bearer, Process, Socket, Trust, audited, until};

/// Everything that is for operators, and a method that is taken there.
const GUARDED: [(&str, &str, Role); 9] = [
    ("GET", "/admin/v1/pod", Role::Read),
    ("GET", "/admin/v1/connections", Role::Read),
    ("DELETE", "/admin/v1/connections/1", Role::Operate),
    ("GET", "/admin/v1/sessions", Role::Read),
    ("GET", "/admin/v1/backends", Role::Read),
    ("GET", "/admin/v1/drain", Role::Read),
    ("POST", "/admin/v1/drain", Role::Operate),
    ("POST", "/admin/v1/revoke", Role::Operate),
    ("POST", "/health/drain", Role::Operate),
];
const OPEN: [&str; 3] = ["/metrics", "/health/live", "/health/ready"];
const HERE: &str = "127.0.0.1";

#[test]
fn a_token_is_needed_where_operators_are_listed_and_its_role_counts() {
    let (reads, reader) = token("grafana", Role::Read);
    let (_, operator) = token("ann", Role::Operate);
    let folder = TempDir::new().expect("a folder");
    let audit = folder.path().join("audit.log");
    let gateway = process(|config| {
        config.admin.tokens = vec![reader, operator];
        config.audit.file = Some(audit.clone());
    });
    for path in OPEN {
        assert_eq!(gateway.admin(path).status, 200, "{path}");
    }
    let mut refused = 0.0;
    for (method, path, role) in GUARDED {
        let told = Operator::local(&gateway).refused(method, path, 401);
        assert!(told.contains("admin.tokens"), "{told}");
        let told = Operator::with(&gateway, "mcpw_nobodys").refused(method, path, 401);
        assert!(told.contains("nobody in admin.tokens"), "{told}");
        refused += 2.0;
        if role == Role::Operate {
            let told = Operator::with(&gateway, &reads).refused(method, path, 403);
            assert!(told.contains("grafana") && told.contains("operate"), "{told}");
            refused += 1.0;
        }
    }
    gateway.await_metric("admin_requests_refused_total", refused);
    assert_eq!(
        Operator::with(&gateway, &reads).get("/admin/v1/drain")["state"],
        "serving",
        "nothing was done"
    );
    let line = until("the refusal of a role", || {
        audited(&audit).into_iter().find(|line| line["event"] == "admin_refused" && line["reason"] == "role")
    });
    assert_eq!(line["operator"], "grafana", "{line}");
    assert!(
        !std::fs::read_to_string(&audit).expect("it is there").contains("nobodys"),
        "no token is in the log"
    );
}

#[test]
fn what_an_operator_changes_is_audited_with_their_name() {
    let (operates, operator) = token("ann", Role::Operate);
    let folder = TempDir::new().expect("a folder");
    let audit = folder.path().join("audit.log");
    let gateway = process(|config| {
        config.admin.tokens = vec![operator];
        config.audit.file = Some(audit.clone());
    });
    let operator = Operator::with(&gateway, &operates);
    let response = operator.send("POST", "/admin/v1/revoke", "", r#"{"tenant":"gone"}"#);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(operator.ask("POST", "/admin/v1/drain").status, 202);
    for event in ["revoke", "drain"] {
        let line = until("the line", || audited(&audit).into_iter().find(|line| line["event"] == event));
        assert_eq!(line["operator"], "ann", "{line}");
        assert_eq!(line["address"], HERE, "{line}");
    }
}

#[test]
fn a_token_that_leaves_its_file_counts_no_more() {
    let (operates, operator) = token("ann", Role::Operate);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), operator.token_hash.expect("it has one")).expect("it is ours");
    let listed = OperatorToken {
        name: "ann".to_owned(),
        token_file: Some(file.path().to_owned()),
        token_hash: None,
        role: Role::Operate,
    };
    let gateway = process(|config| config.admin.tokens = vec![listed]);
    let operator = Operator::with(&gateway, &operates);
    operator.get("/admin/v1/pod");
    std::fs::write(file.path(), "").expect("it is ours");
    until("the refusal", || (operator.ask("GET", "/admin/v1/pod").status == 401).then_some(()));
}

#[test]
fn metrics_are_for_operators_alone_where_the_settings_say_so() {
    let (reads, reader) = token("prometheus", Role::Read);
    let gateway = process(|config| {
        config.admin.tokens = vec![reader];
        config.admin.metrics_for_operators = true;
    });
    Operator::local(&gateway).refused("GET", "/metrics", 401);
    assert_eq!(Operator::with(&gateway, &reads).ask("GET", "/metrics").status, 200);
    assert_eq!(gateway.admin("/health/ready").status, 200, "probes have no token");
}

#[test]
fn without_operators_it_is_for_programs_on_this_machine_alone() {
    let gateway = process(|config| config.admin.listen = ([0, 0, 0, 0], 0).into());
    let local = Operator::local(&gateway);
    local.get("/admin/v1/pod");
    for (header, word) in
        [("Origin: http://127.0.0.1\r\n", "pages"), ("Sec-Fetch-Site: cross-site\r\n", "pages")]
    {
        let response = local.send("POST", "/admin/v1/drain", header, "");
        assert_eq!(response.status, 403);
        assert!(response.error().contains(word), "{}", response.text());
    }
    // A page whose own name was pointed at this machine.
    let mut socket = Socket::connect(([127, 0, 0, 1], gateway.admin.port()).into());
    socket.send(b"GET /admin/v1/pod HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
    let response = socket.response();
    assert_eq!(response.status, 403);
    assert!(response.error().contains("localhost"), "{}", response.text());

    let elsewhere = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // Nothing is sent: it only says by which address it would be.
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let own =
        elsewhere.expect("the machine has an address beside loopback, and a route: `ip route add default …`");
    for (method, path, _) in GUARDED {
        let mut socket = Socket::connect((own.ip(), gateway.admin.port()).into());
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", own.ip());
        socket.send(head.as_bytes());
        let response = socket.response();
        assert_eq!(response.status, 403, "{method} {path}");
        let told = response.error();
        assert!(told.contains("admin.tokens") && told.contains("this machine"), "{told}");
    }
    let mut socket = Socket::connect((own.ip(), gateway.admin.port()).into());
    socket.send(b"GET /health/ready HTTP/1.1\r\nHost: pod\r\n\r\n");
    assert_eq!(socket.response().status, 200, "probes come from anywhere");
}

/// A gateway whose operators' port speaks TLS and asks for certificates.
fn under_tls(authority: &Authority, folder: &TempDir) -> Process {
    let (cert, key) = authority.certify(&[HERE]).write(folder.path(), "gateway");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).expect("the folder is ours");
    Process::start(BINARY, |config| {
        let tls = &mut config.admin.tls;
        (tls.cert_file, tls.key_file) = (Some(cert), Some(key));
        (tls.client_ca_file, tls.client_certificates) = (Some(ca), Demand::Optional);
        config.admin.certificates = vec![
            OperatorCertificate { name: "ann".into(), san: "spiffe://ops/ann".into(), role: Role::Operate },
            OperatorCertificate { name: "eve".into(), san: "spiffe://ops/eve".into(), role: Role::Read },
        ];
    })
}

fn ask(
    gateway: &Process,
    authority: &Authority,
    bearer: Option<&Bearer>,
    line: &str,
) -> Option<tests::Response> {
    let trust = Trust::of(authority).protocols(&["http/1.1"]);
    let trust = match bearer {
        Some(bearer) => trust.bearing(bearer),
        None => trust,
    };
    let mut socket = Socket::connect(gateway.admin).under_tls(&trust.config(), HERE).ok()?;
    let head = format!("{line} HTTP/1.1\r\nHost: {HERE}\r\nContent-Length: 0\r\n\r\n");
    socket.offer(head.as_bytes()).then(|| socket.response())
}

#[test]
fn certificates_say_who_operators_are() {
    let authority = Authority::fresh("platform");
    let folder = TempDir::new().expect("a folder");
    let gateway = under_tls(&authority, &folder);
    let certified = |uri: &str| authority.certify_uri(uri);
    let (ann, eve) = (certified("spiffe://ops/ann"), certified("spiffe://ops/eve"));
    let status =
        |bearer: Option<&Bearer>, line: &str| ask(&gateway, &authority, bearer, line).map(|got| got.status);
    assert_eq!(status(None, "GET /health/ready"), Some(200), "probes have no certificate");
    assert_eq!(status(None, "GET /admin/v1/pod"), Some(401));
    assert_eq!(status(Some(&eve), "GET /admin/v1/pod"), Some(200));
    assert_eq!(status(Some(&eve), "DELETE /admin/v1/connections/1"), Some(403));
    assert_eq!(status(Some(&ann), "DELETE /admin/v1/connections/1"), Some(404), "there is none, and she may");
    let stranger = certified("spiffe://ops/stranger");
    let told = ask(&gateway, &authority, Some(&stranger), "GET /admin/v1/pod").expect("TLS is fine");
    assert_eq!(told.status, 401);
    assert!(told.error().contains("nobody in admin.certificates"), "{}", told.text());
}

#[test]
fn a_certificate_of_another_authority_gets_no_connection() {
    let authority = Authority::fresh("platform");
    let folder = TempDir::new().expect("a folder");
    let gateway = under_tls(&authority, &folder);
    let foreign = Authority::fresh("foreign").certify_uri("spiffe://ops/ann");
    let mut socket = Socket::connect(gateway.admin)
        .under_tls(&Trust::of(&authority).protocols(&["http/1.1"]).bearing(&foreign).config(), HERE)
        .expect("a client of TLS 1.3 is done before the server has judged");
    socket.await_alert();
    gateway.await_log("no handshake of TLS at the admin port");
}
