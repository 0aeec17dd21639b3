//! What a platform of many pods does, from what one thing costs. Each figure is a cost times how often it is paid; nothing
//! grows with the number of pods but what each of them does for itself.

use anyhow::Result;

use super::inputs::{Cost, Inputs};
use super::table::{Table, count, rate};

/// A pod of this many cores: one is for the control plane and the kernel, the others are shards.
const CORES: f64 = 16.0;
const SHARDS: f64 = CORES - 1.0;
const MEMORY: f64 = 32.0 * GIB;
const GIB: f64 = 1_073_741_824.0;
/// So much of anything is planned for. The rest is for what comes when a pod goes.
const PLANNED: f64 = 0.5;
/// Bytes that the kernel has for a connection, at most.
const KERNEL: f64 = 16.0 * 1_024.0;
/// So many connections of a pod are planned for: what all pods have to take in when it dies.
const CONNECTIONS: f64 = 100_000.0;
/// In a second, in microseconds.
const SECOND: f64 = 1_000_000.0;

/// The things that are counted, as they stand in the file of measurements.
const COSTS: [&str; 7] = [
    "session opened",
    "session left",
    "session resumed",
    "idle session, a second",
    "call",
    "event",
    "idle pod, a second",
];

/// All tables of the page, by their names.
pub(super) fn tables(inputs: &Inputs) -> Result<Vec<(&'static str, Table)>> {
    Ok(vec![
        ("costs", costs(inputs)?),
        ("check", check(inputs)?),
        ("pod", pod(inputs)?),
        ("redis", redis(inputs)?),
        ("platform", platform(inputs)?),
        ("loss", loss(inputs)?),
    ])
}

/// What one of each costs, measured with one pod.
fn costs(inputs: &Inputs) -> Result<Table> {
    let mut table = Table::new(["", "scripts", "commands in all", "CPU of Redis, µs", "CPU of the pod, µs"]);
    for name in COSTS {
        let Cost { scripts, commands, redis_micros, pod_micros } = inputs.cost(1, name)?;
        let rest = [scripts, commands, redis_micros, pod_micros].map(|number| format!("{number:.1}"));
        table.row([name.to_owned()].into_iter().chain(rest));
    }
    Ok(table)
}

/// What the model says of more pods, from one, beside what was measured with them.
fn check(inputs: &Inputs) -> Result<Table> {
    let mut table = Table::new([
        "pods",
        "",
        "commands: model",
        "measured",
        "CPU of Redis, µs: model",
        "measured",
        "CPU of pods, µs: model",
        "measured",
    ]);
    for pods in inputs.pods() {
        for name in ["session opened", "session resumed", "call", "event"] {
            let (model, found) = (at(inputs, pods, name)?, inputs.cost(pods, name)?);
            let pair = |model: f64, found: f64| [format!("{model:.1}"), format!("{found:.1}")];
            let numbers = [
                pair(model.commands, found.commands),
                pair(model.redis_micros, found.redis_micros),
                pair(model.pod_micros, found.pod_micros),
            ];
            table.row([pods.to_string(), name.to_owned()].into_iter().chain(numbers.into_iter().flatten()));
        }
    }
    Ok(table)
}

/// What one thing costs with so many pods. An event goes to each pod that has a subscriber, which reads and delivers it;
/// nothing else concerns more than one, but a session that is resumed at another.
pub(super) fn at(inputs: &Inputs, pods: u64, name: &str) -> Result<Cost> {
    let one = inputs.cost(1, name)?;
    if name != "event" {
        // The pod that had it is told by a letter.
        let letters = if name == "session resumed" && pods > 1 { 1.0 } else { 0.0 };
        return Ok(Cost { commands: one.commands + letters, ..one });
    }
    let last = inputs.pods().last().unwrap_or(1);
    let (most, further) = (inputs.cost(last, name)?, (pods - 1) as f64);
    let line = |of: fn(&Cost) -> f64| {
        let slope = if last > 1 { (of(&most) - of(&one)) / (last - 1) as f64 } else { 0.0 };
        of(&one) + further * slope
    };
    Ok(Cost {
        scripts: line(|cost| cost.scripts),
        commands: line(|cost| cost.commands),
        redis_micros: line(|cost| cost.redis_micros),
        pod_micros: line(|cost| cost.pod_micros),
    })
}

