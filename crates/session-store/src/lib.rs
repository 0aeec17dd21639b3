//! What outlives a connection: for now, the directory of backends.
