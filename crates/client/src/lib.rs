//! The client of a gateway: connect, request, progress, cancel, over JSON or binary.
