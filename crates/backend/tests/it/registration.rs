//! Staying registered at a gateway that comes and goes.
use std::time::Instant;

use backend::{Backend, Call, Running, Serve, Tool};
use serde_json::Value;

use crate::harness::soon;
use crate::registry::{RunningRegistry, Seen};

const TTL_MS: u32 = 300;

async fn serve_at(options: Serve, addresses: &[&RunningRegistry]) -> Running {
    let register_at = addresses.iter().map(|registry| format!("http://{}", registry.address)).collect();
    let noop = Tool::new("noop", |_: Call, _: Value| async move { Ok(()) });
    let backend = Backend::new("registering").tool(noop);
    backend.serve(Serve { register_at, ..options }).await.expect("the backend serves")
}

#[tokio::test]
async fn a_backend_says_where_it_can_be_dialled() {
    let mut registry = RunningRegistry::start("127.0.0.1:0", TTL_MS);
    let running = serve_at(Serve::default(), &[&registry]).await;
    soon(running.registered()).await;
    let Seen::Hello(hello) = registry.next().await else { panic!("a registration starts with hello") };
    assert_eq!(hello.address, running.local_addr().to_string());
    assert_eq!(hello.instance, running.instance());
}

#[tokio::test]
async fn an_advertised_address_goes_before_the_bound_one() {
    let mut registry = RunningRegistry::start("127.0.0.1:0", TTL_MS);
    let advertise = Some("http://backend.internal:7000".to_owned());
    let _running = serve_at(Serve { advertise, ..Serve::default() }, &[&registry]).await;
    let Seen::Hello(hello) = registry.next().await else { panic!("a registration starts with hello") };
    assert_eq!(hello.address, "http://backend.internal:7000");
}

#[tokio::test]
async fn three_heartbeats_come_in_each_ttl() {
    let mut registry = RunningRegistry::start("127.0.0.1:0", 1_200);
    let _running = serve_at(Serve::default(), &[&registry]).await;
    assert!(matches!(registry.next().await, Seen::Hello(_)));
    assert_eq!(registry.next().await, Seen::Heartbeat);
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(registry.next().await, Seen::Heartbeat);
    }
    let took = start.elapsed().as_millis();
    assert!((900..2_400).contains(&took), "three heartbeats took {took} ms, not about a ttl of 1200 ms");
}

#[tokio::test]
async fn a_restarted_gateway_is_registered_at_again() {
    let mut registry = RunningRegistry::start("127.0.0.1:0", TTL_MS);
    let running = serve_at(Serve::default(), &[&registry]).await;
    for _ in 0..3 {
        let Seen::Hello(hello) = registry.next().await else { panic!("a registration starts with hello") };
        assert_eq!(hello.instance, running.instance(), "it is the same process");
        let address = registry.address.to_string();
        drop(registry);
        registry = RunningRegistry::start(&address, TTL_MS);
    }
    assert!(matches!(registry.next().await, Seen::Hello(_)));
    soon(running.registered()).await;
}

#[tokio::test]
async fn a_gateway_that_starts_late_is_found() {
    let address = RunningRegistry::start("127.0.0.1:0", TTL_MS).address.to_string();
    let noop = Tool::new("noop", |_: Call, _: Value| async move { Ok(()) });
    let options = Serve { register_at: vec![address.clone()], ..Serve::default() };
    let running =
        Backend::new("early").tool(noop).serve(options).await.expect("a gateway that is away is no error");
    let mut registry = RunningRegistry::start(&address, TTL_MS);
    assert!(matches!(registry.next().await, Seen::Hello(_)));
    soon(running.registered()).await;
}

#[tokio::test]
async fn every_gateway_is_registered_at() {
    let mut registries =
        [RunningRegistry::start("127.0.0.1:0", TTL_MS), RunningRegistry::start("127.0.0.1:0", TTL_MS)];
    let running = serve_at(Serve::default(), &[&registries[0], &registries[1]]).await;
    soon(running.registered()).await;
    for registry in &mut registries {
        assert!(matches!(registry.next().await, Seen::Hello(_)));
    }
}

#[tokio::test]
async fn a_shutdown_leaves_the_gateway() {
    let mut registry = RunningRegistry::start("127.0.0.1:0", TTL_MS);
    let running = serve_at(Serve::default(), &[&registry]).await;
    soon(running.registered()).await;
    soon(running.shutdown()).await;
    loop {
        match registry.next().await {
            Seen::Hello(_) | Seen::Heartbeat => {}
            seen => break assert_eq!(seen, Seen::Left),
        }
    }
}

#[tokio::test]
async fn a_dropped_handle_leaves_no_registration() {
    let mut registry = RunningRegistry::start("127.0.0.1:0", TTL_MS);
    let running = serve_at(Serve::default(), &[&registry]).await;
    soon(running.registered()).await;
    drop(running);
    while !matches!(registry.next().await, Seen::Left | Seen::Lost) {}
}
