//! The contracts of the stores, written once. A store mounts each with one macro line.
pub(crate) mod channel;
pub(crate) mod directory;
pub(crate) mod event_log;
pub(crate) mod interleavings;
pub(crate) mod journal;
pub(crate) mod leases;
pub(crate) mod quotas;
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod tickets;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use session_store::{
    Bounds, Call, Channel, Directory, Epoch, EventLog, Journal, Leases, NewSession, PodId, Quotas,
    ResumeToken, Revocations, SessionId, Sessions, Tickets,
};

/// All that is asked of a store.
pub(crate) trait Everything:
    Sessions + Journal + EventLog + Leases + Revocations + Quotas + Tickets + Channel + Directory + Clone + Debug
{
}

impl<S> Everything for S where
    S: Sessions
        + Journal
        + EventLog
        + Leases
        + Revocations
        + Quotas
        + Tickets
        + Channel
        + Directory
        + Clone
        + Debug
{
}

/// How a test gets at a store.
pub(crate) trait Mount {
    type Store: Everything;

    /// Two pods with one empty store.
    async fn pods(&self, bounds: Bounds) -> (Self::Store, Self::Store);

    /// What has to hold after every test.
    async fn after(&self);

    async fn pod(&self) -> Self::Store {
        self.pods(Bounds::default()).await.0
    }
}

/// Mounts every contract on `$mount`, each test with the given flags of `tokio::test`.
#[macro_export]
macro_rules! every_contract {
    ($mount:expr; $($flags:tt)*) => {
        $crate::contract!(sessions, $mount, ($($flags)*);
            a_session_starts_attached_at_epoch_one
            any_pod_may_look_at_a_session_and_changes_nothing
            an_id_is_created_once
            a_resume_raises_the_epoch_and_brings_the_state
            a_state_is_replaced_and_brought_back
            a_resume_with_a_guessed_token_is_refused_and_changes_nothing
            a_resume_whose_answer_was_lost_is_repeated
            a_resume_that_was_held_back_takes_nothing
            a_rotated_token_is_worth_nothing
            a_token_of_another_session_is_refused
            another_tenant_or_agent_is_refused
            identities_are_compared_as_bytes
            an_unknown_session_is_refused
            of_two_resumes_at_once_one_wins
            writes_of_the_former_holder_are_stale
            a_detached_session_ends_with_its_window
            a_detached_session_is_taken_back_within_its_window
            an_attached_session_runs_out_unless_it_is_renewed
            an_ended_session_is_gone
            a_state_over_its_bound_is_refused
            a_session_that_the_store_has_lost_is_restored
            a_session_that_is_restored_keeps_what_the_journal_still_has
            a_session_that_has_moved_on_is_not_restored
            a_session_of_another_identity_is_not_restored
            a_restored_session_keeps_to_the_bounds
        );
        $crate::contract!(journal, $mount, ($($flags)*);
            a_call_begins_once
            an_attempt_to_begin_whose_answer_was_lost_begins_once_more
            a_call_that_is_not_executed_is_withdrawn_by_its_pod_alone
            a_number_and_a_string_are_two_requests
            an_outcome_is_kept_as_it_was
            an_outcome_outlives_the_connection
            the_owner_finishes_after_the_session_has_moved
            only_the_owner_finishes_and_only_once
            nothing_is_finished_without_a_session
            a_call_is_taken_over_from_the_dead_pod_alone
            of_two_takeovers_one_wins
            a_finished_call_is_not_taken_over
            an_acknowledged_outcome_is_forgotten_and_a_running_call_is_not
            all_but_what_a_client_names_is_acknowledged_and_leaves_no_doubt
            a_whole_journal_is_acknowledged_at_once
            a_journal_of_running_calls_is_full
            the_oldest_outcome_makes_room_and_leaves_a_doubt
            outcomes_over_the_bound_are_forgotten_but_not_their_calls
            an_outcome_over_the_bound_alone_is_forgotten
            an_outcome_that_nobody_acknowledges_runs_out
            a_journal_ends_with_its_session
            a_request_id_over_its_bound_is_refused
        );
        $crate::contract!(event_log, $mount, ($($flags)*);
            offsets_begin_at_one_and_have_no_hole
            an_event_is_read_as_it_was_published
            a_read_keeps_to_its_limits
            a_repeated_key_publishes_once
            a_key_belongs_to_its_tenant
            one_tenant_never_sees_the_other
            a_log_keeps_so_many_events_and_says_what_is_missing
            a_log_keeps_so_many_bytes
            a_quiet_log_runs_empty_without_losing_its_place
            old_events_go_when_new_ones_come
            another_epoch_is_a_gap
            a_place_behind_the_end_is_a_gap
            events_over_their_bounds_are_refused
            publishers_at_once_share_no_offset
            a_tail_opens_with_a_check_and_sees_each_event
            a_tail_sees_watched_tenants_alone
            a_slow_tail_is_told_to_check
            a_repeated_key_is_not_told_twice
        );
        $crate::contract!(leases, $mount, ($($flags)*);
            a_pod_lives_while_it_renews
            a_lease_that_ran_out_cannot_be_renewed
            a_released_pod_is_dead
            a_living_pod_is_not_entered_twice
            a_pod_that_was_taken_for_dead_acquires_its_name_again
        );
        $crate::contract!(revocations, $mount, ($($flags)*);
            what_is_revoked_at_one_pod_is_known_at_the_other
            a_list_of_the_same_version_is_not_told_again
            a_revocation_is_prolonged_and_never_shortened
            a_revocation_runs_out
            so_many_are_revoked_at_a_time
            a_revocation_is_heard_of_at_every_pod
            a_subject_over_its_bound_is_refused
        );
        $crate::contract!(quotas, $mount, ($($flags)*);
            what_all_pods_let_through_adds_up
            what_comes_at_once_adds_up_too
            each_name_is_a_rate_of_its_own
            what_was_let_through_comes_back_with_time
            what_began_before_has_come_in_part
            no_rate_is_further_ahead_than_it_may_be
            a_name_over_its_bound_is_refused
        );
        $crate::contract!(tickets, $mount, ($($flags)*);
            a_ticket_is_taken_once_at_whichever_pod
            of_many_who_take_a_ticket_at_once_one_gets_it
            a_ticket_that_nobody_gave_out_is_worth_nothing
            a_ticket_runs_out
            what_is_over_its_bound_is_refused
        );
        $crate::contract!(channel, $mount, ($($flags)*);
            messages_arrive_in_order_at_the_one_pod
            a_pod_without_an_inbox_is_not_reached
            an_inbox_that_overflows_says_so
            a_message_over_its_bound_is_refused
        );
        $crate::contract!(directory, $mount, ($($flags)*);
            a_new_directory_is_empty
            a_replica_that_was_put_is_listed
            replicas_are_listed_in_the_order_they_became_known
            an_instance_put_again_is_replaced_in_its_place
            putting_the_same_replica_again_wakes_nobody
            a_removed_replica_is_gone
            a_replica_that_was_put_again_is_not_removed_by_who_put_it_first
            a_replica_that_is_put_again_while_it_is_removed_is_listed
            removing_an_unknown_instance_wakes_nobody
            a_watcher_that_came_later_sees_the_present_list
            a_waiting_watcher_is_woken_by_a_change
            a_slow_watcher_sees_the_last_state
            a_snapshot_does_not_change_under_its_reader
            a_new_instance_over_the_limit_is_refused
            a_full_directory_still_replaces_and_removes
            an_instance_without_a_name_is_refused
            changes_from_many_threads_are_all_there
            a_replica_of_one_pod_is_seen_at_the_other
        );
        $crate::contract!(interleavings, $mount, ($($flags)*);
            two_pods_execute_no_call_twice_and_lose_no_outcome
        );
    };
}

