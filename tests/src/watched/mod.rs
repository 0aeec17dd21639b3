//! What dashboards and alerts are tried with: a platform, and clients at work.

mod load;
mod platform;

pub use load::Load;
pub use platform::Platform;
