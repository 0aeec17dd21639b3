//! A pod is gone from one moment to the next.

use std::time::{Duration, Instant};

use tests::Received;

use crate::{Pods, Program, Ticket, Way, every_way};

every_way! { a_client_of_a_killed_pod_reaches_the_other_at_once }

fn a_client_of_a_killed_pod_reaches_the_other_at_once(way: (Program, Way)) {
    let mut pods = Pods::start();
    let balancer = pods.behind(way.0);
    let ((mut client, ticket), killed) = pods.reached(|| Ticket::first(way, 0, &pods, &balancer));
    client.check_alive();

    pods.kill(killed);
    let ended = client.await_end("the end of the connection to the killed pod");
    assert!(matches!(ended, Received::End | Received::Reset), "{ended:?}");
    let start = Instant::now();
    // Before a check could find the pod gone, and long after.
    for _ in 0..20 {
        let (mut client, pod) = pods.reached(|| ticket.connect(&pods, &balancer));
        assert_ne!(pod, killed);
        client.check_alive();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
}
