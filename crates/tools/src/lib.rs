//! A backend whose tools do real work on the machine where it runs.
