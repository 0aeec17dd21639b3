//! Rates of users and tenants over all pods that share a Redis: what is let through in sum, measured against the time that
//! it took, and what becomes of it without Redis.

use auth::Claims;
use gateway::Config;
use gateway::config::Rate;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Cable, Client, Endpoints, Gateway, Http, Keys, Pods, Redis, until};

const LIMITED: &str = "requests_rate_limited_total{limit=\"user\"}";

/// A pod at which a user may ask so fast, and is not sent away for asking faster.
fn pod(pods: &Pods, rate: Rate, more: impl FnOnce(&mut Config)) -> Gateway {
    pods.pod_with(|config| {
        config.limits.user = rate;
        config.limits.flood = u32::MAX;
        // A lease that ran out would be set anew.
        config.pod.lease_ms = 60_000;
        more(config);
    })
}

fn two(pods: &Pods, rate: Rate) -> [Gateway; 2] {
    [(); 2].map(|()| pod(pods, rate, |_| {}))
}

/// Asks for an echo; whether it was let through, and if not, after how long there is one.
fn try_echo(client: &mut Client) -> Result<(), Duration> {
    client.request("a", "echo", &json!({}));
    let message = client.message();
    if message["type"] == 1 {
        return Ok(());
    }
    assert_eq!(message["error"]["code"], 4002, "{message}");
    let wait = message["error"]["details"]["retry_after_ms"].as_u64();
    Err(Duration::from_millis(wait.expect("it says when to come back")))
}

/// So many connections to each of these pods.
fn connect(gateways: &[&Gateway], connections: usize) -> Vec<Client> {
    gateways.iter().flat_map(|gateway| (0..connections).map(|_| gateway.connect())).collect()
}

/// Asks on these connections as fast as they are answered; how many requests are let through, and how long it took.
fn hammer(clients: &mut [Client], length: Duration) -> (f64, f64) {
    let start = Instant::now();
    let one = |client: &mut Client| {
        let mut let_through = 0;
        while start.elapsed() < length {
            let_through += u32::from(try_echo(client).is_ok());
        }
        let_through
    };
    let sum: u32 = std::thread::scope(|scope| {
        let clients: Vec<_> = clients.iter_mut().map(|client| scope.spawn(|| one(client))).collect();
        clients.into_iter().map(|client| client.join().expect("a client that ends well")).sum()
    });
    (f64::from(sum), start.elapsed().as_secs_f64())
}

/// What so many were let through in so long: what the rate lets through, but for 5 % and one at each of `pods` pods.
#[track_caller]
fn check(rate: Rate, pods: f64, hammered: (f64, f64)) {
    check_between(rate, rate, pods, hammered);
}

/// The same, where it may be the one rate, the other, or anything between them.
#[track_caller]
fn check_between(low: Rate, high: Rate, pods: f64, (let_through, seconds): (f64, f64)) {
    let expected = |rate: Rate| f64::from(rate.per_minute) / 60.0 * seconds + f64::from(rate.burst);
    let (least, most) = (expected(low) * 0.95 - pods, expected(high) * 1.05 + pods);
    assert!(
        (least..=most).contains(&let_through),
        "{let_through} in {seconds} s, which is not within {least} to {most}: {high:?}"
    );
}

/// How often so many pods have settled something: as often as a string was set in Redis, but for the pods' leases.
fn settled(redis: &Redis, pods: u64) -> u64 {
    redis.count("set").saturating_sub(pods)
}

fn holds_over_all(gateway: &Endpoints) -> f64 {
    gateway.metrics().value("limits_shared")
}

#[test]
fn two_pods_let_through_what_one_would() {
    for rate in [
        Rate { per_minute: 6_000, burst: 100 },
        Rate { per_minute: 600, burst: 60 },
        Rate { per_minute: 60, burst: 10 },
    ] {
        let pods = Pods::new();
        let [here, there] = two(&pods, rate);
        let mut clients = connect(&[&here, &there], 10);
        check(rate, 2.0, hammer(&mut clients, Duration::from_secs(6)));
        // Nothing was saved up, and nothing is owed.
        check(Rate { burst: 0, ..rate }, 2.0, hammer(&mut clients, Duration::from_secs(3)));
        assert_eq!([holds_over_all(&here), holds_over_all(&there)], [1.0; 2]);
    }
}

#[test]
fn a_burst_is_one_over_all_pods() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 1, burst: 40 });
    let [here, there] = two(&pods, rate);
    check(rate, 2.0, hammer(&mut connect(&[&here, &there], 10), Duration::from_secs(2)));
}

#[test]
fn one_pod_gets_the_whole_rate_if_the_others_need_nothing() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 6_000, burst: 100 });
    let [here, there] = two(&pods, rate);
    let (mut near, mut far) = (connect(&[&here], 10), connect(&[&there], 10));
    far[0].check_alive();
    check(rate, 2.0, hammer(&mut near, Duration::from_secs(5)));
    // Then the other one does.
    check(Rate { burst: 0, ..rate }, 2.0, hammer(&mut far, Duration::from_secs(5)));
}