/// The named tests of one noun.
#[macro_export]
macro_rules! contract {
    ($noun:ident, $mount:expr, $flags:tt; $($test:ident)*) => {
        mod $noun {
            #[allow(unused_imports)]
            use super::*;
            $( $crate::contract_test!($noun, $test, $mount, $flags); )*
        }
    };
}

/// One test, and what has to hold after it.
#[macro_export]
macro_rules! contract_test {
    ($noun:ident, $test:ident, $mount:expr, ($($flags:tt)*)) => {
        #[tokio::test($($flags)*)]
        async fn $test() {
            let mount = $mount;
            $crate::contract::$noun::$test(&mount).await;
            $crate::contract::Mount::after(&mount).await;
        }
    };
}

/// Waits until `condition` brings something; gives up after ten seconds of the test's clock.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(result) = condition().await {
            return result;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// A session of one tenant and agent at a first pod, and what its client knows.
pub(crate) struct Held {
    pub(crate) id: SessionId,
    pub(crate) epoch: Epoch,
    pub(crate) token: ResumeToken,
    pub(crate) pod: PodId,
}

pub(crate) const TENANT: &str = "tenant-1";
pub(crate) const AGENT: &str = "agent-1";

pub(crate) async fn held(store: &impl Sessions) -> Held {
    let (id, token, pod) =
        (SessionId::fresh(), ResumeToken::fresh().expect("there is randomness"), PodId::fresh());
    let new =
        NewSession { id, tenant: TENANT, agent: AGENT, token: token.hash(id), pod: &pod, state: b"first" };
    let epoch = store.create(new).await.expect("the session is new");
    Held { id, epoch, token, pod }
}

impl Held {
    pub(crate) fn call<'a>(&'a self, request: &'a str) -> Call<'a> {
        Call {
            session: self.id,
            epoch: self.epoch,
            request,
            pod: &self.pod,
            repeatable: false,
            attempt: ATTEMPTS.fetch_add(1, Ordering::Relaxed),
            resent: false,
        }
    }
}

/// Each call made by a test is an attempt of its own.
static ATTEMPTS: AtomicU64 = AtomicU64::new(1);
