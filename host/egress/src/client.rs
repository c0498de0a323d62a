//! One connector's way out: where it may go, how it authenticates, how much it may ask and receive.
//!
//! No redirect is followed: a 3xx answer goes to the guest, and what it asks next is judged like any
//! other request. A credential therefore never travels to a host that the operator did not name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, Uri, request};
use http_body_util::Full;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
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
    /// Requests of one call that are under way at the same moment; the others wait.
    pub at_once: usize,
    /// The same of all calls of the connector together: each takes a connection, and a host has only so many.
    pub together: usize,
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
            at_once: 16,
            together: 128,
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(15),
            total: Duration::from_secs(60),
        }
    }
}

/// A request's own, shorter limit for the head of the answer, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct FirstByte(pub Duration);

/// What became of a request that asked to be admitted before its body was there, as an extension of the
/// request: it is counted, and so is its body.
#[derive(Clone, Debug)]
pub struct Admission(pub Result<(), Error>);

/// What is left of a call's requests and bytes, and of its places under way.
#[derive(Debug)]
pub struct Budget {
    requests: AtomicU64,
    bytes: AtomicU64,
    places: Semaphore,
}

impl Budget {
    /// Counts a piece of a request's body, before it is kept.
    ///
    /// # Errors
    /// When the call has used up its bytes.
    pub fn carry(&self, bytes: u64) -> Result<(), Error> {
        Self::take(&self.bytes, bytes, "bytes")
    }

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
    places: Semaphore,
}

impl Client {
    pub(crate) fn new(egress: Egress, access: Access) -> Result<Self, String> {
        let hosts = access.hosts.iter().map(|host| host.parse()).collect::<Result<Vec<Origin>, _>>()?;
        let context = Context { egress: &egress, hosts: &hosts, secrets: &access.secrets };
        let authenticator = Authenticator::new(access.profile.as_ref(), &context)?;
        let reserved = authenticator.reserved();
        let (secrets, limits) = (access.secrets, access.limits);
        let places = Semaphore::new(limits.together);
        Ok(Self(Arc::new(Inner { egress, hosts, authenticator, reserved, secrets, limits, places })))
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
        Budget {
            requests: AtomicU64::new(limits.requests),
            bytes: AtomicU64::new(limits.bytes),
            places: Semaphore::new(limits.at_once),
        }
    }

    /// True for headers that are the host's to set: those of the connection, and the profile's.
    #[must_use]
    pub fn reserves(&self, name: &HeaderName) -> bool {
        ours(name) || self.0.reserved.contains(name)
    }

    /// Admits a request and counts it, before its body is there and anything is kept for it.
    ///
    /// # Errors
    /// When it may not go where it wants to go, or the call has used up its requests.
    pub fn admit(&self, head: &request::Parts, budget: &Budget) -> Result<(), Error> {
        self.judge(head)?;
        Budget::take(&budget.requests, 1, "requests")
    }

    /// Asks. The answer is whole and free of the connector's secrets. A request that carries an [`Admission`]
    /// is counted already.
    ///
    /// # Errors
    /// Why there is no answer; [`Error::sent`] tells whether the target may have seen the request.
    pub async fn send(&self, request: Request<Bytes>, budget: &Budget) -> Result<Response<Bytes>, Error> {
        let inner = &*self.0;
        let (head, body) = request.into_parts();
        match head.extensions.get() {
            Some(Admission(admitted)) => admitted.clone()?,
            None => {
                self.admit(&head, budget)?;
                budget.carry(body.len() as u64)?;
            }
        }
        let origin = self.judge(&head)?;
        let limit = inner.limits.request;
        if body.len() as u64 > limit {
            return Err(Error::Body { reason: format!("it is larger than {limit} bytes") });
        }
        let start = Instant::now();
        let end = start + inner.limits.total;
        let first_byte = inner.limits.first_byte;
        let first_byte = head.extensions.get().map_or(first_byte, |FirstByte(own)| first_byte.min(*own));
        let _places = self.places(budget, &origin, end.min(start + first_byte)).await?;
        let mut parts = head;
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

    /// A place among the call's requests that are under way, and one among the connector's.
    async fn places<'a>(
        &'a self,
        budget: &'a Budget,
        origin: &Origin,
        until: Instant,
    ) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), Error> {
        let start = Instant::now();
        // The call's own first: what waits for its own call holds no place of the others.
        let places = async { Ok((budget.places.acquire().await?, self.0.places.acquire().await?)) };
        // Nobody closes them. A request that gets no place has not been sent.
        let places: Result<Result<_, AcquireError>, _> = timeout_at(until, places).await;
        places.ok().and_then(Result::ok).ok_or_else(|| Error::Connect {
            origin: origin.to_string(),
            reason: format!("as many requests as may be were under way for {:?}", start.elapsed()),
            timed_out: true,
        })
    }

    /// Decides whether a request may go where it wants to go, as it is.
    fn judge(&self, head: &request::Parts) -> Result<Origin, Error> {
        let origin = Origin::of(&head.uri).ok_or_else(|| Error::Url { url: shown(&head.uri) })?;
        if !self.0.hosts.contains(&origin) {
            return Err(Error::HostRefused { origin: origin.to_string() });
        }
        if let Some(header) = head.headers.keys().find(|name| self.reserves(name)) {
            return Err(Error::HeaderRefused { header: header.to_string() });
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
