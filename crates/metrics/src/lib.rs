//! Every instrument of the gateway, named once, and their Prometheus text.
