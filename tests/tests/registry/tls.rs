//! TLS at the gRPC port and towards backends, with certificates as proofs.

use crate::{BINARY, REFUSAL, check_serves, execute, named};
use auth::RegistrantSettings;
use backend::{Serve, Tls};
use gateway::Config;
use gateway::config::Demand;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Instant;
use tempfile::TempDir;
use tests::{Authority, Bearer, Endpoints, PATIENCE, Process, Tools, until};

const HERE: &str = "127.0.0.1";
const FILES: &str = "spiffe://platform/backends/files";

/// An authority that everybody here believes, and a folder for what it gives.
struct Setting {
    authority: Authority,
    folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let authority = Authority::fresh("platform");
        std::fs::write(folder.path().join("ca.pem"), &authority.pem).expect("the folder is ours");
        Self { authority, folder }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A gateway with a certificate, which asks for those of backends and shows its own to them.
    fn gateway(&self, configure: impl FnOnce(&mut Config)) -> Process {
        let (cert, key) = self.authority.certify(&[HERE]).write(self.folder.path(), "gateway");
        Process::start(BINARY, |config| {
            let tls = &mut config.registry.tls;
            (tls.cert_file, tls.key_file) = (Some(cert.clone()), Some(key.clone()));
            tls.client_ca_file = Some(self.ca());
            tls.client_certificates = Demand::Required;
            config.router.tls.ca_file = Some(self.ca());
            (config.router.tls.cert_file, config.router.tls.key_file) = (Some(cert), Some(key));
            configure(config);
        })
    }

    /// How a backend with this certificate is served, and registers.
    fn serve(&self, gateway: &Endpoints, bearer: &Bearer, name: &str) -> Serve {
        let (cert, key) = bearer.write(self.folder.path(), name);
        Serve {
            register_at: vec![format!("https://{}", gateway.grpc)],
            tls: Tls {
                ca_file: Some(self.ca()),
                cert_file: Some(cert),
                key_file: Some(key),
                client_ca_file: Some(self.ca()),
            },
            ..Serve::default()
        }
    }
}

/// An address at which nobody listens.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("there is a free port")
}

fn listed(config: &mut Config) {
    config.registry.backends = vec![RegistrantSettings {
        name: "files".to_owned(),
        san: Some(FILES.to_owned()),
        tools: vec!["fs.*".to_owned()],
        ..RegistrantSettings::default()
    }];
}

#[test]
fn a_certificate_proves_a_backend_and_both_sides_show_theirs() {
    let setting = Setting::new();
    let gateway = setting.gateway(listed);
    let own = setting.authority.certify_both(&[HERE], FILES);
    let serve = setting.serve(&gateway, &own, "files");
    let (_files, taken) = Tools::serve_with(named("files", &["fs.read"]), serve, PATIENCE);
    assert!(taken, "{:#?}", gateway.log());
    check_serves(&gateway, "fs.read", "files");

    // Of the same authority, and of another backend.
    let other = setting.authority.certify_both(&[HERE], "spiffe://platform/backends/clock");
    let serve = setting.serve(&gateway, &other, "other");
    let (_other, taken) = Tools::serve_with(named("files", &["fs.read"]), serve, REFUSAL);
    assert!(!taken);
    gateway.await_log("certificate_unknown");
    gateway.await_replicas(1.0);
}

#[test]
fn a_certificate_whose_authority_is_taken_out_ends_its_registration() {
    let setting = Setting::new();
    let gateway = setting.gateway(listed);
    let serve = setting.serve(&gateway, &setting.authority.certify_both(&[HERE], FILES), "files");
    let (_files, taken) = Tools::serve_with(named("files", &["fs.read"]), serve, PATIENCE);
    assert!(taken, "{:#?}", gateway.log());
    std::fs::write(setting.ca(), Authority::fresh("next").pem).expect("the folder is ours");
    gateway.await_log("its certificate is not accepted any more");
    gateway.await_replicas(0.0);
}

