//! A pod is drained while clients are connected and others come.

use serde_json::json;
use tests::{Client, Process, until};

use crate::balancer::Target;
use crate::{Balancer, Pods, Program, Ticket, Way, every_way};

every_way! { a_drained_pod_keeps_its_clients_until_it_sends_them_elsewhere }

fn a_drained_pod_keeps_its_clients_until_it_sends_them_elsewhere(way: (Program, Way)) {
    // Both while the load balancer can't know yet and after it does, upgrades must get through.
    let mut pods = Pods::with(|config| config.drain.delay_ms = 2_000);
    let balancer = pods.behind(way.0);
    let ((mut client, ticket), drained) = pods.reached(|| Ticket::first(way, 0, &pods, &balancer));
    let (mut neighbour, other) = at_other_pod(way, drained, &pods, &balancer);

    pods.drain(drained);
    for number in 100..116 {
        let ((mut late, _), pod) = pods.reached(|| Ticket::first(way, number, &pods, &balancer));
        assert_eq!(pod, other, "a draining pod gets no new clients");
        late.check_alive();
    }
    let (_, pod) = pods.reached(|| ticket.connect(&pods, &balancer));
    assert_eq!(pod, other, "not even those that were there");
    client.check_alive();

    let migrate = client.message();
    assert_eq!((&migrate["type"], &migrate["method"]), (&json!(2), &json!("session.migrate")), "{migrate}");
    client.closed(1012);
    let mut client = ticket.connect(&pods, &balancer);
    client.check_alive();
    if way == (Program::HAProxy, Way::Cookie) {
        let cookie = Ticket::given(&client.response);
        let cookie = cookie.expect("the cookie of a pod that is gone is replaced");
        assert_ne!(cookie, ticket.value());
    }
    pods.await_exit(drained);
    client.check_alive();
    neighbour.check_alive();
}

/// The checks alone, where no upgrade fails: each pod would take all of them.
#[test]
fn haproxy_sends_nothing_to_a_pod_that_says_it_is_not_ready() {
    let pods = Pods::start();
    let draining = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
        config.drain.delay_ms = 60_000;
    });
    let [first, second] = pods.targets();
    let balancer = Balancer::start(Program::HAProxy, [Target { admin: draining.admin, ..first }, second]);
    let ways = [Way::Cookie, Way::Header].map(|way| (Program::HAProxy, way));
    let tickets = ways.map(|way| {
        let found = (0..64).find_map(|number| {
            let ((_, ticket), pod) = pods.reached(|| Ticket::first(way, number, &pods, &balancer));
            (pod == 0).then_some(ticket)
        });
        found.expect("clients are spread while all are ready")
    });
    draining.terminate();
    for ticket in tickets {
        until("the ticket to be worth another pod", || {
            let (_, pod) = pods.reached(|| ticket.connect(&pods, &balancer));
            (pod == 1).then_some(())
        });
        for _ in 0..10 {
            let (_, pod) = pods.reached(|| ticket.connect(&pods, &balancer));
            assert_eq!(pod, 1, "{ticket:?}");
        }
    }
}

/// A client at the pod that is not this one.
#[track_caller]
fn at_other_pod(way: (Program, Way), pod: usize, pods: &Pods, balancer: &Balancer) -> (Client, usize) {
    let found = (1..64).find_map(|number| {
        let ((client, _), reached) = pods.reached(|| Ticket::first(way, number, pods, balancer));
        (reached != pod).then_some((client, reached))
    });
    found.expect("clients are spread")
}
