//! The harm itself: who is hit and when. Notes all that it does, and leaves the fleet whole.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::incidents::{Deed, Incident, Incidents};
use super::{Dice, Fleet, Scenario, Settings};

/// From one kill of a gateway to the next.
const PERIOD: Duration = Duration::from_secs(5);
/// Undisturbed, before and after a harm that is done once.
const QUIET: Duration = Duration::from_secs(2);
/// A pod that is cut off stays so for this much longer than its lease.
const BEYOND: Duration = Duration::from_secs(3);
/// Until all pods take clients again.
const READY: Duration = Duration::from_secs(30);

/// Harm in progress.
struct Havoc<'a> {
    fleet: &'a mut Fleet,
    settings: &'a Settings,
    dice: Dice,
    end: Instant,
    incidents: Incidents,
}

/// Does it for about this long, and at least once. What was done follows from the dice, but for the exact times.
///
/// # Errors
/// A process does not come back.
pub(super) fn wreak(
    scenario: Scenario,
    fleet: &mut Fleet,
    settings: &Settings,
    lasting: Duration,
    dice: Dice,
) -> Result<Incidents> {
    let end = Instant::now() + lasting;
    let mut havoc = Havoc { fleet, settings, dice, end, incidents: Incidents::default() };
    match scenario {
        Scenario::Gateways => havoc.kill_gateways()?,
        Scenario::Redis => havoc.kill_redis()?,
        Scenario::Partition => havoc.cut_off()?,
        Scenario::Rolling => havoc.restart()?,
    }
    until(end);
    havoc.fleet.await_ready(READY)?;
    Ok(havoc.incidents)
}

impl Havoc<'_> {
    fn kill_gateways(&mut self) -> Result<()> {
        let mut next = Instant::now() + PERIOD / 2;
        loop {
            until(next);
            let pod = self.dice.place(self.fleet.size());
            let down = self.dice.time(100..1_500);
            let from = Instant::now();
            self.fleet.kill(pod);
            self.note(Deed::Killed { pod }, from);
            thread::sleep(down);
            self.fleet.restart(pod)?;
            next += PERIOD;
            if next >= self.end {
                return Ok(());
            }
        }
    }

    fn kill_redis(&mut self) -> Result<()> {
        let begin = Instant::now();
        let half = self.end.duration_since(begin) / 2;
        for (number, empty) in [(0, false), (1, true)] {
            let half_begin = begin + half * number;
            let times = u32::try_from(half.as_secs() / 10).unwrap_or(1).max(1);
            for time in 0..times {
                until(half_begin + half / times * time + half / times / 4);
                let pod = self.dice.place(self.fleet.size());
                let away = self.dice.time(200..1_500);
                let from = Instant::now();
                self.fleet.kill_redis();
                thread::sleep(away / 2);
                // These ask for their sessions while nobody has them.
                self.fleet.break_off(pod)?;
                thread::sleep(away / 2);
                self.fleet.restart_redis(empty)?;
                self.note(Deed::RedisKilled { empty }, from);
            }
            until(half_begin + half);
        }
        Ok(())
    }

    fn cut_off(&mut self) -> Result<()> {
        let pod = self.fleet.size() - 1;
        loop {
            thread::sleep(QUIET);
            let from = Instant::now();
            self.fleet.cut_off()?;
            // With their calls half-way its clients turn to other pods, which have to wait for the end of its lease.
            self.fleet.break_off(pod)?;
            thread::sleep(self.settings.lease + BEYOND);
            self.fleet.heal()?;
            self.note(Deed::CutOff { pod }, from);
            self.fleet.await_ready(READY)?;
            thread::sleep(QUIET / 2);
            // It has the fewest clients, so that these come to it, and find their sessions there.
            self.fleet.break_off(0)?;
            thread::sleep(QUIET);
            if Instant::now() + QUIET + self.settings.lease + BEYOND >= self.end {
                return Ok(());
            }
        }
    }

    fn restart(&mut self) -> Result<()> {
        thread::sleep(QUIET);
        for pod in 0..self.fleet.size() {
            let from = Instant::now();
            self.fleet.terminate(pod)?;
            self.fleet.restart(pod)?;
            self.note(Deed::Restarted { pod }, from);
        }
        thread::sleep(QUIET);
        Ok(())
    }

    fn note(&mut self, deed: Deed, from: Instant) {
        self.incidents.0.push(Incident { deed, from, to: Instant::now() });
    }
}

fn until(time: Instant) {
    thread::sleep(time.saturating_duration_since(Instant::now()));
}
