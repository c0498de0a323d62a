//! Sends the host's own requests for tokens: to token endpoints, logins and CSRF endpoints.
//!
//! They obey the same address rules as a guest's requests, with limits of their own, and no guest sees the
//! responses.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::Instant;

use crate::error::Error;
use crate::mask::Mask;
use crate::origin::Origin;
use crate::pool::Egress;
use crate::round_trip::RoundTrip;

const MAX_RESPONSE_BYTES: u64 = 1 << 20;
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(20);
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(10);

/// From the start of the request to the end of the response.
pub(super) const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of an endpoint's own error message is quoted, in characters.
const MAX_QUOTED_CHARS: usize = 200;

/// Sends requests for tokens to one origin.
#[derive(Clone)]
pub(super) struct TokenClient {
    egress: Egress,
    pub(super) origin: Origin,
}

impl TokenClient {
    /// A client for a URL that the operator has configured under `key`, and the URL. `hosts` are the allowed
    /// origins.
    pub(super) fn new(
        egress: &Egress,
        url: &str,
        key: &str,
        hosts: &[Origin],
    ) -> Result<(Self, Uri), String> {
        let invalid = || format!("`{key}` is not an absolute http or https URL");
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let origin = Origin::of(&uri).ok_or_else(invalid)?;
        if !hosts.contains(&origin) {
            return Err(format!("`{key}` is at {origin}, which is not among the connector's `hosts`"));
        }
        Ok((Self { egress: egress.clone(), origin }, uri))
    }

    pub(super) async fn send(&self, request: Request<Bytes>, mask: &Mask) -> Result<Response<Bytes>, Error> {
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("crossdock"));
        parts.headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let round_trip = RoundTrip {
            egress: &self.egress,
            origin: &self.origin,
            mask,
            budget: None,
            response_bytes: MAX_RESPONSE_BYTES,
            first_byte: FIRST_BYTE_TIMEOUT,
            between_bytes: BETWEEN_BYTES_TIMEOUT,
            deadline: Instant::now() + TOTAL_TIMEOUT,
        };
        round_trip.send(Request::from_parts(parts, Full::new(body))).await
    }
}

/// Maps a failed request for tokens to the error of the request that needed them.
pub(super) fn request_failed(error: Error) -> Error {
    match error {
        // An address that is refused now will be refused later.
        Error::AddressRefused { .. } => error,
        other => Error::CredentialsUnavailable { reason: other.to_string() },
    }
}

/// Maps an unsuccessful status of `endpoint`: it is unavailable, or it refused. `message` is the endpoint's own.
pub(super) fn unsuccessful(status: StatusCode, endpoint: &str, message: &str) -> Error {
    let mut reason = format!("{endpoint} responded with status {}", status.as_u16());
    let message = message.trim();
    if !message.is_empty() {
        reason.push_str(": ");
        reason.extend(message.chars().filter(|char| !char.is_control()).take(MAX_QUOTED_CHARS));
    }
    let temporary = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || temporary.contains(&status) {
        Error::CredentialsUnavailable { reason }
    } else {
        Error::Unauthorized { reason }
    }
}
