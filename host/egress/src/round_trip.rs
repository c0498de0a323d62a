//! One HTTP round trip: a request and its whole response, within limits of size and time.
//!
//! Requests of guests and the host's own (for tokens and logins) are sent this way.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, timeout_at};

use crate::budget::Budget;
use crate::error::Error;
use crate::mask::Mask;
use crate::origin::{Origin, Scheme};
use crate::pool::Egress;
use crate::resolver::{AddressRefused, LookupFailed};

/// Target and limits of one round trip.
pub(crate) struct RoundTrip<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) origin: &'a Origin,
    /// Masks secrets in error messages of libraries.
    pub(crate) mask: &'a Mask,
    /// Charged with the bytes received. Absent for the host's own requests.
    pub(crate) budget: Option<&'a Budget>,
    /// Bytes of the response's body.
    pub(crate) response_bytes: u64,
    /// From now to the head of the response.
    pub(crate) first_byte: Duration,
    /// Between two parts of the response.
    pub(crate) between_bytes: Duration,
    /// When the response must be complete.
    pub(crate) deadline: Instant,
}

impl RoundTrip<'_> {
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let connection = capture_connection(&mut request);
        let sending = self.egress.pool.request(request);
        let response = match timeout_at(self.deadline.min(start + self.first_byte), sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.failure(&error)),
            // A request that never got a connection was never sent.
            Err(_) if connection.connection_metadata().is_none() => {
                let reason = format!("none within {:?}", start.elapsed());
                return Err(Error::Connect { origin: self.origin.to_string(), reason, timed_out: true });
            }
            Err(_) => return Err(self.timed_out(start)),
        };
        let (parts, body) = response.into_parts();
        if self.mask.has_secrets() {
            require_identity_encoding(&parts.headers, self.origin)?;
        }
        let body = self.read(body, start).await?;
        Ok(Response::from_parts(parts, body))
    }

    async fn read(&self, mut body: Incoming, start: Instant) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        loop {
            let frame = timeout_at(self.deadline.min(Instant::now() + self.between_bytes), body.frame());
            let frame = match frame.await {
                Err(_) => return Err(self.timed_out(start)),
                Ok(None) => return Ok(whole.freeze()),
                Ok(Some(Err(error))) => {
                    let reason = self.mask.text(with_causes(&error));
                    return Err(Error::Lost { origin: self.origin.to_string(), reason });
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let too_large =
                || Error::TooLarge { origin: self.origin.to_string(), limit: self.response_bytes };
            if (whole.len() + data.len()) as u64 > self.response_bytes {
                return Err(too_large());
            }
            // The request has left, so a spent budget must not look like a refusal.
            if let Some(budget) = self.budget {
                budget.charge_bytes(data.len() as u64).map_err(|_| too_large())?;
            }
            whole.extend_from_slice(&data);
        }
    }

    fn timed_out(&self, start: Instant) -> Error {
        Error::TimedOut { origin: self.origin.to_string(), waited: start.elapsed() }
    }

    /// Maps the pool's error; above all, decides whether the request left.
    fn failure(&self, error: &hyper_util::client::legacy::Error) -> Error {
        if let Some(refused) = cause::<AddressRefused>(error) {
            return Error::AddressRefused {
                host: refused.host.clone(),
                address: refused.address.to_string(),
            };
        }
        if let Some(unknown) = cause::<LookupFailed>(error) {
            return Error::Lookup { host: unknown.host.clone(), reason: unknown.source.to_string() };
        }
        let (origin, reason) = (self.origin.to_string(), self.mask.text(with_causes(error)));
        if !error.is_connect() {
            return Error::Lost { origin, reason };
        }
        if let Some(tls) = cause::<rustls::Error>(error) {
            return Error::Tls { origin, reason: tls.to_string() };
        }
        let kind = cause::<io::Error>(error).map(io::Error::kind);
        // A handshake that the peer breaks off is an `io::Error` without a `rustls::Error`.
        if kind == Some(io::ErrorKind::UnexpectedEof) && self.origin.scheme == Scheme::Https {
            return Error::Tls { origin, reason };
        }
        Error::Connect { origin, reason, timed_out: kind == Some(io::ErrorKind::TimedOut) }
    }
}

fn require_identity_encoding(headers: &HeaderMap, origin: &Origin) -> Result<(), Error> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Error::Encoded {
            origin: origin.to_string(),
            encoding: String::from_utf8_lossy(encoding.as_bytes()).into_owned(),
        }),
        _ => Ok(()),
    }
}

/// The first cause of a type. `io::Error` does not return what it wraps from `source`, hence `get_ref`.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    if let Some(found) = wrapped.and_then(|wrapped| cause::<E>(wrapped)) {
        return Some(found);
    }
    error.source().and_then(cause::<E>)
}

/// An error with its causes in one line.
fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
