//! Grafana's dashboards and Prometheus' rules for the gateway, made from the catalogue of instruments. Nobody can ask here for a
//! metric that no pod has, or by a label that it does not have.

mod alert;
mod alerts;
mod board;
mod boards;
mod expr;
mod files;
mod pace;
mod panel;
mod recorded;
mod rules;
mod selector;

pub use board::filled;
pub use files::{File, files};
pub use pace::Pace;

pub(crate) use alert::{Alert, Severity};
pub(crate) use board::{Board, Row};
pub(crate) use expr::Expr;
pub(crate) use panel::{Panel, Unit};
pub(crate) use recorded::Recorded;
pub(crate) use selector::Scope;
