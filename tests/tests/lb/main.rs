//! The shipped configurations of load balancers, run by the real nginx and HAProxy before real gateways.

mod balancer;
mod drain;
mod idle;
mod loss;
mod pods;
mod shipped;
mod sticky;
mod ticket;
mod traced;
mod upgrades;

use balancer::{Balancer, Program};
use pods::Pods;
use ticket::{Ticket, Way};

/// Every way in which a load balancer tells clients apart.
const WAYS: [(Program, Way); 4] = [
    (Program::HAProxy, Way::Cookie),
    (Program::HAProxy, Way::Header),
    (Program::Nginx, Way::Cookie),
    (Program::Nginx, Way::Header),
];

/// A test for each of [`WAYS`], so that they run side by side.
macro_rules! every_way {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn by_cookie_of_haproxy() {
                super::$name(crate::WAYS[0]);
            }

            #[test]
            fn by_header_of_haproxy() {
                super::$name(crate::WAYS[1]);
            }

            #[test]
            fn by_cookie_of_nginx() {
                super::$name(crate::WAYS[2]);
            }

            #[test]
            fn by_header_of_nginx() {
                super::$name(crate::WAYS[3]);
            }
        }
    )*};
}
use every_way;
