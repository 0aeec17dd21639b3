//! Settles with the store what this pod has let through of rates that hold over all pods.

use crate::limits::{Account, Due, Ledger};
use crate::pod::Pod;
use crate::tasks::Tasks;
use session_store::{Availability, Quotas as _, Store};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_millis(250);

/// Settles whatever is due, for as long as it is polled.
pub(crate) async fn settle(store: Store, pod: Arc<Pod>, ledger: Arc<Ledger>, mut due: Due) {
    let mut availability = store.availability();
    let mut settling = Tasks::default();
    availability.mark_changed();
    loop {
        tokio::select! {
            Some(account) = due.recv() => {
                let (store, pod, ledger) = (store.clone(), Arc::clone(&pod), Arc::clone(&ledger));
                settling.spawn(async move { settle_one(&account, &store, &pod, &ledger).await });
            }
            Ok(()) = availability.changed() => {
                match &*availability.borrow_and_update() {
                    Availability::Up => ledger.regain(pod.limits().now()),
                    Availability::Down { reason } => ledger.lose(pod.limits().now(), reason),
                }
            }
            else => return,
        }
    }
}

/// Settles one account until nothing of it is due.
async fn settle_one(account: &Account, store: &Store, pod: &Pod, ledger: &Ledger) {
    let now = || pod.limits().now();
    loop {
        match account.is_due(now()) {
            Ok(true) => {}
            Ok(false) => {
                account.release();
                if account.rest() {
                    return;
                }
                continue;
            }
            Err(wait) => {
                tokio::time::sleep(wait).await;
                continue;
            }
        }
        let bill = account.bill(now());
        let mut answer = pin!(store.settle(account.name(), bill.spent));
        let answered = match tokio::time::timeout(PATIENCE, &mut answer).await {
            Ok(answered) => answered.inspect(|_| ledger.regain(now())),
            Err(_) => {
                ledger.lose(now(), "the store answers too late");
                account.release();
                // It is listened to all the same.
                answer.await
            }
        };
        match answered {
            Ok(ahead) => account.learn(&bill, ahead),
            // What was let through is forgotten: the store may have it all the same, and nobody pays twice.
            Err(error) => ledger.lose(now(), &error.to_string()),
        }
        account.release();
    }
}
