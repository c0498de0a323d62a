//! One request and its whole answer, within limits of size and time.
//!
//! Both the guest's requests and the host's own (for tokens and logins) go this way.

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

use crate::client::Budget;
use crate::connect::{Egress, NotFound, OutOfReach};
use crate::error::Error;
use crate::hosts::{Origin, Scheme};
use crate::mask::Mask;

/// How one exchange is bounded.
pub(crate) struct Exchange<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) origin: &'a Origin,
    /// Hides secrets in what libraries say of errors.
    pub(crate) mask: &'a Mask,
    /// What the call may still receive. Absent for the host's own requests.
    pub(crate) budget: Option<&'a Budget>,
    /// Bytes of the answer's body.
    pub(crate) answer: u64,
    /// From now to the head of the answer.
    pub(crate) first_byte: Duration,
    /// Between two pieces of the answer.
    pub(crate) between_bytes: Duration,
    /// When the answer must be whole.
    pub(crate) end: Instant,
}

impl Exchange<'_> {
    pub(crate) async fn run(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let origin = self.origin;
        let chosen = capture_connection(&mut request);
        let head = self.egress.pool.request(request);
        let head = timeout_at(self.end.min(start + self.first_byte), head).await;
        let answer = match head {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(failed(&error, origin, self.mask)),
            // A request that never got a connection was never sent.
            Err(_) if chosen.connection_metadata().is_none() => {
                let reason = format!("none within {:?}", start.elapsed());
                return Err(Error::Connect { origin: origin.to_string(), reason, timed_out: true });
            }
            Err(_) => return Err(Error::TimedOut { origin: origin.to_string(), waited: start.elapsed() }),
        };
        let (parts, body) = answer.into_parts();
        if self.mask.hides() {
            plain(&parts.headers, origin)?;
        }
        let body = self.read(body, start).await?;
        Ok(Response::from_parts(parts, body))
    }

    async fn read(&self, mut body: Incoming, start: Instant) -> Result<Bytes, Error> {
        let origin = self.origin;
        let mut whole = BytesMut::new();
        loop {
            let next = timeout_at(self.end.min(Instant::now() + self.between_bytes), body.frame()).await;
            let frame = match next {
                Err(_) => {
                    return Err(Error::TimedOut { origin: origin.to_string(), waited: start.elapsed() });
                }
                Ok(None) => return Ok(whole.freeze()),
                Ok(Some(Err(error))) => {
                    let reason = self.mask.text(chain(&error));
                    return Err(Error::Lost { origin: origin.to_string(), reason });
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let too_large = || Error::TooLarge { origin: origin.to_string(), limit: self.answer };
            if (whole.len() + data.len()) as u64 > self.answer {
                return Err(too_large());
            }
            // The request has left by now, so a spent budget is no refusal.
            if let Some(budget) = self.budget {
                budget.receive(data.len() as u64).map_err(|_| too_large())?;
            }
            whole.extend_from_slice(&data);
        }
    }
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
