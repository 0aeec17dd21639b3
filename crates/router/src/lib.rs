//! Where a call goes: handler table, replicas, balancing, deadlines, retries.
