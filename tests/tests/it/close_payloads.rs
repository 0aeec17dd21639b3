//! What a client's close frame may hold.

use tests::{Draft, Gateway, Opcode};

/// A close frame with this payload is answered with this code.
fn check(payloads: &[&[u8]], code: u16, label: &str) {
    let gateway = Gateway::start();
    for payload in payloads {
        let mut client = gateway.connect();
        client.draft(&Draft::new(Opcode::CLOSE, payload));
        client.closed(code);
    }
    let series = format!("websocket_connections_closed_total{{code=\"{label}\"}}");
    gateway.await_metric(&series, payloads.len() as f64);
    gateway.await_no_connections();
}

fn check_codes(codes: &[u16], code: u16, label: &str) {
    let payloads: Vec<_> = codes.iter().map(|code| code.to_be_bytes()).collect();
    let payloads: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..]).collect();
    check(&payloads, code, label);
}

#[test]
fn close_payload_1_byte() {
    check(&[b"\x03", b"\xE8"], 1002, "protocol_error");
}

#[test]
fn close_code_0_999_1004_1005_1006_1015_5000() {
    let codes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
    check_codes(&codes, 1002, "protocol_error");
}

#[test]
fn close_reason_not_utf8() {
    check(
        &[b"\x03\xE8\xFF", b"\x03\xE8ok\xC3", b"\x03\xE8\xED\xA0\x80", b"\x03\xE8\xF4\x90\x80\x80"],
        1007,
        "invalid_payload",
    );
}

#[test]
fn a_normal_close_is_echoed() {
    check(&[b"\x03\xE8", b"\x03\xE8done", b""], 1000, "normal");
}

#[test]
fn every_code_that_may_be_sent_is_sent_back() {
    let gateway = Gateway::start();
    for code in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    {
        let mut client = gateway.connect();
        client.draft(&Draft::close(code, b"why not"));
        client.closed(code);
    }
    gateway.await_no_connections();
}