#[test]
fn whoever_is_within_the_rate_is_never_refused() {
    for (rate, count) in
        [(Rate { per_minute: 6_000, burst: 10 }, 400), (Rate { per_minute: 240, burst: 1 }, 20)]
    {
        let pods = Pods::new();
        let gateways = two(&pods, rate);
        let mut clients = [gateways[0].connect(), gateways[1].connect()];
        // At four fifths of the rate, at either pod in turn.
        let step = Duration::from_secs(60) / rate.per_minute * 5 / 4;
        let mut last = Instant::now();
        for turn in 0..count {
            // The pace is what is tested.
            std::thread::sleep(step.saturating_sub(last.elapsed()));
            last = Instant::now();
            assert_eq!(try_echo(&mut clients[turn % 2]), Ok(()), "{rate:?}, turn {turn}");
        }
    }
}

#[test]
fn whoever_waits_as_told_is_let_through() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 300, burst: 2 });
    let gateways = two(&pods, rate);
    let mut clients = [gateways[0].connect(), gateways[1].connect()];
    for turn in 0..20 {
        if let Err(wait) = try_echo(&mut clients[turn % 2]) {
            assert!(wait <= Duration::from_millis(400), "{wait:?}");
            // As long as it was told, and no longer.
            std::thread::sleep(wait);
            assert_eq!(try_echo(&mut clients[turn % 2]), Ok(()), "turn {turn}");
        }
        // What is told holds as far as the pods know of each other.
        until("it is settled", || (settled(&pods.redis, 2) > turn as u64).then_some(()));
    }
}

#[test]
fn the_rate_of_a_tenant_holds_over_all_pods_for_all_its_agents() {
    let pods = Pods::new();
    let tenant = Rate { per_minute: 1, burst: 6 };
    let gateways = [(); 2].map(|()| pod(&pods, Rate::default(), |config| config.limits.tenant = tenant));
    let by = |gateway: &Gateway, tenant: &str, agent: &str| {
        let (tenant, agent) = (tenant.to_owned(), agent.to_owned());
        let token = gateway.keys.mint(&Claims { tenant, agent, ..Keys::claims() });
        gateway.accepted(&gateway.upgrade().replace("Authorization", &format!("Bearer {token}")))
    };
    for (turn, agent) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        by(&gateways[turn % 2], "t", agent).check_alive();
        until("it is settled", || (settled(&pods.redis, 2) > turn as u64).then_some(()));
    }
    for (gateway, agent) in gateways.iter().zip(["a", "g"]) {
        until("the pod to learn of it", || try_echo(&mut by(gateway, "t", agent)).err());
        by(gateway, "u", agent).check_alive();
    }
}

#[test]
fn requests_of_the_rest_api_count_over_all_pods_too() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 1, burst: 20 });
    let gateways = two(&pods, rate);
    let mut clients = [Http::open(&gateways[0]), Http::open(&gateways[1])];
    let statuses: Vec<_> = (0..40).map(|turn| clients[turn % 2].get("/tools").status).collect();
    let let_through = statuses.iter().filter(|status| **status == 200).count();
    assert!((20..=22).contains(&let_through), "{statuses:?}");
    let answer = clients[0].get("/tools");
    answer.problem(429, 4002);
    assert_eq!(answer.json()["details"]["limit"], "user");
    let seconds: u64 = answer.header("Retry-After").and_then(|text| text.parse().ok()).expect("a number");
    assert!((1..=180).contains(&seconds), "{seconds}");
    assert_eq!(try_echo(&mut gateways[1].connect()).map_err(|_| ()), Err(()), "sockets count with them");
}

#[test]
fn each_pod_counts_alone_without_redis_and_with_the_others_when_it_is_back() {
    let (mut pods, rate) = (Pods::new(), Rate { per_minute: 600, burst: 10 });
    let [here, there] = two(&pods, rate);
    let mut clients = connect(&[&here, &there], 4);
    clients.iter_mut().for_each(Client::check_alive);
    assert_eq!([holds_over_all(&here), holds_over_all(&there)], [1.0; 2]);
    pods.redis.kill();
    for gateway in [&here, &there] {
        gateway.await_metric("limits_shared", 0.0);
    }
    let twice = |rate: Rate| Rate { per_minute: 2 * rate.per_minute, burst: 2 * rate.burst };
    let alone = hammer(&mut clients, Duration::from_secs(4));
    check_between(twice(Rate { burst: 6, ..rate }), twice(rate), 2.0, alone);
    pods.redis.restart();
    for gateway in [&here, &there] {
        let mut client = gateway.connect();
        until("the rate to hold over all pods", || {
            let _ = try_echo(&mut client);
            (holds_over_all(gateway) > 0.0).then_some(())
        });
    }
    // Nobody pays for what was let through meanwhile, and an empty Redis knows of a whole burst.
    let shared = hammer(&mut clients, Duration::from_secs(6));
    check_between(Rate { burst: 0, ..rate }, Rate { burst: 2 * rate.burst, ..rate }, 2.0, shared);
}

