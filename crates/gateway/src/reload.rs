//! The wish that files be read or opened again, as SIGHUP brings it.

use tokio::sync::watch;

/// Asks that files be looked at now.
#[derive(Clone, Debug, Default)]
pub struct Reload(watch::Sender<u64>);

impl Reload {
    /// Has certificates and keys read again, also if nothing seems to have changed, and the audit log opened again.
    pub fn ask(&self) {
        self.0.send_modify(|times| *times += 1);
    }

    /// What somebody who reads files waits for. What was asked before is asked of them too.
    pub(crate) fn asked(&self) -> Asked {
        Asked { wishes: self.0.subscribe(), seen: 0 }
    }
}

/// Waits for the next wish.
#[derive(Debug)]
pub(crate) struct Asked {
    wishes: watch::Receiver<u64>,
    seen: u64,
}

impl Asked {
    /// Done when files are to be looked at. Cancel safe.
    pub(crate) async fn next(&mut self) {
        let seen = self.seen;
        let asked = self.wishes.wait_for(|times| *times != seen).await.map(|times| *times);
        match asked {
            Ok(times) => self.seen = times,
            // Nobody can ask any more.
            Err(_) => std::future::pending().await,
        }
    }
}
