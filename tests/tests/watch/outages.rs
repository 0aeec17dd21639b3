//! A pod, a backend and Redis are killed, one after the other: each time the right alert fires in its time, and no other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use dashboards::Pace;
use tests::watched::Load;
use tests::{Prometheus, until_within};

use crate::{platform, prometheus};

/// Two minutes of an alert are four seconds here.
const PACE: Pace = Pace::times(30);

/// Beside an alert's own patience: to notice, to scrape, to evaluate.
const SLACK: Duration = Duration::from_secs(8);

/// For what is mended to be seen.
const MENDED: Duration = Duration::from_secs(90);

/// So long an alert's minutes are at this pace.
const fn scaled(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60 / 30)
}

fn names(prometheus: &Prometheus) -> BTreeSet<String> {
    let firing = prometheus.firing();
    let annotations = firing.iter().flat_map(|alert| alert["annotations"].as_object()).flatten();
    for (name, text) in annotations {
        assert!(!text.to_string().contains("error expanding"), "{name}: {text}");
    }
    firing.iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned()).collect()
}

/// So long an outage lasts once it is told, and longer than other alerts would wait.
const LASTS: Duration = scaled(4);

/// Awaits the alert, which waits for so many minutes, and sees that none comes with it, and none later while it lasts.
#[track_caller]
fn check_fires(prometheus: &Prometheus, alert: &str, minutes: u64) {
    let since = Instant::now();
    let fired = until_within(scaled(minutes) + SLACK, alert, || {
        let names = names(prometheus);
        (!names.is_empty()).then_some(names)
    });
    assert_eq!(fired, BTreeSet::from([alert.to_owned()]), "after {:?}", since.elapsed());
    eprintln!("{alert} fires after {:.1?}", since.elapsed());
    let told = Instant::now();
    until_within(LASTS * 2, "the outage to have lasted", || {
        let names = names(prometheus);
        assert!(names.iter().all(|name| name == alert), "{names:?} after {:?}", since.elapsed());
        (told.elapsed() >= LASTS).then_some(())
    });
}

/// Awaits that nothing fires any more, and sees that until then nothing did but this.
#[track_caller]
fn check_calm(prometheus: &Prometheus, alert: &str) {
    let mut left = BTreeSet::new();
    let calm = || {
        let names = names(prometheus);
        if names != left {
            assert!(names.iter().all(|name| name == alert), "{names:?} beside {alert}");
            left = names;
        }
        left.is_empty().then_some(())
    };
    until_within(MENDED, "all alerts to end", calm);
}

#[test]
fn what_is_killed_is_told_of_in_its_time_and_nothing_else() {
    let mut platform = platform();
    let prometheus = prometheus(PACE);
    prometheus.scrape(platform.targets());
    let load = Load::start(&platform);
    load.round(&platform);
    until_within(MENDED, "half an hour of the rules", || {
        let samples =
            prometheus.query(&format!("count_over_time(up{{pod=\"a\"}}[1h]) >= {}", scaled(30).as_secs()));
        (!samples.is_empty()).then_some(())
    });
    until_within(MENDED, "the rules to be calm", || names(&prometheus).is_empty().then_some(()));

    drop(platform.reports.take());
    check_fires(&prometheus, "McpwBackendLost", 1);
    platform.report();
    check_calm(&prometheus, "McpwBackendLost");

    platform.pods.redis.kill();
    check_fires(&prometheus, "McpwStoreUnreachable", 1);
    platform.pods.redis.restart();
    check_calm(&prometheus, "McpwStoreUnreachable");

    platform.pod("c").signal("-KILL");
    check_fires(&prometheus, "McpwPodDown", 2);
    platform.processes.remove("c");
    prometheus.scrape(platform.targets());
    check_calm(&prometheus, "McpwPodDown");
    drop(load);
}
