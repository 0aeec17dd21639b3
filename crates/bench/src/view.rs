//! How a run goes, shown on a terminal: a bar while connections are opened, then one line that each second writes anew.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::{grouped, span};
use crate::{Plan, Second};

/// What is shown; nothing where stderr is no terminal.
#[derive(Debug)]
pub(crate) struct View {
    ramp: ProgressBar,
    load: ProgressBar,
    all: u64,
    dialled: u64,
}

impl View {
    /// Shows the beginning, if it may.
    pub(crate) fn new(plan: &Plan, live: bool) -> Self {
        let target = || if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = plan.all() as u64;
        let ramp = ProgressBar::with_draw_target(Some(all), target());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} connections  {msg}") {
            ramp.set_style(style);
        }
        let load = ProgressBar::with_draw_target(None, target());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            load.set_style(style);
        }
        Self { ramp, load, all, dialled: 0 }
    }

    /// Shows a second.
    pub(crate) fn second(&mut self, second: &Second, dialled: u64) {
        self.dialled += dialled;
        if !self.ramp.is_finished() {
            self.ramp.set_position(second.connections);
            self.ramp.set_message(format!(
                "{}/s, p99 {}",
                grouped(second.opened as f64),
                span(second.p99_us)
            ));
            if self.dialled >= self.all {
                self.ramp.finish();
                self.load.enable_steady_tick(Duration::from_millis(200));
            }
            return;
        }
        let rate = if second.delivered > 0 { second.delivered } else { second.answered };
        self.load.set_message(format!(
            "{} connections  {}/s  p50 {}  p99 {}  max {}  {} errors",
            grouped(second.connections as f64),
            grouped(rate as f64),
            span(second.p50_us),
            span(second.p99_us),
            span(second.max_us),
            grouped(second.errors as f64),
        ));
    }

    /// Shows nothing more.
    pub(crate) fn end(&self) {
        self.ramp.abandon();
        self.load.finish_and_clear();
    }
}
