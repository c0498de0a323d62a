//! One connector's way out: where it may go, how it authenticates, how much it may ask and receive.
//!
//! No redirect is followed: a 3xx answer goes to the guest, and what it asks next is judged like any
//! other request. A credential therefore never travels to a host that the operator did not name.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, timeout_at};

use crate::auth::Profile;
use crate::connect::{Egress, NotFound, OutOfReach};
use crate::error::Error;
use crate::hosts::{Origin, Scheme};
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
    profile: Option<Profile>,
    /// The header of the profile.
    reserved: Option<HeaderName>,
    secrets: Secrets,
    limits: Limits,
}

impl Client {
    pub(crate) fn new(egress: Egress, access: Access) -> Result<Self, String> {
        let hosts = access.hosts.iter().map(|host| host.parse()).collect::<Result<Vec<Origin>, _>>()?;
        let reserved = access.profile.as_ref().map(Profile::header).transpose()?;
        if let Some(profile) = &access.profile {
            let name = profile.secret();
            if access.secrets.get(name).is_none() {
                return Err(format!(
                    "the profile wants the secret `{name}`, and the connector has none of that name"
                ));
            }
        }
        let (profile, secrets, limits) = (access.profile, access.secrets, access.limits);
        Ok(Self(Arc::new(Inner { egress, hosts, profile, reserved, secrets, limits })))
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
        OURS.contains(name)
            || self.0.reserved.as_ref() == Some(name)
            || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
    }

    /// Asks. The answer is whole and free of the connector's secrets.
    ///
    /// # Errors
    /// Why there is no answer; [`Error::sent`] tells whether the target may have seen the request.
    pub async fn send(&self, request: Request<Bytes>, budget: &Budget) -> Result<Response<Bytes>, Error> {
        let inner = &*self.0;
        let mask = Mask::of(&inner.secrets, inner.profile.as_ref());
        let origin = self.admit(&request)?;
        Budget::take(&budget.requests, 1, "requests")?;
        Budget::take(&budget.bytes, request.body().len() as u64, "bytes")?;
        let (mut parts, body) = request.into_parts();
        if let Some(profile) = &inner.profile {
            profile.apply(&mut parts.headers, &inner.secrets)?;
        }
        // An encoded answer could carry a secret past the mask.
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("crossdock"));
        parts.version = http::Version::HTTP_11;
        let request = Request::from_parts(parts, Full::new(body));
        let answer = self.exchange(request, &origin, budget, &mask).await;
        answer.map(|mut answer| {
            mask.headers(answer.headers_mut());
            answer.map(|body| mask.body(body))
        })
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

    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        origin: &Origin,
        budget: &Budget,
        mask: &Mask,
    ) -> Result<Response<Bytes>, Error> {
        let limits = &self.0.limits;
        let start = Instant::now();
        let end = start + limits.total;
        let first_byte = request
            .extensions()
            .get()
            .map_or(limits.first_byte, |FirstByte(own)| limits.first_byte.min(*own));
        let chosen = capture_connection(&mut request);
        let head = timeout_at(end.min(start + first_byte), self.0.egress.pool.request(request)).await;
        let answer = match head {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(failed(&error, origin, mask)),
            // A request that never got a connection was never sent.
            Err(_) if chosen.connection_metadata().is_none() => {
                let reason = format!("none within {:?}", start.elapsed());
                return Err(Error::Connect { origin: origin.to_string(), reason, timed_out: true });
            }
            Err(_) => return Err(Error::TimedOut { origin: origin.to_string(), waited: start.elapsed() }),
        };
        let (parts, body) = answer.into_parts();
        if mask.hides() {
            plain(&parts.headers, origin)?;
        }
        let body = self.read(body, origin, budget, start, end, mask).await?;
        Ok(Response::from_parts(parts, body))
    }

    async fn read(
        &self,
        mut body: Incoming,
        origin: &Origin,
        budget: &Budget,
        start: Instant,
        end: Instant,
        mask: &Mask,
    ) -> Result<Bytes, Error> {
        let limits = &self.0.limits;
        let mut whole = BytesMut::new();
        loop {
            let next = timeout_at(end.min(Instant::now() + limits.between_bytes), body.frame()).await;
            let frame = match next {
                Err(_) => {
                    return Err(Error::TimedOut { origin: origin.to_string(), waited: start.elapsed() });
                }
                Ok(None) => return Ok(whole.freeze()),
                Ok(Some(Err(error))) => {
                    let reason = mask.text(chain(&error));
                    return Err(Error::Lost { origin: origin.to_string(), reason });
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let limit = limits.answer;
            let too_large = || Error::TooLarge { origin: origin.to_string(), limit };
            if (whole.len() + data.len()) as u64 > limit {
                return Err(too_large());
            }
            // The request has left by now, so a spent budget is no refusal.
            Budget::take(&budget.bytes, data.len() as u64, "bytes").map_err(|_| too_large())?;
            whole.extend_from_slice(&data);
        }
    }
}

/// An address for people: without what could be a password or personal data.
pub(crate) fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}{authority}{}", uri.path())
}

fn plain(headers: &HeaderMap, origin: &Origin) -> Result<(), Error> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Error::Encoded {
            origin: origin.to_string(),
            encoding: String::from_utf8_lossy(encoding.as_bytes()).into_owned(),
        }),
        _ => Ok(()),
    }
}

/// What the pool's error means: did the request leave?
fn failed(error: &hyper_util::client::legacy::Error, origin: &Origin, mask: &Mask) -> Error {
    if let Some(refused) = find::<OutOfReach>(error) {
        return Error::AddressRefused { host: refused.host.clone(), address: refused.address.to_string() };
    }
    if let Some(unknown) = find::<NotFound>(error) {
        return Error::Lookup { host: unknown.host.clone(), reason: unknown.source.to_string() };
    }
    let (origin_text, reason) = (origin.to_string(), mask.text(chain(error)));
    if !error.is_connect() {
        return Error::Lost { origin: origin_text, reason };
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return Error::Tls { origin: origin_text, reason: tls.to_string() };
    }
    let timed_out = find_io(error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    // A handshake that the other side breaks off is an `io::Error` without a reason of rustls.
    let broken = find_io(error).is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
    if broken && origin.scheme == Scheme::Https {
        return Error::Tls { origin: origin_text, reason };
    }
    Error::Connect { origin: origin_text, reason, timed_out }
}

/// The first cause of a type. `io::Error` hides what it wraps from `source`, so it is opened by hand.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    if let Some(found) = wrapped.and_then(|wrapped| find::<E>(wrapped)) {
        return Some(found);
    }
    error.source().and_then(find::<E>)
}

fn find_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    find::<io::Error>(error)
}

/// An error with its causes in one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
