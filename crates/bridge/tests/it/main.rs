//! The bridge between a gateway's words and servers of both eras that show every byte.

mod both_eras;
mod children;
mod endpoint;
mod harness;
mod http;
mod slow;
