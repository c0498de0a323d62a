//! One connector's HTTP client: where it may go, how it authenticates, how much it may send and receive.
//!
//! Redirects are not followed: a 3xx response goes to the guest, and the guest's next request is checked like
//! any other. So credentials never go to a host that the operator did not name.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, request};
use http_body_util::Full;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::auth::{Authenticator, Context, Profile};
use crate::budget::{Budget, Limits};
use crate::error::Error;
use crate::headers::{display_url, is_connection_header};
use crate::mask::Mask;
use crate::origin::Origin;
use crate::pool::Egress;
use crate::round_trip::RoundTrip;
use crate::secrets::Secrets;

/// What the operator grants to a connector.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Where requests may go, as the operator writes it: `https://host[:port]`, `http://host[:port]`, or
    /// a bare host for https.
    pub hosts: Vec<String>,
    /// How requests are authenticated; absent when they are not.
    pub profile: Option<Profile>,
    /// The connector's secrets. All of them are masked in responses, whether the profile uses them or not.
    pub secrets: Secrets,
    /// What one call may use.
    pub limits: Limits,
}

/// A request's own, shorter timeout for the head of the response, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct FirstByteTimeout(pub Duration);

/// The result of [`Client::precheck`], as an extension of the request: the request and its body have been
/// charged to the budget already.
#[derive(Clone, Debug)]
pub struct Precheck(pub Result<(), Error>);

/// A connector's HTTP client. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    egress: Egress,
    hosts: Vec<Origin>,
    authenticator: Authenticator,
    /// The headers that the profile sets.
    reserved: Vec<HeaderName>,
    secrets: Secrets,
    limits: Limits,
    /// Permits for concurrent requests of all the connector's calls.
    concurrent: Semaphore,
}

impl Client {
    /// A client on the shared pool with a connector's hosts, authentication and limits.
    ///
    /// # Errors
    /// A sentence for the operator, when the hosts or the profile are invalid.
    pub fn new(egress: &Egress, access: Access) -> Result<Self, String> {
        let hosts = access.hosts.iter().map(|host| host.parse()).collect::<Result<Vec<Origin>, _>>()?;
        let context = Context { egress, hosts: &hosts, secrets: &access.secrets };
        let authenticator = Authenticator::new(access.profile.as_ref(), &context)?;
        let reserved = authenticator.reserved();
        let (egress, secrets, limits) = (egress.clone(), access.secrets, access.limits);
        let concurrent = Semaphore::new(limits.concurrent_per_connector);
        Ok(Self(Arc::new(Inner { egress, hosts, authenticator, reserved, secrets, limits, concurrent })))
    }

    /// What one call may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// A fresh budget, for one call.
    #[must_use]
    pub fn budget(&self) -> Budget {
        Budget::new(&self.0.limits)
    }

    /// True for headers that only the host may set: those of the connection and those of the profile.
    #[must_use]
    pub fn reserves(&self, name: &HeaderName) -> bool {
        is_connection_header(name) || self.0.reserved.contains(name)
    }

    /// Checks a request and charges it, before its body is read and buffered.
    ///
    /// # Errors
    /// When its target or its headers are refused, or the call has used up its requests.
    pub fn precheck(&self, head: &request::Parts, budget: &Budget) -> Result<(), Error> {
        self.allowed_origin(head)?;
        budget.charge_request()
    }

    /// Sends a request and returns the whole response, with the connector's secrets masked. A request that
    /// carries a [`Precheck`] is not charged again.
    ///
    /// # Errors
    /// Why there is no response; [`Error::sent`] says whether the target may have seen the request.
    pub async fn send(&self, request: Request<Bytes>, budget: &Budget) -> Result<Response<Bytes>, Error> {
        let inner = &*self.0;
        let (mut parts, body) = request.into_parts();
        match parts.extensions.get() {
            Some(Precheck(result)) => result.clone()?,
            None => {
                self.precheck(&parts, budget)?;
                budget.charge_bytes(body.len() as u64)?;
            }
        }
        let origin = self.allowed_origin(&parts)?;
        let limit = inner.limits.request_bytes;
        if body.len() as u64 > limit {
            return Err(Error::Body { reason: format!("it is larger than {limit} bytes") });
        }
        let start = Instant::now();
        let deadline = start + inner.limits.total;
        let first_byte = match parts.extensions.get() {
            Some(FirstByteTimeout(own)) => inner.limits.first_byte.min(*own),
            None => inner.limits.first_byte,
        };
        let _permits = self.permits(budget, &origin, deadline.min(start + first_byte)).await?;
        // A compressed response could carry a secret past the mask.
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("crossdock"));
        parts.version = http::Version::HTTP_11;
        let mut refused = None;
        loop {
            let is_retry = refused.is_some();
            let credential = inner.authenticator.credential(&origin, refused.take());
            let credential = timeout_at(deadline.min(Instant::now() + first_byte), credential);
            let credential = credential.await.map_err(|_| Error::CredentialsUnavailable {
                reason: format!("none within {:?}", start.elapsed()),
            })??;
            let mut parts = parts.clone();
            let mut secrets = inner.authenticator.apply(&credential, &mut parts)?;
            secrets.extend(inner.authenticator.secrets_to_mask(&credential));
            let path = parts.uri.path().to_owned();
            let request = Request::from_parts(parts, Full::new(body.clone()));
            let mask = Mask::of(&inner.secrets, &secrets);
            let round_trip = RoundTrip {
                egress: &inner.egress,
                origin: &origin,
                mask: &mask,
                budget: Some(budget),
                response_bytes: inner.limits.response_bytes,
                first_byte,
                between_bytes: inner.limits.between_bytes,
                deadline,
            };
            let mut response = round_trip.send(request).await?;
            inner.authenticator.take_session_data(&credential, &path, &mut response);
            if !is_retry {
                refused = inner.authenticator.refused(&credential, &response);
                if refused.is_some() {
                    continue;
                }
            }
            // A new mask: meanwhile another call may have got a new token, and this response new cookies.
            secrets.extend(inner.authenticator.secrets_to_mask(&credential));
            let mask = Mask::of(&inner.secrets, &secrets);
            mask.headers(response.headers_mut());
            return Ok(response.map(|body| mask.body(body)));
        }
    }

    /// Waits for one of the call's permits, then for one of the connector's.
    async fn permits<'a>(
        &'a self,
        budget: &'a Budget,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), Error> {
        let start = Instant::now();
        // The call's own permit first: who waits for its own call must not occupy a shared permit.
        let permits = async { Ok((budget.concurrent.acquire().await?, self.0.concurrent.acquire().await?)) };
        // The semaphores are never closed. A request without a permit has not been sent.
        let permits: Result<Result<_, AcquireError>, _> = timeout_at(deadline, permits).await;
        permits.ok().and_then(Result::ok).ok_or_else(|| Error::Connect {
            origin: origin.to_string(),
            reason: format!("the limit of concurrent requests was reached for {:?}", start.elapsed()),
            timed_out: true,
        })
    }

    /// The request's origin, if the request may go there with these headers.
    fn allowed_origin(&self, head: &request::Parts) -> Result<Origin, Error> {
        let origin = Origin::of(&head.uri).ok_or_else(|| Error::Url { url: display_url(&head.uri) })?;
        if !self.0.hosts.contains(&origin) {
            return Err(Error::HostRefused { origin: origin.to_string() });
        }
        if let Some(header) = head.headers.keys().find(|name| self.reserves(name)) {
            return Err(Error::HeaderRefused { header: header.to_string() });
        }
        Ok(origin)
    }
}
