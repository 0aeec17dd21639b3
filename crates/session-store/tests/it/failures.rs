//! What becomes of the store when Redis is lost, hangs, is full, takes no writes, or holds what does not belong
//! there.
use std::time::{Duration, Instant};

use session_store::{
    Availability, Begin, Bounds, Call, Channel as _, Directory as _, Error, EventLog as _, Inbox,
    Journal as _, Leases as _, Mail, Mode, NewEvent, Notice, Offset, Page, PodId, Position, ReadLimit,
    RedisStore, Resumed, Settings,
};

use crate::contract::{Mount as _, TENANT, eventually, held, soon};
use crate::servers::Server;
use crate::servers::cluster::Cluster;
use crate::servers::mount::Redis;
use crate::servers::sentinel::Watched;

const ALL: ReadLimit = ReadLimit { events: 1_000, bytes: usize::MAX };
const EVENT: NewEvent<'static> = NewEvent { name: "n", data: b"{}" };

fn at(server: &Server) -> Redis<'_> {
    let mut mount = Redis::new(Mode::Standalone, vec![server.address()], vec![server]);
    mount.settings.command_timeout_ms = 500;
    mount.settings.check_interval_ms = 200;
    mount
}

/// Waits until the store says that it is up, or down.
async fn becomes(store: &RedisStore, up: bool) -> Availability {
    let mut availability = store.availability();
    let becoming = availability.wait_for(|now| now.is_up() == up);
    let now = tokio::time::timeout(Duration::from_secs(30), becoming).await;
    now.expect("it becomes so in time").expect("the store lives").clone()
}

#[tokio::test]
async fn a_store_starts_without_its_redis_and_finds_it_later() {
    let mut server = Server::start("");
    server.kill();
    let mount = at(&server);
    let store = RedisStore::connect(&mount.settings, Bounds::default(), PodId::fresh())
        .await
        .expect("the settings are right");
    assert!(matches!(*store.availability().borrow(), Availability::Down { .. }));
    assert!(matches!(store.latest(TENANT).await, Err(Error::Unavailable { .. })));
    server.restart();
    becomes(&store, true).await;
    assert_eq!(store.latest(TENANT).await.expect("in reach").offset, Offset(0));
}

