//! One connector's way out: where it may go, how it authenticates, how much it may ask and receive.
//!
//! No redirect is followed: a 3xx answer goes to the guest, and what it asks next is judged like any
//! other request. A credential therefore never travels to a host that the operator did not name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use crate::auth::{Authenticator, Context, Profile};
use crate::connect::Egress;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::hosts::Origin;
use crate::mask::Mask;
use crate::secret::Secrets;

/// What the operator grants to a connector.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Where requests may go, as the operator writes it: `https://host[:port]`, `http://host[:port]`, or
    /// a bare host for https.
    pub hosts: Vec<String>,
    /// How requests are authenticated; absent when they are not.
    pub profile: Option<Profile>,
    /// The connector's secrets. All of them are hidden in answers, whether the profile uses them or not.
    pub secrets: Secrets,
    /// What one call may use.
    pub limits: Limits,
}

/// What one call may ask and receive, and how long one request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a call.
    pub requests: u64,
    /// Bytes of bodies a call, sent and received together.
    pub bytes: u64,
    /// Bytes of one request's body.
    pub request: u64,
    /// Bytes of one answer's body.
    pub answer: u64,
    /// From asking to the head of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub between_bytes: Duration,
    /// From asking to the end of the answer.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 200,
            bytes: 64 << 20,
            request: 8 << 20,
            answer: 8 << 20,
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(15),
            total: Duration::from_secs(60),
        }
    }
}

/// A request's own, shorter limit for the head of the answer, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct FirstByte(pub Duration);

/// What is left of a call's requests and bytes.
#[derive(Debug)]
pub struct Budget {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Budget {
    /// Counts what came back.
    pub(crate) fn receive(&self, bytes: u64) -> Result<(), Error> {
        Self::take(&self.bytes, bytes, "bytes")
    }

    fn take(left: &AtomicU64, amount: u64, what: &str) -> Result<(), Error> {
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount))
            .map(|_| ())
            .map_err(|_| Error::BudgetSpent { what: what.to_owned() })
    }
}

/// A connector's way out. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    egress: Egress,
    hosts: Vec<Origin>,
    authenticator: Authenticator,
    /// The headers of the profile.
    reserved: Vec<HeaderName>,
    secrets: Secrets,
    limits: Limits,
}

impl Client {
    pub(crate) fn new(egress: Egress, access: Access) -> Result<Self, String> {
        let hosts = access.hosts.iter().map(|host| host.parse()).collect::<Result<Vec<Origin>, _>>()?;
        let context = Context { egress: &egress, hosts: &hosts, secrets: &access.secrets };
        let authenticator = Authenticator::new(access.profile.as_ref(), &context)?;
        let reserved = authenticator.reserved();
        let (secrets, limits) = (access.secrets, access.limits);
        Ok(Self(Arc::new(Inner { egress, hosts, authenticator, reserved, secrets, limits })))
    }

    /// What one call may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// A fresh budget, for one call.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let limits = &self.0.limits;
        Budget { requests: AtomicU64::new(limits.requests), bytes: AtomicU64::new(limits.bytes) }
    }

    /// True for headers that are the host's to set: those of the connection, and the profile's.
    #[must_use]
    pub fn reserves(&self, name: &HeaderName) -> bool {
        ours(name) || self.0.reserved.contains(name)
    }

    /// Asks. The answer is whole and free of the connector's secrets.
    ///
    /// # Errors
    /// Why there is no answer; [`Error::sent`] tells whether the target may have seen the request.
    pub async fn send(&self, request: Request<Bytes>, budget: &Budget) -> Result<Response<Bytes>, Error> {
        let inner = &*self.0;
        let origin = self.admit(&request)?;
        Budget::take(&budget.requests, 1, "requests")?;
        Budget::take(&budget.bytes, request.body().len() as u64, "bytes")?;
        let start = Instant::now();
        let end = start + inner.limits.total;
        let first_byte = inner.limits.first_byte;
        let first_byte = request.extensions().get().map_or(first_byte, |FirstByte(own)| first_byte.min(*own));
        let (mut parts, body) = request.into_parts();
        // An encoded answer could carry a secret past the mask.
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("crossdock"));
        parts.version = http::Version::HTTP_11;
        let mut refused = None;
        loop {
            let last = refused.is_some();
            let credential = inner.authenticator.credential(&origin, refused.take());
            let credential = timeout_at(end.min(Instant::now() + first_byte), credential);
            let credential = credential.await.map_err(|_| Error::CredentialsUnavailable {
                reason: format!("none within {:?}", start.elapsed()),
            })??;
            let mut parts = parts.clone();
            let mut hidden = inner.authenticator.apply(&credential, &mut parts)?;
            hidden.extend(inner.authenticator.hidden(&credential));
            let path = parts.uri.path().to_owned();
            let request = Request::from_parts(parts, Full::new(body.clone()));
            let mask = Mask::of(&inner.secrets, &hidden);
            let exchange = Exchange {
                egress: &inner.egress,
                origin: &origin,
                mask: &mask,
                budget: Some(budget),
                answer: inner.limits.answer,
                first_byte,
                between_bytes: inner.limits.between_bytes,
                end,
            };
            let mut answer = exchange.run(request).await?;
            inner.authenticator.learn(&credential, &path, &mut answer);
            if !last {
                refused = inner.authenticator.refused(&credential, &answer);
                if refused.is_some() {
                    continue;
                }
            }
            // Made anew: another call may have got another token meanwhile, and cookies may have come.
            hidden.extend(inner.authenticator.hidden(&credential));
            let mask = Mask::of(&inner.secrets, &hidden);
            mask.headers(answer.headers_mut());
            return Ok(answer.map(|body| mask.body(body)));
        }
    }

    /// Decides whether a request may go where it wants to go, as it is.
    fn admit(&self, request: &Request<Bytes>) -> Result<Origin, Error> {
        let origin = Origin::of(request.uri()).ok_or_else(|| Error::Url { url: shown(request.uri()) })?;
        if !self.0.hosts.contains(&origin) {
            return Err(Error::HostRefused { origin: origin.to_string() });
        }
        if let Some(header) = request.headers().keys().find(|name| self.reserves(name)) {
            return Err(Error::HeaderRefused { header: header.to_string() });
        }
        let limit = self.0.limits.request;
        if request.body().len() as u64 > limit {
            return Err(Error::Body { reason: format!("it is larger than {limit} bytes") });
        }
        Ok(origin)
    }
}

/// True for headers that belong to the connection.
pub(crate) fn ours(name: &HeaderName) -> bool {
    const OURS: [HeaderName; 10] = [
        header::HOST,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::EXPECT,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        header::FORWARDED,
    ];
    OURS.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// An address for people: without what could be a password or personal data.
pub(crate) fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}{authority}{}", uri.path())
}
