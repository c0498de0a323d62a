//! Name resolution that refuses addresses connectors may not reach.
//!
//! An address written in a URL is never resolved; only the allow-list decides about those.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;

use crate::network::{Network, is_reachable};

/// Resolves names for the connection pool.
#[derive(Clone)]
pub(crate) struct Resolver {
    /// Private blocks that names may resolve to.
    pub(crate) networks: Arc<[Network]>,
}

/// A name that resolves to an address that connectors may not reach.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address}, which connectors may not reach")]
pub(crate) struct AddressRefused {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
}

/// A name that cannot be resolved.
#[derive(Debug, thiserror::Error)]
#[error("resolving {host}: {source}")]
pub(crate) struct LookupFailed {
    pub(crate) host: String,
    pub(crate) source: std::io::Error,
}

type ResolveError = Box<dyn std::error::Error + Send + Sync>;

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let networks = self.networks.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let addresses = tokio::net::lookup_host((host.as_str(), 0))
                .await
                .map_err(|source| LookupFailed { host: host.clone(), source })?;
            Ok(checked(&host, addresses.collect(), &networks)?.into_iter())
        })
    }
}

/// The addresses of a name, if all of them may be reached. A name with one private and one public address is
/// refused as a whole: that is the pattern of DNS rebinding.
fn checked(
    host: &str,
    addresses: Vec<SocketAddr>,
    networks: &[Network],
) -> Result<Vec<SocketAddr>, ResolveError> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let allowed = |address: IpAddr| {
        if host == "localhost" { address.is_loopback() } else { is_reachable(address, networks) }
    };
    if let Some(refused) = addresses.iter().find(|address| !allowed(address.ip())) {
        return Err(Box::new(AddressRefused { host, address: refused.ip() }));
    }
    if addresses.is_empty() {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no addresses");
        return Err(Box::new(LookupFailed { host, source }));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(host: &str, addresses: &[&str], networks: &[&str]) -> Result<usize, String> {
        let addresses = addresses.iter().map(|a| SocketAddr::new(a.parse().unwrap(), 0)).collect();
        let networks: Vec<Network> = networks.iter().map(|n| n.parse().unwrap()).collect();
        checked(host, addresses, &networks).map(|v| v.len()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_name_that_resolves_to_a_private_address_is_refused() {
        assert_eq!(resolve("shop.example", &["23.227.38.65"], &[]), Ok(1));
        assert!(resolve("shop.example", &["127.0.0.1"], &[]).unwrap_err().contains("127.0.0.1"));
        assert!(resolve("shop.example", &["23.227.38.65", "169.254.169.254"], &[]).is_err());
        assert!(resolve("shop.example", &[], &[]).is_err());
    }

    #[test]
    fn localhost_resolves_to_loopback_addresses_only() {
        assert_eq!(resolve("localhost", &["127.0.0.1", "::1"], &[]), Ok(2));
        assert!(resolve("localhost", &["10.0.0.1"], &[]).is_err());
    }

    #[test]
    fn an_opened_block_admits_private_addresses() {
        assert!(resolve("erp.corp.example", &["10.20.1.1"], &[]).is_err());
        assert_eq!(resolve("erp.corp.example", &["10.20.1.1"], &["10.20.0.0/16"]), Ok(1));
    }
}
