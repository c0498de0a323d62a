//! The host's own requests for what authenticates a connector: to token endpoints and logins.
//!
//! They go the same way as a guest's and under the same rules of where a name may lead, but with limits of
//! their own, and no guest sees what comes back.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::Instant;

use crate::connect::Egress;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::hosts::Origin;
use crate::mask::Mask;

/// The largest answer of a token endpoint or a login, in bytes.
const ANSWER: u64 = 1 << 20;
const FIRST_BYTE: Duration = Duration::from_secs(20);
const BETWEEN_BYTES: Duration = Duration::from_secs(10);

/// From asking to the end of the answer.
pub(super) const TOTAL: Duration = Duration::from_secs(30);

/// The most that is told of a refusal's own words, in characters.
const WORDS: usize = 200;

/// The way to one place where credentials are had.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) egress: Egress,
    pub(super) origin: Origin,
}

impl Door {
    /// The way to an address that the operator wrote. `hosts` are the origins that may be asked.
    pub(super) fn to(
        egress: &Egress,
        url: &str,
        what: &str,
        hosts: &[Origin],
    ) -> Result<(Self, Uri), String> {
        let uri: Uri = url.parse().map_err(|_| format!("`{what}` is no absolute http or https address"))?;
        let origin =
            Origin::of(&uri).ok_or_else(|| format!("`{what}` is no absolute http or https address"))?;
        if !hosts.contains(&origin) {
            return Err(format!("`{what}` leads to {origin}, which is not among the connector's `hosts`"));
        }
        Ok((Self { egress: egress.clone(), origin }, uri))
    }

    pub(super) async fn ask(&self, request: Request<Bytes>, mask: &Mask) -> Result<Response<Bytes>, Error> {
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("crossdock"));
        parts.headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let exchange = Exchange {
            egress: &self.egress,
            origin: &self.origin,
            mask,
            budget: None,
            answer: ANSWER,
            first_byte: FIRST_BYTE,
            between_bytes: BETWEEN_BYTES,
            end: Instant::now() + TOTAL,
        };
        exchange.run(Request::from_parts(parts, Full::new(body))).await
    }
}

/// What an error on the way to credentials means for a request that wanted them.
pub(super) fn unreachable(error: Error) -> Error {
    match error {
        // Where the host may not go it may not go later either.
        Error::AddressRefused { .. } => error,
        other => Error::CredentialsUnavailable { reason: other.to_string() },
    }
}

/// What a status other than a success means: the place is down, or it said no.
pub(super) fn refused(status: StatusCode, what: &str, words: Option<&str>) -> Error {
    let mut reason = format!("{what} answered with status {}", status.as_u16());
    if let Some(words) = words.map(str::trim).filter(|words| !words.is_empty()) {
        reason.push_str(": ");
        reason.extend(words.chars().filter(|letter| !letter.is_control()).take(WORDS));
    }
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || later.contains(&status) {
        Error::CredentialsUnavailable { reason }
    } else {
        Error::Unauthorized { reason }
    }
}