#[test]
fn without_a_certificate_or_with_one_of_another_authority_there_is_no_connection() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let stranger = Authority::fresh("strangers").certify_both(&[HERE], FILES);
    let mut bare = setting.serve(&gateway, &stranger, "stranger");
    let (_stranger, taken) = Tools::serve_with(named("files", &["fs.read"]), bare.clone(), REFUSAL);
    assert!(!taken);
    (bare.tls.cert_file, bare.tls.key_file, bare.tls.client_ca_file) = (None, None, None);
    let (_bare, taken) = Tools::serve_with(named("files", &["fs.read"]), bare, REFUSAL);
    assert!(!taken);
    let series = "registry_refusals_total{reason=\"tls\"}";
    until(series, || (gateway.metrics().count(series) >= 2.0).then_some(()));
}

#[test]
fn a_backend_whose_certificate_is_not_believed_is_refused_with_the_reason() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| config.registry.tls.client_certificates = Demand::Optional);
    let strangers = Authority::fresh("strangers");
    for (bearer, name, reason) in [
        (strangers.certify(&[HERE]), "stranger", "UnknownIssuer"),
        (setting.authority.certify(&["elsewhere.example"]), "elsewhere", "not valid for name"),
    ] {
        let (cert, key) = bearer.write(setting.folder.path(), name);
        // It registers over a connection on which it shows nothing.
        let port = Serve {
            tls: Tls { cert_file: Some(cert), key_file: Some(key), ..Tls::default() },
            ..Serve::default()
        };
        let refusal =
            crate::rogue::registered_by_hand(&gateway, &setting.ca(), named("files", &["fs.read"]), port);
        let status = refusal.expect_err("the gateway does not believe it");
        assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status}");
        assert!(status.message().contains(reason), "{status}");
    }
    let mut client = gateway.connect();
    client.ask_wrong("tool.execute", &json!({"tool": "fs.read", "args": {}}), 4010);
}

#[test]
fn a_listed_backend_is_dialled_by_https_and_its_authority_may_change() {
    let setting = Setting::new();
    let address = free_address();
    let (cert, key) = Authority::fresh("strangers").certify(&[HERE]).write(setting.folder.path(), "listed");
    let serve = Serve {
        listen: address.to_string(),
        tls: Tls {
            cert_file: Some(cert),
            key_file: Some(key),
            client_ca_file: Some(setting.ca()),
            ..Tls::default()
        },
        ..Serve::default()
    };
    let (_listed, _) = Tools::serve_with(named("listed", &["late"]), serve, PATIENCE);
    let gateway = setting.gateway(|config| config.backends = vec![format!("https://{address}")]);
    let told = gateway.await_log("UnknownIssuer");
    assert!(told.contains(&address.to_string()), "{told}");
    // Renewed by one that is believed, at a running backend.
    setting.authority.certify(&[HERE]).write(setting.folder.path(), "listed");
    let mut client = gateway.connect();
    client.await_tool("late");
    assert_eq!(execute(&mut client, "late"), "listed");
}

#[test]
fn a_backend_that_goes_over_to_a_certificate_of_another_authority_is_unavailable() {
    let setting = Setting::new();
    let address = free_address();
    let gateway = setting.gateway(|config| config.backends = vec![format!("https://{address}")]);
    let serve = |bearer: &Bearer| {
        let (cert, key) = bearer.write(setting.folder.path(), "listed");
        let tls = Tls { cert_file: Some(cert), key_file: Some(key), ..Tls::default() };
        Serve { listen: address.to_string(), tls, ..Serve::default() }
    };
    let (listed, _) =
        Tools::serve_with(named("listed", &["late"]), serve(&setting.authority.certify(&[HERE])), PATIENCE);
    check_serves(&gateway, "late", "listed");
    drop(listed);
    let strangers = Authority::fresh("strangers").certify(&[HERE]);
    let (_stranger, _) = Tools::serve_with(named("listed", &["late"]), serve(&strangers), PATIENCE);
    let mut client = gateway.connect();
    let mut call = || {
        client.request("1", "tool.execute", &json!({"tool": "late", "args": {}}));
        client.message()
    };
    let end = Instant::now() + REFUSAL;
    while Instant::now() < end {
        let answer = call();
        let code = answer["error"]["code"].as_u64();
        // Unavailable, and once it is known to be gone not there at all.
        assert!(matches!(code, Some(4009 | 4010)), "{answer}");
    }
    // It comes back by a certificate that is believed.
    setting.authority.certify(&[HERE]).write(setting.folder.path(), "listed");
    until("the backend to be back", || (call()["result"] == "listed").then_some(()));
}
