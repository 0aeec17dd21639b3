//! What Redis is asked for while no client does anything.
use std::collections::HashMap;

use session_store::Mode;

use crate::contract::{Mount as _, eventually, held};
use crate::servers::Server;
use crate::servers::mount::Redis;

/// How often each command has run, also inside of scripts.
fn commands(server: &Server) -> HashMap<String, u64> {
    let stats = server.cli("INFO commandstats");
    let counted = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let (calls, _) = rest.split_once(',')?;
        // What asks is no part of the answer.
        (name != "info").then(|| (name.to_owned(), calls.parse().expect("a number")))
    });
    counted.collect()
}

#[tokio::test]
async fn ten_thousand_idle_sessions_cost_redis_nothing() {
    let server = Server::start("");
    let mut mount = Redis::new(Mode::Standalone, vec![server.address()], vec![&server]);
    mount.settings.check_interval_ms = 50;
    mount.settings.directory_lease_ms = 300;
    let store = mount.pod().await;
    for _ in 0..100 {
        futures_util::future::join_all((0..100).map(|_| held(&store))).await;
    }
    let keys = server.cli(&format!("EVAL return(#redis.call('KEYS','{}:s:*')) 0", mount.settings.key_prefix));
    assert_eq!(keys.trim(), "10000");

    // The pod's own checks are the clock: after forty of them, more than two seconds have passed.
    let before = commands(&server);
    let of = |counts: &HashMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or_default();
    let after = eventually("forty checks", async || {
        let now = commands(&server);
        (of(&now, "role") >= of(&before, "role") + 40).then_some(now)
    })
    .await;
    let mut ran: HashMap<_, _> =
        after.iter().map(|(name, calls)| (&**name, calls - of(&before, name))).collect();
    ran.retain(|_, calls| *calls > 0);
    let [checks, pings] = ["role", "ping"].map(|name| ran.remove(name).unwrap_or_default());
    let beats = ran.get("evalsha").copied().unwrap_or_default();
    // What one sign of life of the directory runs, and no command besides.
    let each = [("evalsha", 1), ("time", 1), ("zadd", 1), ("zrangebyscore", 1), ("pexpire", 3), ("hget", 1)];
    assert_eq!(ran, each.map(|(name, calls)| (name, calls * beats)).into());
    assert!(beats > 0 && pings > 0 && checks + pings + beats < 1_000, "{checks} {pings} {beats}");
}
