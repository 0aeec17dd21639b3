//! A message of one era as one of the other. Pure: what a session knows is given.

pub mod capabilities;
pub mod error;
pub mod input;
pub mod notification;
pub mod request;
pub mod result;
