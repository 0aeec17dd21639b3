//! TLS with a real server, whose certificate the store has to trust.
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use session_store::{
    Availability, Bounds, EventLog as _, Mode, NewEvent, Notice, Offset, PodId, RedisStore, Tls,
};
use tempfile::TempDir;

use crate::contract::{Mount as _, TENANT, soon};
use crate::servers::mount::Redis;
use crate::servers::{Server, free_port};

/// An authority, and a certificate that it has signed for the name or address, as PEM files.
fn certificates(name: &str) -> (TempDir, PathBuf, String) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = |file: &str| directory.path().join(file);
    let mut authority = CertificateParams::new([]).expect("it has no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("there is randomness");
    let root = authority.self_signed(&authority_key).expect("it can be signed");
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("there is randomness");
    let server = CertificateParams::new([name.to_owned()]).expect("it is a name");
    let server = server.signed_by(&key, &issuer).expect("it can be signed");
    let files = [("ca.pem", root.pem()), ("server.pem", server.pem()), ("key.pem", key.serialize_pem())];
    for (file, text) in files {
        std::fs::write(path(file), text).expect("the directory can be written to");
    }
    let config = format!(
        "tls-auth-clients no\ntls-ca-cert-file {}\ntls-cert-file {}\ntls-key-file {}\n",
        path("ca.pem").display(),
        path("server.pem").display(),
        path("key.pem").display()
    );
    let root = path("ca.pem");
    (directory, root, config)
}

#[tokio::test]
async fn a_server_with_a_trusted_certificate_is_spoken_to_over_tls() {
    let (_directory, root, config) = certificates("127.0.0.1");
    let port = free_port();
    let server = Server::start(&format!("tls-port {port}\n{config}"));
    let mut mount = Redis::new(Mode::Standalone, vec![format!("127.0.0.1:{port}")], vec![&server]);
    mount.settings.tls = Some(Tls { ca_file: Some(root) });
    let store = mount.pod().await;
    let tail = store.tail();
    tail.watch(TENANT);
    assert_eq!(soon("a check", tail.next()).await, Notice::Check { tenant: TENANT.into() });
    let event = NewEvent { name: "n", data: b"{}" };
    let position = store.publish(TENANT, event, None).await.expect("in reach");
    assert_eq!(position.offset, Offset(1));
    assert!(matches!(soon("the event", tail.next()).await, Notice::Event { .. }));
}

#[tokio::test]
async fn a_server_with_a_foreign_certificate_is_not_spoken_to() {
    let (_directory, _, config) = certificates("127.0.0.1");
    let (_other, foreign, _) = certificates("127.0.0.1");
    let (_third, root, misnamed) = certificates("elsewhere.example");
    for (config, root) in [(config, foreign), (misnamed, root)] {
        let port = free_port();
        let server = Server::start(&format!("tls-port {port}\n{config}"));
        let mut mount = Redis::new(Mode::Standalone, vec![format!("127.0.0.1:{port}")], vec![&server]);
        mount.settings.tls = Some(Tls { ca_file: Some(root) });
        let store = RedisStore::connect(&mount.settings, Bounds::default(), PodId::fresh())
            .await
            .expect("the settings could be right");
        let Availability::Down { reason } = store.availability().borrow().clone() else { panic!("it is up") };
        assert!(reason.contains("certificate"), "{reason}");
    }
}
