//! The connection pool that all connectors share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossdock_model::time::{Clock, SystemClock};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::network::Network;
use crate::resolver::Resolver;

/// How the host connects to the outside, for all connectors.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Options {
    /// Blocks of private addresses that names may resolve to (`10.20.0.0/16`).
    pub networks: Vec<Network>,
    /// PEM files of certificate authorities that are trusted in addition to the public ones.
    pub authorities: Vec<PathBuf>,
    /// Idle connections per origin.
    pub idle_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { networks: Vec::new(), authorities: Vec::new(), idle_connections: 32 }
    }
}

/// Idle connections are closed before common servers close them (5 s is a usual default): a request on a
/// closing connection has an unknown outcome, and costs a look-up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Nothing has been sent when this ends.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// The pool cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file of certificates cannot be used.
    #[error("reading certificate authorities from {}: {reason}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The TLS library refused its configuration.
    #[error("configuring TLS: {0}")]
    Tls(#[source] rustls::Error),
}

/// The connection pool, shared by all connectors, and the clock that credentials expire by. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    pub(crate) pool: Pool<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Egress {
    /// Creates the pool. Connections are opened when they are needed.
    ///
    /// # Errors
    /// When the operator's certificates cannot be read.
    pub fn new(options: Options) -> Result<Self, StartError> {
        let tls =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(StartError::Tls)?
                .with_root_certificates(roots(&options.authorities)?)
                .with_no_client_auth();
        let mut tcp = HttpConnector::new_with_resolver(Resolver { networks: options.networks.into() });
        // The allow-list has decided before whether `http://` is allowed.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(options.idle_connections)
            // Retries only requests of which no byte was written (the pooled connection closed first), never
            // one that may have been sent; `requests.rs` tests it.
            .retry_canceled_requests(true)
            .build(connector);
        Ok(Self { pool, clock: Arc::new(SystemClock) })
    }

    /// The same pool with another clock, by which tokens and sessions expire.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

/// The public authorities and those of the operator's files.
fn roots(authorities: &[PathBuf]) -> Result<RootCertStore, StartError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for path in authorities {
        let invalid = |reason: String| StartError::Authorities { path: path.clone(), reason };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| invalid(e.to_string()))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|e| invalid(e.to_string()))?;
            roots.add(certificate).map_err(|e| invalid(e.to_string()))?;
        }
        if roots.len() == before {
            return Err(invalid("the file has no certificate".to_owned()));
        }
    }
    Ok(roots)
}
