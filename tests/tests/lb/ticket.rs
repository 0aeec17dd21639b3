//! What a client shows a load balancer so that it is known again.

use tests::{Client, Request, Response};

use crate::balancer::{Balancer, Program};
use crate::pods::Pods;

/// How a client is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Cookie,
    Header,
}

/// A client's cookie or header.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    name: &'static str,
    value: String,
}

impl Ticket {
    /// Connects as a client that was never there, the one of this number; its ticket from then on.
    #[track_caller]
    pub(crate) fn first(
        (program, way): (Program, Way),
        number: usize,
        pods: &Pods,
        balancer: &Balancer,
    ) -> (Client, Self) {
        match way {
            Way::Header => {
                let ticket = Self { name: "X-Session", value: format!("client-{number}") };
                let client = ticket.connect(pods, balancer);
                assert_eq!(client.response.header("Set-Cookie"), None, "it needs no cookie");
                (client, ticket)
            }
            Way::Cookie => {
                let client = connect(balancer, &pods.upgrade(balancer.address()));
                let name = match program {
                    Program::HAProxy => "mcpw_pod",
                    Program::Nginx => "mcpw_route",
                };
                let value = Self::given(&client.response).expect("a client without a cookie is given one");
                assert!(value.starts_with(&format!("{name}=")), "{value}");
                (client, Self { name: "Cookie", value })
            }
        }
    }

    /// The cookie that a response sets.
    pub(crate) fn given(response: &Response) -> Option<String> {
        let cookie = response.header("Set-Cookie")?;
        Some(cookie.split(';').next().unwrap_or_default().to_owned())
    }

    /// Connects as the client that has this ticket; speaks `mcp.v1`.
    #[track_caller]
    pub(crate) fn connect(&self, pods: &Pods, balancer: &Balancer) -> Client {
        connect(balancer, &pods.upgrade(balancer.address()).with(self.name, &self.value))
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

#[track_caller]
fn connect(balancer: &Balancer, request: &Request) -> Client {
    let mut socket = balancer.open();
    socket.send(&request.bytes());
    let response = socket.response();
    response.check_accepts(request);
    Client::new(socket, response)
}
