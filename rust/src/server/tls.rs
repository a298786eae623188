//! What the trap needs for TLS: the certificate, given or made, and the terms on which it shakes hands.
//!
//! TLS 1.2 and 1.3, as far as the library goes; no client certificates, no resumption (each session shows a whole ClientHello, and
//! nothing is kept between two), no early data.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{date_time_ymd, CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ProtocolVersion, ServerConfig};
use serde::Deserialize;

/// Years that a certificate of our own is good for.
const YEARS: i32 = 10;

/// Where certificate and key lie, as PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, and those that it hangs on.
    pub certificate: PathBuf,
    /// Its key.
    pub private_key: PathBuf,
}

impl TlsFiles {
    /// The terms of every handshake; what is wrong with which file.
    pub fn read(&self) -> Result<Arc<ServerConfig>, String> {
        let wrong = |path: &PathBuf, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read(&self.certificate).map_err(|e| wrong(&self.certificate, &e))?;
        let chain = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| wrong(&self.certificate, &e))?;
        if chain.is_empty() {
            return Err(wrong(&self.certificate, &"there is no certificate in it"));
        }
        let text = std::fs::read(&self.private_key).map_err(|e| wrong(&self.private_key, &e))?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|e| wrong(&self.private_key, &e))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| wrong(&self.private_key, &e))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// A certificate that a host makes for itself in a month (year, month), and its key, both PEM: ECDSA on P-256.
pub fn make_certificate(host: &str, month: (i32, u8)) -> Result<(String, String), String> {
    let said = |e: rcgen::Error| e.to_string();
    let key = KeyPair::generate().map_err(said)?;
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(said)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    params.not_before = date_time_ymd(month.0, month.1, 1);
    params.not_after = date_time_ymd(month.0 + YEARS, month.1, 1);
    let certificate = params.self_signed(&key).map_err(said)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// A version as one says it.
pub fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "1.3",
        ProtocolVersion::TLSv1_2 => "1.2",
        _ => "other",
    }
}