#[test]
fn nobody_waits_for_a_redis_that_hangs_or_is_slow() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 60_000, burst: 1_000 });
    let cable = Cable::to(&pods.redis.address());
    let gateway = pod(&pods, rate, |config| config.store.redis.addresses = vec![cable.address()]);
    let mut client = gateway.connect();
    let echoes = |client: &mut Client| {
        let start = Instant::now();
        for _ in 0..50 {
            assert_eq!(try_echo(client), Ok(()));
        }
        start.elapsed()
    };
    echoes(&mut client);
    cable.delay(Duration::from_millis(600));
    echoes(&mut client);
    gateway.await_metric("limits_shared", 0.0);
    echoes(&mut client);
    cable.mend();
    let await_shared = |client: &mut Client| {
        until("the rate to hold over all pods", || {
            let _ = try_echo(client);
            (holds_over_all(&gateway) > 0.0).then_some(())
        });
    };
    await_shared(&mut client);
    pods.redis.signal("-STOP");
    echoes(&mut client);
    for metric in ["limits_shared", "store_up"] {
        gateway.await_metric(metric, 0.0);
    }
    // Whoever waited for each answer would wait for ten seconds.
    let took = echoes(&mut client);
    assert!(took < Duration::from_secs(5), "{took:?}");
    pods.redis.signal("-CONT");
    await_shared(&mut client);
}

#[test]
fn a_flood_costs_redis_a_bounded_number_of_commands() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 60_000, burst: 1_000 });
    let [here, there] = two(&pods, rate);
    let (let_through, seconds) = hammer(&mut connect(&[&here, &there], 10), Duration::from_secs(5));
    let commands = settled(&pods.redis, 2);
    // At each pod 40 at once, and 20 in a second; one may be on its way.
    let most = 2.0 * (41.0 + 20.0 * seconds);
    assert!(commands as f64 <= most, "{commands} for {let_through} in {seconds} s");
    // And what is refused costs nothing.
    let (pods, rate) = (Pods::new(), Rate { per_minute: 1, burst: 3 });
    let gateway = pod(&pods, rate, |_| {});
    hammer(&mut connect(&[&gateway], 4), Duration::from_secs(1));
    assert!(gateway.metrics().value(LIMITED) > 100.0);
    let commands = settled(&pods.redis, 1);
    assert!((1..=4).contains(&commands), "{commands}");
}

#[test]
fn idle_connections_cost_redis_nothing() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 6_000, burst: 100 });
    let gateway = pod(&pods, rate, |_| {});
    let mut clients: Vec<_> = (0..2_000).map(|_| gateway.connect()).collect();
    clients[0].check_alive();
    until("it is settled", || (settled(&pods.redis, 1) > 0).then_some(()));
    // The checks of the pod's connection are the clock.
    let before = (settled(&pods.redis, 1), pods.redis.count("role"));
    until("four checks", || (pods.redis.count("role") >= before.1 + 4).then_some(()));
    assert_eq!(settled(&pods.redis, 1), before.0);
}

#[test]
fn where_it_is_switched_off_each_pod_counts_alone() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 1, burst: 5 });
    let gateways = [(); 2].map(|()| pod(&pods, rate, |config| config.limits.shared = false));
    for gateway in &gateways {
        let mut client = gateway.connect();
        let let_through = (0..10).filter(|_| try_echo(&mut client).is_ok()).count();
        assert_eq!(let_through, 5);
        assert_eq!(holds_over_all(gateway), 0.0);
    }
    assert_eq!(settled(&pods.redis, 2), 0);
}

#[test]
fn messages_of_a_frame_wait_for_redis_and_keep_their_order() {
    let (pods, rate) = (Pods::new(), Rate { per_minute: 1, burst: 60 });
    let [here, there] = two(&pods, rate);
    let mut clients = [here.connect(), there.connect()];
    let echo = |id: u64| json!({"id": id, "type": 0, "method": "echo", "params": {}});
    let frame = Value::Array((0..60).map(echo).collect());
    for client in &mut clients {
        client.json(&frame);
    }
    let mut let_through = 0;
    for client in &mut clients {
        for id in 0..60 {
            let message = client.message();
            assert_eq!(message["id"], id, "{message}");
            let_through += u32::from(message["type"] == 1);
        }
    }
    assert!((60..=68).contains(&let_through), "{let_through}");
}
