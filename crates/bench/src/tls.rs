//! What handshakes under TLS are made with.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// TLS that believes the authorities in a file, PEM, or those of the system.
///
/// # Errors
/// [`Error::File`]: what is wrong with the file.
pub fn tls(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let roots = match authorities {
        Some(path) => transport::File::read(path)
            .and_then(|file| transport::roots(&file))
            .map_err(|error| Error::File { path: path.to_owned(), reason: error.to_string() })?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Plan(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
