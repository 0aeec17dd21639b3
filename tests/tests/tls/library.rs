//! The client library and `mcpw call` at `wss://`.

use crate::{BINARY, Setting, asked};
use client::{Client, Error, Format, Reconnect};
use gateway::config::Demand;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tests::{Authority, Endpoints, Gateway};

/// A gateway whose certificate is for the address that it has.
fn start(setting: &Setting, configure: impl FnOnce(&mut gateway::Config)) -> Gateway {
    Gateway::with(|config| {
        let pair = setting.write(&setting.authority.certify(&["127.0.0.1"]), "gateway");
        (config.tls.cert_file, config.tls.key_file) = (Some(pair.cert_file), Some(pair.key_file));
        configure(config);
    })
}

fn url(gateway: &Endpoints) -> String {
    format!("wss://{}/ws", gateway.clients)
}

async fn echo(client: &Client) -> Value {
    let call = client.call("echo", json!({"under": "tls"})).await.expect("it is connected");
    serde_json::from_str(call.result().await.expect("a result").get()).expect("JSON")
}

#[tokio::test]
async fn the_library_speaks_both_formats_under_tls() {
    let setting = Setting::new();
    let gateway = start(&setting, |_| {});
    let authorities = setting.write_authority(&setting.authority, "servers.pem");
    for format in [Format::Json, Format::Binary] {
        let builder = Client::builder(url(&gateway)).token(gateway.keys.token()).format(format);
        let client = builder.ca_file(&authorities).connect().await.expect("a session");
        assert_eq!(echo(&client).await, json!({"under": "tls"}));
        client.close().await;
    }
}

#[tokio::test]
async fn the_library_believes_no_strange_gateway() {
    let setting = Setting::new();
    let gateway = start(&setting, |_| {});
    let strange = setting.write_authority(&Authority::fresh("strange"), "strange.pem");
    for authorities in [Some(&*strange), None] {
        let mut builder =
            Client::builder(url(&gateway)).token(gateway.keys.token()).reconnect(Reconnect::never());
        if let Some(authorities) = authorities {
            builder = builder.ca_file(authorities);
        }
        match builder.connect().await {
            Err(Error::Connect { reason, .. }) => assert!(reason.contains("certificate"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    let missing = Client::builder(url(&gateway)).ca_file("/nowhere.pem").connect().await;
    assert!(
        matches!(&missing, Err(Error::Connect { reason, .. }) if reason.contains("/nowhere.pem")),
        "{missing:?}"
    );
}

#[test]
fn mcpw_call_shows_its_certificate() {
    let (setting, clients) = (Setting::new(), Authority::fresh("clients"));
    let gateway = start(&setting, |config| asked(config, &setting, &clients, Demand::Required));
    let own = setting.write(&clients.certify(&["agent.example"]), "own");
    let authorities = setting.write_authority(&setting.authority, "servers.pem");
    let call = |extra: &[&Path]| {
        let mut command = Command::new(BINARY);
        command.args(["call", "echo", "[1]", "--url", &url(&gateway), "--token", &gateway.keys.token()]);
        command.arg("--ca-file").arg(&authorities).args(extra).env_clear();
        command.output().expect("the binary was built")
    };
    let output = call(&["--cert-file".as_ref(), &own.cert_file, "--key-file".as_ref(), &own.key_file]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"[1]\n");
    let output = call(&[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
