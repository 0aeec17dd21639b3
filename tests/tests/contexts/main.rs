//! The context service behind a gateway: one contract for both databases, and each of them under harm.

mod contract;
mod disk;
mod events;
mod files;
mod kills;
mod pages;
mod searches;
mod servers;

use auth::Claims;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Client, Contexts, Gateway, Postgres, Request};

const MCPW: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// Mounts cases on both databases.
macro_rules! on_both {
    ($($case:ident,)*) => {
        mod sqlite {
            $(#[test] fn $case() { super::$case(&crate::Bed::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $case() { super::$case(&crate::Bed::postgres()); })*
        }
    };
}
use on_both;

/// A gateway, a service of contexts, and its database.
struct Bed {
    gateway: Gateway,
    service: Contexts,
    database: Kept,
}

/// Where contexts are kept.
enum Kept {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Kept {
    fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().expect("the system has a folder for temporary files"))
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}/contexts.db", folder.path().display()),
            Self::Postgres(server) => server.url(),
        }
    }
}

impl Bed {
    fn sqlite() -> Self {
        Self::over(Kept::sqlite())
    }

    fn postgres() -> Self {
        Self::over(Kept::Postgres(Postgres::start()))
    }

    fn over(database: Kept) -> Self {
        let gateway = Gateway::start();
        let service = Contexts::start(MCPW, &database.url(), &gateway);
        Self { gateway, service, database }
    }

    /// A client of the usual tenant.
    fn client(&self) -> Client {
        self.gateway.connect()
    }

    /// A client with this identity.
    fn client_of(&self, tenant: &str, agent: &str, scopes: &[&str]) -> Client {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let token = self.gateway.keys.mint(&Claims { scopes, ..Claims::new(tenant, agent) });
        let request =
            Request::upgrade(self.gateway.clients).with("Authorization", &format!("Bearer {token}"));
        self.gateway.accepted(&request.with("Sec-WebSocket-Protocol", "mcp.v1"))
    }

    /// Starts the service anew, after it was killed.
    fn restart(&mut self) {
        self.service = Contexts::start(MCPW, &self.database.url(), &self.gateway);
    }
}

/// Makes a context; its id.
fn create(client: &mut Client, params: &Value) -> String {
    let made = client.ask("context.create", params);
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

fn get(client: &mut Client, id: &str) -> Value {
    client.ask("context.get", &json!({ "id": id }))
}

/// Asks and awaits an error of this code; the whole of it.
fn refused(client: &mut Client, method: &str, params: &Value, code: u16) -> Value {
    client.request("refused", method, params);
    let mut message = client.message();
    assert_eq!(message["error"]["code"], code, "{message}");
    message["error"].take()
}
