//! Connections on which nothing is said.

use std::time::Duration;

use tests::{Draft, Opcode, Received};

use crate::{Pods, Program, Ticket, Way};

#[track_caller]
fn check_pings(program: Program) {
    let pods = Pods::with(|config| {
        config.websocket.ping_interval_ms = 300;
        config.websocket.pong_timeout_ms = 500;
    });
    let balancer = pods.behind(program);
    let (mut client, _) = Ticket::first((program, Way::Header), 0, &pods, &balancer);
    // An unanswered one would end the connection.
    for _ in 0..5 {
        let ping = client.frame_of(Opcode::PING, "a ping");
        client.draft(&Draft::new(Opcode::PONG, &ping.payload));
    }
    client.check_alive();
}

#[test]
fn pings_and_pongs_pass_haproxy() {
    check_pings(Program::HAProxy);
}

#[test]
fn pings_and_pongs_pass_nginx() {
    check_pings(Program::Nginx);
}

/// HAProxy allows 5 s for each side of an upgrade; once upgraded, this must count no more.
#[test]
fn a_silent_connection_outlives_the_limits_of_an_upgrade() {
    let pods = Pods::start();
    let balancer = pods.behind(Program::HAProxy);
    let (mut client, _) = Ticket::first((Program::HAProxy, Way::Header), 0, &pods, &balancer);
    assert_eq!(client.receive(Duration::from_secs(6)), Received::Nothing);
    client.check_alive();
}
