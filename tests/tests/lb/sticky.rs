//! The same client comes to the same pod; different ones to all of them.

use crate::{Pods, Program, Ticket, Way, every_way};

every_way! { a_client_that_comes_back_reaches_its_pod clients_are_spread }

fn a_client_that_comes_back_reaches_its_pod(way: (Program, Way)) {
    let pods = Pods::start();
    let balancer = pods.behind(way.0);
    for number in 0..2 {
        let ((mut client, ticket), first) = pods.reached(|| Ticket::first(way, number, &pods, &balancer));
        client.check_alive();
        drop(client);
        for _ in 0..20 {
            let (mut client, pod) = pods.reached(|| ticket.connect(&pods, &balancer));
            assert_eq!(pod, first, "{ticket:?}");
            assert_eq!(client.response.header("Set-Cookie"), None, "the ticket is still right");
            client.check_alive();
        }
    }
}

fn clients_are_spread(way: (Program, Way)) {
    let pods = Pods::start();
    let balancer = pods.behind(way.0);
    let mut clients = [0; 2];
    let mut open = Vec::new();
    for number in 0..32 {
        let (client, pod) = pods.reached(|| Ticket::first(way, number, &pods, &balancer));
        open.push(client);
        clients[pod] += 1;
    }
    // A hash makes no halves, but 1 in 1,000,000 at most has so few of 32 on a side.
    assert!(clients.iter().all(|count| *count >= 2), "{clients:?}");
    if way == (Program::HAProxy, Way::Cookie) {
        assert_eq!(clients, [16, 16], "fresh clients go where the fewest are");
    }
}
