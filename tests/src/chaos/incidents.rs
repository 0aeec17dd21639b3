//! What was done to the fleet, and when. It excuses losses only where it says so.

use std::fmt;
use std::time::Instant;

use super::Ledger;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A pod was killed.
    Killed {
        /// Its place.
        pod: usize,
    },
    /// Redis was killed, and came back.
    RedisKilled {
        /// With nothing of what it had.
        empty: bool,
    },
    /// A pod was cut off from Redis for longer than its lease, and connected again.
    CutOff {
        /// Its place.
        pod: usize,
    },
    /// A pod was asked to end, and started again.
    Restarted {
        /// Its place.
        pod: usize,
    },
}

impl fmt::Display for Deed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed { pod } => write!(formatter, "pod {} killed", pod + 1),
            Self::RedisKilled { empty: false } => {
                formatter.write_str("Redis killed, and back with all it had")
            }
            Self::RedisKilled { empty: true } => formatter.write_str("Redis killed, and back with nothing"),
            Self::CutOff { pod } => write!(formatter, "pod {} cut off from Redis", pod + 1),
            Self::Restarted { pod } => write!(formatter, "pod {} ended and started again", pod + 1),
        }
    }
}

/// A deed and its time.
#[derive(Clone, Copy, Debug)]
pub struct Incident {
    /// What.
    pub deed: Deed,
    /// Before it was done.
    pub from: Instant,
    /// After its effect on calls that run: the pod is gone, or Redis is back.
    pub to: Instant,
}

/// All deeds of a run.
#[derive(Clone, Debug, Default)]
pub struct Incidents(pub Vec<Incident>);

impl Incidents {
    /// Whether the owner of a call that ran then may have died: only then its outcome may be unknown.
    pub fn excuse_unknown(&self, begun: Instant, ended: Instant) -> bool {
        self.0.iter().any(|incident| {
            let owners_die = !matches!(incident.deed, Deed::Restarted { .. });
            owners_die && begun <= incident.to && incident.from <= ended
        })
    }

    /// Whether the log of events may have got another epoch.
    pub fn excuse_epochs(&self) -> bool {
        self.0.iter().any(|incident| matches!(incident.deed, Deed::RedisKilled { .. }))
    }

    /// Enters all deeds.
    pub fn enter(&self, ledger: &mut Ledger) {
        for incident in &self.0 {
            let lasted = incident.to.duration_since(incident.from).as_secs_f64();
            let at = self.time(incident.from);
            ledger.row(incident.deed.to_string(), format!("at {at}, for {lasted:.1} s"));
        }
    }

    /// A time in words, as one since the first deed.
    pub(super) fn time(&self, time: Instant) -> String {
        let first = self.0.first().map_or(time, |first| first.from);
        let [after, before] = [(time, first), (first, time)].map(|(one, other)| one.duration_since(other));
        format!("{:.3} s", after.as_secs_f64() - before.as_secs_f64())
    }
}
