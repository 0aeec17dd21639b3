//! Connections under TLS whose requests are signed: certificates of one run, and signatures written out by hand, as is
//! the wire. Signing is the load's own work, on its own CPU.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::frames::{self, Head};
use super::socket::Endpoint;
use super::wire::{Method, Wire};
use crate::workspace;

const MAC: usize = 32;
const TRAILER: usize = 8 + MAC;
const SIGNED: u8 = 8;

/// Whom the load believes, and whether it signs.
#[derive(Clone, Debug)]
pub(crate) struct Security {
    config: Arc<ClientConfig>,
    signed: bool,
}

impl Security {
    /// A certificate for this machine that nobody had before, and the settings of a gateway that shows it.
    pub(crate) fn fresh(signed: bool) -> Result<(Self, Vec<(&'static str, String)>)> {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let folder = workspace::target()?.join("bench");
        std::fs::create_dir_all(&folder)?;
        let write = |name: &str, text: String| -> Result<String> {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
            Ok(path.display().to_string())
        };
        let mut settings = vec![
            ("TLS_CERT_FILE", write("gateway.crt", pair.cert.pem())?),
            ("TLS_KEY_FILE", write("gateway.key", pair.signing_key.serialize_pem())?),
        ];
        if signed {
            settings.push(("SECURITY_HMAC_SIGNATURES", "required".to_owned()));
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(pair.cert.der().clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok((Self { config: Arc::new(config), signed }, settings))
    }
}

/// Opens a connection and its session; the key for its messages, if they are to be signed.
pub(crate) async fn open(
    endpoint: &Endpoint,
    security: &Security,
    wire: Wire,
) -> Result<(TlsStream<TcpStream>, Option<Signer>)> {
    let address = endpoint.address();
    let socket = TcpStream::connect(address).await.context("could not connect")?;
    socket.set_nodelay(true)?;
    let name = ServerName::from(address.ip());
    let mut stream = TlsConnector::from(Arc::clone(&security.config)).connect(name, socket).await?;
    stream.write_all(endpoint.upgrade_request().as_bytes()).await?;
    let mut inbox = Vec::new();
    let end = loop {
        if let Some(at) = inbox.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        ensure!(stream.read_buf(&mut inbox).await? > 0, "the server closed the connection");
    };
    let response = String::from_utf8_lossy(&inbox[..end]).into_owned();
    ensure!(response.starts_with("HTTP/1.1 101 "), "the upgrade was refused:\n{}", response.trim_end());
    inbox.drain(..end);
    let mut frame = Vec::new();
    let initialize = wire.request(0, Method::Initialize, r#"{"client":"bench"}"#);
    frames::append_masked(&mut frame, wire.opcode(), &initialize);
    stream.write_all(&frame).await?;
    stream.flush().await?;
    let payload = loop {
        if let Some(head) = Head::parse(&inbox)?
            && let Some(payload) = inbox.get(head.head..head.total())
        {
            ensure!(inbox.len() == head.total(), "something came behind the answer to initialize");
            break payload.to_vec();
        }
        ensure!(stream.read_buf(&mut inbox).await? > 0, "the server closed the connection");
    };
    let opened = wire.answer(&payload)?.context("a notification instead of an answer")?.result;
    let signer = security.signed.then(|| Signer::new(&opened, wire)).transpose()?;
    Ok((stream, signer))
}

/// The key of one connection.
pub(crate) struct Signer {
    wire: Wire,
    /// The preamble has gone in already.
    begun: hmac::Context,
    nonce: u64,
}

impl Signer {
    fn new(opened: &Value, wire: Wire) -> Result<Self> {
        let text = |name: &str| {
            opened["signing"][name].as_str().with_context(|| format!("no signing.{name} in {opened}"))
        };
        let key = BASE64_URL_SAFE_NO_PAD.decode(text("key")?)?;
        let mut begun = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        begun.update(format!("{}\n{}\n", wire.subprotocol(), text("connection_id")?).as_bytes());
        Ok(Self { wire, begun, nonce: 0 })
    }

    /// The request signed now, and its nonce, which on the binary wire is its sequence id too.
    pub(crate) fn sign(&mut self, request: &[u8]) -> (Vec<u8>, u64) {
        self.nonce += 1;
        let (nonce, timestamp) = (self.nonce, UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64);
        let mut mac = self.begun.clone();
        let signed = match self.wire {
            Wire::Json => {
                mac.update(format!("{timestamp}\n{nonce}\n").as_bytes());
                mac.update(request);
                let signature = BASE64_URL_SAFE_NO_PAD.encode(mac.sign());
                let rest =
                    format!(",\"timestamp\":{timestamp},\"nonce\":{nonce},\"signature\":\"{signature}\"}}");
                [b"{\"message\":", request, rest.as_bytes()].concat()
            }
            Wire::Binary => {
                let mut signed = Vec::with_capacity(request.len() + TRAILER);
                signed.extend_from_slice(request);
                signed[7] |= SIGNED;
                signed[8..16].copy_from_slice(&nonce.to_be_bytes());
                let size = (request.len() - super::wire::HEADER + TRAILER) as u32;
                signed[20..24].copy_from_slice(&size.to_be_bytes());
                signed.extend_from_slice(&timestamp.to_be_bytes());
                mac.update(&signed);
                signed.extend_from_slice(mac.sign().as_ref());
                signed
            }
        };
        (signed, nonce)
    }
}
