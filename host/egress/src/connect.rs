//! One pool of connections for all connectors, and the resolver that decides where a name may lead.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use crossdock_model::time::{Clock, SystemClock};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::address::{Network, reachable};
use crate::client::{Access, Client};

/// How the host speaks to the outside, over all connectors.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Options {
    /// Blocks of inner addresses that names may lead to (`10.20.0.0/16`), for systems of the house.
    pub networks: Vec<Network>,
    /// PEM files with certificates of authorities that are trusted beside the public ones.
    pub authorities: Vec<PathBuf>,
    /// How many idle connections are kept to one origin.
    pub idle_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { networks: Vec::new(), authorities: Vec::new(), idle_connections: 32 }
    }
}

/// Idle connections are given up before the servers in wide use do so (5 s is a common default): a
/// request that meets a closing connection has an unknown outcome, and costs a search.
const IDLE: Duration = Duration::from_secs(4);

/// How long to wait for a connection before giving up; nothing has been sent by then.
const CONNECT: Duration = Duration::from_secs(10);

/// The pool could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A file of certificates cannot be used.
    #[error("authorities in {}: {reason}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The way out, shared by all connectors. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    pub(crate) pool: Pool<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Egress {
    /// Opens the way out.
    ///
    /// # Errors
    /// When the operator's certificates cannot be read.
    pub fn new(options: Options) -> Result<Self, Unusable> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for path in &options.authorities {
            let wrong = |reason: String| Unusable::Authorities { path: path.clone(), reason };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|e| wrong(e.to_string()))?;
            let before = roots.len();
            for certificate in certificates {
                let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
                roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
            }
            if roots.len() == before {
                return Err(wrong("it has no certificate".to_owned()));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Unusable::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new_with_resolver(Resolver { opened: options.networks.into() });
        // Whether `http://` is allowed is the allow-list's decision, made before.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(options.idle_connections)
            // Repeats only requests that were never handed to a connection (the pooled one closed before
            // the first byte), never one that may have been sent. A test holds it to that.
            .retry_canceled_requests(true)
            .build(connector);
        Ok(Self { pool, clock: Arc::new(SystemClock) })
    }

    /// The same way out by another clock: by it tokens and sessions expire.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// One connector's way out: its hosts, its authentication, its limits.
    ///
    /// # Errors
    /// A sentence for the operator, when the hosts or the profile make no sense.
    pub fn client(&self, access: Access) -> Result<Client, String> {
        Client::new(self.clone(), access)
    }
}

/// Looks names up and keeps back the addresses that a name may not lead to. Addresses written as such
/// never come here: those the allow-list names, or it refuses them.
#[derive(Clone)]
pub(crate) struct Resolver {
    opened: Arc<[Network]>,
}

/// A name that leads only to addresses out of reach.
#[derive(Debug, thiserror::Error)]
#[error("{host} leads to {address}, which connectors may not reach")]
pub(crate) struct OutOfReach {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
}

/// A name that the resolver does not know.
#[derive(Debug, thiserror::Error)]
#[error("{host} was not found: {source}")]
pub(crate) struct NotFound {
    pub(crate) host: String,
    pub(crate) source: std::io::Error,
}

type LookupError = Box<dyn std::error::Error + Send + Sync>;

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = LookupError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, LookupError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookupError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let opened = self.opened.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0))
                .await
                .map_err(|source| NotFound { host: host.clone(), source })?;
            Ok(choose(&host, found.collect(), &opened)?.into_iter())
        })
    }
}

/// The addresses of a name that may be reached. A name with one inner and one outer address is refused
/// as a whole: that is how rebinding looks.
fn choose(host: &str, found: Vec<SocketAddr>, opened: &[Network]) -> Result<Vec<SocketAddr>, LookupError> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let allowed = |address: IpAddr| {
        if host == "localhost" { address.is_loopback() } else { reachable(address, opened) }
    };
    if let Some(refused) = found.iter().find(|found| !allowed(found.ip())) {
        return Err(Box::new(OutOfReach { host, address: refused.ip() }));
    }
    if found.is_empty() {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no addresses");
        return Err(Box::new(NotFound { host, source }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(host: &str, addresses: &[&str], opened: &[&str]) -> Result<usize, String> {
        let found = addresses.iter().map(|a| SocketAddr::new(a.parse().unwrap(), 0)).collect();
        let opened: Vec<Network> = opened.iter().map(|n| n.parse().unwrap()).collect();
        choose(host, found, &opened).map(|v| v.len()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_name_may_not_lead_inside() {
        assert_eq!(chosen("shop.example", &["23.227.38.65"], &[]), Ok(1));
        assert!(chosen("shop.example", &["127.0.0.1"], &[]).unwrap_err().contains("127.0.0.1"));
        assert!(chosen("shop.example", &["23.227.38.65", "169.254.169.254"], &[]).is_err());
        assert!(chosen("shop.example", &[], &[]).is_err());
    }

    #[test]
    fn localhost_leads_to_this_machine_and_nowhere_else() {
        assert_eq!(chosen("localhost", &["127.0.0.1", "::1"], &[]), Ok(2));
        assert!(chosen("localhost", &["10.0.0.1"], &[]).is_err());
    }

    #[test]
    fn systems_of_the_house_are_opened_by_block() {
        assert!(chosen("erp.corp.example", &["10.20.1.1"], &[]).is_err());
        assert_eq!(chosen("erp.corp.example", &["10.20.1.1"], &["10.20.0.0/16"]), Ok(1));
    }
}
