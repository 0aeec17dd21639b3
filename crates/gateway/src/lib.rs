//! The house itself: config, shards, HTTP, WebSocket, sessions, drain, admin; the binary mcpw.