#[tokio::test]
async fn a_restart_with_nothing_left_is_told_and_never_silent() {
    let mut server = Server::start("");
    let mount = at(&server);
    let (store, other) = mount.pods(Bounds::default()).await;
    let before = store.publish(TENANT, EVENT, None).await.expect("in reach");
    let session = held(&store).await;
    let pod = PodId::fresh();
    store.acquire(&pod, Duration::from_secs(60)).await.expect("it is new");
    let (tail, inbox) = (store.tail(), store.inbox(&pod));
    tail.watch(TENANT);
    let check = Notice::Check { tenant: TENANT.into() };
    assert_eq!(soon("a check", tail.next()).await, check);
    assert_eq!(soon("mail", inbox.next()).await, Mail::Missed);
    let replica = std::sync::Arc::new(protocol::Replica {
        instance: "one".to_owned(),
        address: "http://127.0.0.1:1".to_owned(),
        description: protocol::pb::Description::default(),
    });
    store.put(replica).await.expect("there is room");

    drop(mount);
    server.kill();
    becomes(&store, false).await;
    assert!(matches!(store.publish(TENANT, EVENT, None).await, Err(Error::Unavailable { .. })));
    server.restart();
    becomes(&store, true).await;

    assert_eq!(soon("a check", tail.next()).await, check, "readers are sent to the log");
    assert_eq!(soon("mail", inbox.next()).await, Mail::Missed);
    let page = store.read(TENANT, before, ALL).await.expect("in reach");
    let Page::Gap { end, .. } = page else { panic!("{page:?}") };
    assert_ne!(end.epoch, before.epoch);
    let unknown = Err(Error::Unknown { what: "the session" });
    assert_eq!(store.begin(session.call("1")).await, unknown);
    assert_eq!(
        store.renew(&pod, Duration::from_secs(60)).await,
        Err(Error::Unknown { what: "the pod's lease" })
    );
    let position = store.publish(TENANT, EVENT, None).await.expect("in reach");
    let Notice::Event { epoch, event, .. } = soon("the event", tail.next()).await else { panic!("a check") };
    assert_eq!((epoch, event.offset), (position.epoch, position.offset));
    // The pod that has a replica lists it again, and the other one sees it.
    becomes(&other, true).await;
    let mut list = other.watch();
    soon("the replica is back", list.wait_for(|list| list.len() == 1)).await.expect("the directory lives");
    eventually("the replica is in redis", async || {
        server.cli("KEYS *:r:{directory}").contains("directory").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_restart_from_disk_leaves_a_doubt_about_what_was_lost() {
    let mut server = Server::start("");
    let mount = at(&server);
    let store = mount.pod().await;
    let before = store.publish(TENANT, EVENT, None).await.expect("in reach");
    let session = held(&store).await;
    assert!(server.cli("SAVE").contains("OK"));
    let lost = store.publish(TENANT, EVENT, None).await.expect("in reach");
    assert_eq!(store.begin(session.call("1")).await, Ok(Begin::Begun));

    drop(mount);
    server.kill();
    becomes(&store, false).await;
    server.restart_from_disk();
    becomes(&store, true).await;

    let resent = Call { resent: true, ..session.call("1") };
    assert_eq!(store.begin(resent).await, Ok(Begin::Doubtful), "it ran, and the journal does not know");
    let again = store.publish(TENANT, EVENT, None).await.expect("in reach");
    assert_eq!(again.offset, lost.offset, "an offset is used twice");
    assert_ne!(again.epoch, lost.epoch, "but not in one epoch");
    // Nobody is sent again what it has, wherever it stood.
    for reader in [before, lost] {
        let page = store.read(TENANT, reader, ALL).await.expect("in reach");
        let kept = Position { epoch: again.epoch, offset: before.offset };
        assert_eq!(page, Page::Gap { resume: kept, end: again });
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout_and_wedges_nothing() {
    let server = Server::start("");
    let store = at(&server).pod().await;
    server.freeze();
    let started = Instant::now();
    assert_eq!(store.latest(TENANT).await, Err(Error::Timeout { milliseconds: 500 }));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    becomes(&store, false).await;
    let refused = store.publish(TENANT, EVENT, None).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    server.thaw();
    becomes(&store, true).await;
    store.publish(TENANT, EVENT, None).await.expect("in reach");
}

#[tokio::test]
async fn a_full_server_says_so_and_changes_nothing() {
    let server = Server::start("");
    let store = at(&server).pod().await;
    let before = store.publish(TENANT, EVENT, None).await.expect("in reach");
    let session = held(&store).await;
    store.begin(session.call("1")).await.expect("it is there");
    server.cli("CONFIG SET maxmemory 1");
    assert_eq!(store.publish(TENANT, EVENT, Some("key")).await, Err(Error::OutOfMemory));
    assert_eq!(store.begin(session.call("2")).await, Err(Error::OutOfMemory));
    let finished = store.finish(session.id, "1", &session.pod, b"42").await;
    assert_eq!(finished, Err(Error::OutOfMemory));
    assert_eq!(store.acquire(&PodId::fresh(), Duration::from_secs(1)).await, Err(Error::OutOfMemory));
    server.cli("CONFIG SET maxmemory 0");
    assert_eq!(store.latest(TENANT).await, Ok(before));
    assert_eq!(store.lookup(session.id, &["2"]).await, Ok(vec![None]));
    let position = store.publish(TENANT, EVENT, Some("key")).await.expect("there is room again");
    assert_eq!(position.offset, Offset(2), "the refused key was not remembered");
}

#[tokio::test]
async fn a_replica_takes_no_writes_and_is_not_ready() {
    let master = Server::start("");
    let server = Server::start("");
    let store = at(&server).pod().await;
    server.cli(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    let refused = store.publish(TENANT, EVENT, None).await;
    assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
    becomes(&store, false).await;
    server.cli("REPLICAOF NO ONE");
    becomes(&store, true).await;
    store.publish(TENANT, EVENT, None).await.expect("it is a master again");
}

#[tokio::test]
async fn what_does_not_belong_there_is_corrupt() {
    let server = Server::start("");
    let mount = at(&server);
    let store = mount.pod().await;
    let prefix = &mount.settings.key_prefix;
    let session = held(&store).await;
    store.publish(TENANT, EVENT, None).await.expect("in reach");
    server.cli(&format!("SET {prefix}:e:{{t.{TENANT}}} text"));
    server.cli(&format!("SET {prefix}:j:{{{}}} text", session.id));
    let answers = [
        store.publish(TENANT, EVENT, None).await.map(|_| ()),
        store.begin(session.call("1")).await.map(|_| ()),
        store.lookup(session.id, &["1"]).await.map(|_| ()),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Error::Corrupt { .. })), "{answer:?}");
    }
    assert!(store.availability().borrow().is_up(), "the server is well");
    server.cli(&format!("DEL {prefix}:j:{{{}}}", session.id));
    server.cli(&format!("HSET {prefix}:j:{{{}}} 1 nonsense", session.id));
    let answer = store.lookup(session.id, &["1"]).await;
    assert!(matches!(answer, Err(Error::Corrupt { .. })), "{answer:?}");
}

#[tokio::test]
async fn scripts_that_the_server_has_forgotten_are_taught_again() {
    let server = Server::start("");
    let store = at(&server).pod().await;
    for _ in 0..2 {
        store.publish(TENANT, EVENT, None).await.expect("in reach");
        server.cli("SCRIPT FLUSH");
    }
    assert_eq!(store.latest(TENANT).await.expect("in reach").offset, Offset(2));
}

#[tokio::test]
async fn a_broken_subscription_is_made_anew_and_says_so() {
    let server = Server::start("");
    let store = at(&server).pod().await;
    let inbox: Inbox = store.inbox(&PodId::fresh());
    assert_eq!(soon("mail", inbox.next()).await, Mail::Missed);
    let tail = store.tail();
    tail.watch(TENANT);
    let check = Notice::Check { tenant: TENANT.into() };
    assert_eq!(soon("a check", tail.next()).await, check);
    server.cli("CLIENT KILL TYPE pubsub");
    assert_eq!(soon("a check", tail.next()).await, check);
    assert_eq!(soon("mail", inbox.next()).await, Mail::Missed);
    store.publish(TENANT, EVENT, None).await.expect("in reach");
    assert!(matches!(soon("the event", tail.next()).await, Notice::Event { .. }));
}

#[tokio::test]
async fn the_replicas_of_a_dead_pod_vanish() {
    let server = Server::start("");
    let mut mount = at(&server);
    mount.settings.directory_lease_ms = 1_500;
    let (dying, store) = mount.pods(Bounds::default()).await;
    let mut replicas = Vec::new();
    for (pod, instance) in [(&dying, "dying"), (&store, "living")] {
        let replica = protocol::Replica {
            instance: instance.to_owned(),
            address: "http://127.0.0.1:1".to_owned(),
            description: protocol::pb::Description::default(),
        };
        replicas.push(std::sync::Arc::new(replica));
        pod.put(std::sync::Arc::clone(&replicas[replicas.len() - 1])).await.expect("there is room");
    }
    let mut list = store.watch();
    soon("both are seen", list.wait_for(|list| list.len() == 2)).await.expect("the directory lives");
    store.remove(&replicas[0]).await.expect("in reach");
    assert_eq!(store.watch().borrow().len(), 2, "a pod takes off what it has put, and no more");
    drop(dying);
    soon("one vanishes", list.wait_for(|list| list.len() == 1)).await.expect("the directory lives");
    assert_eq!(list.borrow()[0].instance, "living");
}

#[tokio::test]
async fn a_replica_that_redis_did_not_take_is_listed_once_it_does() {
    let server = Server::start("");
    let mut mount = at(&server);
    mount.settings.directory_lease_ms = 600;
    let store = mount.pod().await;
    let mut list = store.watch();
    for address in ["http://127.0.0.1:1", "http://127.0.0.1:2"] {
        server.cli("CONFIG SET maxmemory 1");
        let replica = protocol::Replica {
            instance: "one".to_owned(),
            address: address.to_owned(),
            description: protocol::pb::Description::default(),
        };
        assert_eq!(store.put(std::sync::Arc::new(replica)).await, Err(Error::OutOfMemory));
        server.cli("CONFIG SET maxmemory 0");
        let right = |list: &session_store::Snapshot| list.len() == 1 && list[0].address == address;
        soon("it is listed", list.wait_for(right)).await.expect("the directory lives");
    }
}

#[tokio::test]
async fn what_the_directory_was_told_while_redis_was_away_holds_when_it_is_back() {
    let server = Server::start("");
    let mut mount = at(&server);
    mount.settings.directory_lease_ms = 3_600_000;
    let (store, other) = mount.pods(Bounds::default()).await;
    let [leaving, coming, neither] = ["leaving", "coming", "neither"].map(|instance| {
        std::sync::Arc::new(protocol::Replica {
            instance: instance.to_owned(),
            address: "http://127.0.0.1:1".to_owned(),
            description: protocol::pb::Description::default(),
        })
    });
    store.put(leaving.clone()).await.expect("there is room");
    let mut list = other.watch();
    soon("it is seen", list.wait_for(|list| list.len() == 1)).await.expect("the directory lives");
    server.freeze();
    assert_eq!(store.remove(&leaving).await, Err(Error::Timeout { milliseconds: 500 }));
    becomes(&store, false).await;
    for replica in [&coming, &neither] {
        let refused = store.put(replica.clone()).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    }
    let refused = store.remove(&neither).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    server.thaw();
    let mut list = store.watch();
    let right = |list: &session_store::Snapshot| list.len() == 1 && list[0].instance == "coming";
    soon("it is so here", list.wait_for(right)).await.expect("the directory lives");
    let mut list = other.watch();
    soon("it is so there", list.wait_for(right)).await.expect("the directory lives");
}

#[tokio::test]
async fn a_user_with_a_password_is_let_in_and_another_is_not() {
    let server = Server::start("user mcpw on >secret ~* &* +@all\n");
    let mut mount = at(&server);
    mount.settings.username = Some("mcpw".to_owned());
    mount.settings.password = Some(session_store::Secret("secret".to_owned()));
    let store = mount.pod().await;
    store.publish(TENANT, EVENT, None).await.expect("in reach");
    mount.settings.password = Some(session_store::Secret("guessed".to_owned()));
    let refused = RedisStore::connect(&mount.settings, Bounds::default(), PodId::fresh())
        .await
        .expect("the settings could be right");
    let Availability::Down { reason } = refused.availability().borrow().clone() else { panic!("it is up") };
    assert!(reason.contains("refuses access"), "{reason}");
    assert!(!reason.contains("guessed"), "{reason}");
}

#[test]
fn settings_are_read_with_their_defaults_and_unknown_keys_are_refused() {
    let settings: Settings =
        serde_json::from_str(r#"{"mode":"sentinel","addresses":["a:1","b:2"],"password":"12"}"#)
            .expect("they are right");
    assert_eq!((settings.mode, &*settings.key_prefix), (Mode::Sentinel, "mcpw"));
    assert!(!format!("{settings:?}").contains("12\""), "passwords are not printed");
    assert!(serde_json::from_str::<Settings>(r#"{"adresses":[]}"#).is_err());
    let written = serde_json::to_value(&settings).expect("plain data");
    assert_eq!(written["password"], "[redacted]", "passwords are not written out");
    let again: Settings = serde_json::from_value(written).expect("they are as they were");
    assert_eq!(again, Settings { password: again.password.clone(), ..settings });
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_refused() {
    let wrong = [
        Settings { addresses: vec![], ..Settings::default() },
        Settings { addresses: vec!["nowhere".to_owned()], ..Settings::default() },
        Settings { addresses: vec!["a:1".to_owned(), "b:2".to_owned()], ..Settings::default() },
        Settings { mode: Mode::Cluster, database: 3, ..Settings::default() },
        Settings {
            tls: Some(session_store::Tls { ca_file: Some("/nowhere/ca.pem".into()) }),
            ..Settings::default()
        },
    ];
    for settings in wrong {
        let refused = RedisStore::connect(&settings, Bounds::default(), PodId::fresh()).await;
        assert!(matches!(refused, Err(Error::Settings { .. })), "{settings:?}");
    }
}

#[tokio::test]
async fn after_a_failover_the_new_master_is_found_and_readers_are_told() {
    let mut watched = Watched::start();
    let mut mount = Redis::new(Mode::Sentinel, watched.addresses(), vec![]);
    mount.settings.command_timeout_ms = 500;
    mount.settings.check_interval_ms = 200;
    let store = mount.pod().await;
    let before = store.publish(TENANT, EVENT, None).await.expect("in reach");
    let session = held(&store).await;
    let tail = store.tail();
    tail.watch(TENANT);
    let check = Notice::Check { tenant: TENANT.into() };
    assert_eq!(soon("a check", tail.next()).await, check);
    crate::servers::wait("the replica has it all", || {
        watched.servers[1].cli("DBSIZE") == watched.servers[0].cli("DBSIZE")
    });
    drop(mount);
    watched.servers[0].kill();
    becomes(&store, false).await;
    becomes(&store, true).await;
    assert_eq!(soon("a check", tail.next()).await, check);
    let page = store.read(TENANT, before, ALL).await.expect("in reach");
    assert!(matches!(page, Page::Gap { end, .. } if end.offset == Offset(1)), "{page:?}");
    store.publish(TENANT, EVENT, None).await.expect("it takes writes");
    assert!(matches!(soon("the event", tail.next()).await, Notice::Event { .. }));
    let token = session_store::ResumeToken::fresh().expect("there is randomness");
    let resume = session_store::Resume {
        turn: 1,
        id: session.id,
        tenant: TENANT,
        agent: crate::contract::AGENT,
        presented: session.token.hash(session.id),
        next: token.hash(session.id),
        pod: &session.pod,
    };
    let taken = session_store::Sessions::resume(&store, resume).await.expect("in reach");
    assert!(matches!(taken, Resumed::Taken { .. }), "the session has outlived its master: {taken:?}");
}

#[tokio::test]
async fn a_cluster_that_loses_a_master_goes_on_with_its_replica() {
    let mut cluster = Cluster::start();
    let mut mount = Redis::new(Mode::Cluster, cluster.addresses(), vec![]);
    mount.settings.command_timeout_ms = 1_000;
    mount.settings.check_interval_ms = 300;
    let store = mount.pod().await;
    // Some tenant of each master, by the slots of their logs.
    let tenants: Vec<_> = (0..12).map(|number| format!("tenant-{number}")).collect();
    let tail = store.tail();
    let mut before = Vec::new();
    for tenant in &tenants {
        tail.watch(tenant);
        before.push(store.publish(tenant, EVENT, None).await.expect("in reach"));
    }
    drop(mount);
    cluster.nodes[2].kill();
    for (tenant, before) in tenants.iter().zip(before) {
        let page =
            eventually_within(Duration::from_secs(30), async || store.read(tenant, before, ALL).await.ok())
                .await;
        match page {
            Page::Events { end, .. } => assert_eq!(end, before),
            Page::Gap { end, .. } => assert_ne!(end.epoch, before.epoch, "the log has moved to a replica"),
        }
    }
    becomes(&store, true).await;
    // Every log is heard again, also those that have moved.
    for tenant in &tenants {
        eventually_within(Duration::from_secs(30), async || {
            store.publish(tenant, EVENT, None).await.ok()?;
            loop {
                match tokio::time::timeout(Duration::from_millis(200), tail.next()).await.ok()? {
                    Notice::Event { tenant: heard, .. } if *heard == **tenant => return Some(()),
                    _ => {}
                }
            }
        })
        .await;
    }
}

async fn eventually_within<T>(limit: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(result) = condition().await {
            return result;
        }
        assert!(Instant::now() < deadline, "waited too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