/// What a pod of 16 cores holds, and where it saturates.
fn pod(inputs: &Inputs) -> Result<Table> {
    let mut table = Table::new(["", "one costs", "15 shards do at most", "planned for"]);
    let mut row = |name: &str, unit: &str, cost: f64, most: f64| {
        table.row([name.to_owned(), format!("{cost:.2} {unit}"), rate(most), rate(most * PLANNED)]);
    };
    for (name, micros) in [
        ("echoes a second, one at a time on each connection", inputs.bench("echo_micros")?),
        ("echoes a second, pipelined", inputs.bench("pipelined_echo_micros")?),
        ("calls a second, the store in memory", inputs.bench("call_micros")?),
        ("calls a second, over Redis", inputs.cost(1, "call")?.pod_micros),
        ("events a second to one subscriber each, singly", inputs.bench("delivery_micros")?),
        ("events a second to one subscriber each, in bursts of ten", inputs.bench("burst_delivery_micros")?),
        ("new connections a second", inputs.bench("upgrade_micros")?),
        ("new connections a second under TLS 1.3", inputs.bench("tls_upgrade_micros")?),
    ] {
        row(name, "µs", micros, SHARDS * SECOND / micros);
    }
    let idle = inputs.bench("idle_percent")?;
    table.row([
        "idle connections, by CPU".to_owned(),
        format!("{idle:.6} % of a core"),
        rate(SHARDS * 100.0 / idle),
        rate(SHARDS * 100.0 / idle * PLANNED),
    ]);
    for (name, bytes) in [("", "connection_bytes"), (" under TLS", "tls_connection_bytes")] {
        let each = inputs.bench(bytes)? + KERNEL;
        let most = (MEMORY - inputs.bench("program_bytes")?) / each;
        table.row([
            format!("idle connections{name}, by 32 GiB of memory"),
            format!("{} bytes, the kernel's among them", count(each)),
            rate(most),
            rate(most * PLANNED),
        ]);
    }
    Ok(table)
}

/// What one Redis carries: it is one thread.
fn redis(inputs: &Inputs) -> Result<Table> {
    let mut table =
        Table::new(["", "CPU of Redis for one, µs", "a Redis does at most, a second", "planned for"]);
    for name in ["session opened", "session resumed", "call", "event"] {
        let micros = inputs.cost(1, name)?.redis_micros;
        let most = SECOND / micros;
        table.row([name.to_owned(), format!("{micros:.1}"), rate(most), rate(most * PLANNED)]);
    }
    Ok(table)
}

/// Platforms of some sizes: how many sessions, and after how many seconds each calls again.
const PLATFORMS: [(f64, f64); 6] = [
    (10_000.0, 10.0),
    (100_000.0, 60.0),
    (100_000.0, 10.0),
    (1_000_000.0, 600.0),
    (1_000_000.0, 60.0),
    (1_000_000.0, 10.0),
];

fn platform(inputs: &Inputs) -> Result<Table> {
    let mut table = Table::new([
        "sessions",
        "a call each",
        "calls/s",
        "scripts/s of Redis",
        "cores of Redis",
        "Redis' memory",
        "pods by connections",
        "by CPU",
        "pods",
        "masters of a Redis cluster",
    ]);
    let (call, pod) = (inputs.cost(1, "call")?, inputs.cost(1, "idle pod, a second")?);
    let session = inputs.measured(1, "session_bytes")?;
    for (sessions, every) in PLATFORMS {
        let calls = sessions / every;
        let by_connections = (sessions / CONNECTIONS).ceil();
        let by_cpu = (calls * call.pod_micros / (SHARDS * SECOND * PLANNED)).ceil();
        let pods = by_connections.max(by_cpu) + 1.0;
        let cores = (calls * call.redis_micros + pods * pod.redis_micros) / SECOND;
        table.row([
            count(sessions),
            format!("{every:.0} s"),
            count(calls),
            count(calls * call.scripts + pods * pod.scripts),
            format!("{cores:.2}"),
            format!("{:.1} GiB", sessions * session * 1.5 / GIB),
            count(by_connections),
            count(by_cpu),
            count(pods),
            count((cores / PLANNED).ceil()),
        ]);
    }
    Ok(table)
}

/// What the others do when a pod with all the connections that are planned for dies.
fn loss(inputs: &Inputs) -> Result<Table> {
    let mut table = Table::new(["pods before", "come back", "the others take, under TLS", "one Redis takes"]);
    let (tls, resumed) = (inputs.bench("tls_upgrade_micros")?, inputs.cost(1, "session resumed")?);
    for pods in [3.0, 6.0, 11.0] {
        let cpu = (tls + resumed.pod_micros) * CONNECTIONS / ((pods - 1.0) * SHARDS * SECOND * PLANNED);
        let redis = resumed.redis_micros * CONNECTIONS / (SECOND * PLANNED);
        table.row([count(pods), count(CONNECTIONS), format!("{cpu:.1} s"), format!("{redis:.1} s")]);
    }
    Ok(table)
}
