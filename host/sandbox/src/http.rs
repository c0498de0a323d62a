//! `wasi:http` for guests, carried out by the connector's way out.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crossdock_egress::recorder::Recorder;
use crossdock_egress::{Error, FirstByte};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{
    Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

/// How much more of a refused body is taken from the guest, so that it gets to see why it was refused: a
/// guest whose write fails often does not look for the reason.
const DRAIN: usize = 16 << 20;

/// How long a guest may take to hand over a body.
const BODY: Duration = Duration::from_secs(30);

type Io = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), WasiError>> + Send>;

/// What one instance's requests pass through.
pub(crate) struct Hooks {
    pub(crate) recorder: Arc<dyn Recorder>,
    /// The headers that are the host's to set.
    pub(crate) reserved: ForbiddenHeaderFilter,
    /// The largest body of a request, in bytes.
    pub(crate) largest: usize,
}

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        self.reserved.clone()
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Sending {
        let (recorder, largest) = (self.recorder.clone(), self.largest);
        Box::new(async move {
            let (mut parts, body) = request.into_parts();
            // The body is whole before anything is sent: a guest that dies while it writes sends nothing,
            // and never half an order.
            let body = tokio::time::timeout(BODY, whole(body, largest))
                .await
                .map_err(|_| WasiError::ConnectionWriteTimeout)??;
            if let Some(limit) = options.and_then(|options| options.first_byte_timeout) {
                parts.extensions.insert(FirstByte(limit));
            }
            let answer = recorder.http(Request::from_parts(parts, body)).await.map_err(told)?;
            let answer = answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
            Ok((answer, Box::new(async { Ok(()) }) as Io))
        })
    }
}

async fn whole(mut body: WasiBody, largest: usize) -> Result<Bytes, WasiError> {
    let mut whole = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= largest {
            whole.extend_from_slice(&data);
        } else if seen > largest.saturating_add(DRAIN) {
            break;
        }
    }
    if seen > largest { Err(WasiError::HttpRequestBodySize(Some(seen as u64))) } else { Ok(whole.freeze()) }
}

/// What the guest is told. The codes keep apart what was never sent (`HTTP-request-*`, `destination-*`,
/// `DNS-*`, `connection-refused`, `connection-timeout`, `TLS-*`) from what may have been
/// (`connection-terminated`, `HTTP-response-*`), and what waiting does not help (`HTTP-request-denied`: a
/// person must look) from what it does: `destination-unavailable`, and `connection-limit-reached` for a call
/// that has used up what it may ask, because another call has its own.
fn told(error: Error) -> WasiError {
    tracing::debug!(target: "crossdock::egress", %error, "a request has no answer");
    match error {
        Error::Url { .. } => WasiError::HttpRequestUriInvalid,
        Error::HostRefused { .. }
        | Error::HeaderRefused { .. }
        | Error::SecretMissing { .. }
        | Error::Unauthorized { .. } => WasiError::HttpRequestDenied,
        Error::BudgetSpent { .. } => WasiError::ConnectionLimitReached,
        Error::CredentialsUnavailable { .. } => WasiError::DestinationUnavailable,
        Error::Diverged { .. } => WasiError::HttpRequestDenied,
        Error::AddressRefused { .. } => WasiError::DestinationIpProhibited,
        Error::Body { .. } => WasiError::HttpRequestBodySize(None),

        Error::Lookup { reason, .. } => WasiError::DnsError { rcode: Some(reason), info_code: None },
        Error::Connect { timed_out: true, .. } => WasiError::ConnectionTimeout,
        Error::Connect { .. } => WasiError::ConnectionRefused,
        Error::Tls { .. } => WasiError::TlsCertificateError,
        Error::Lost { .. } => WasiError::ConnectionTerminated,
        Error::TimedOut { .. } => WasiError::HttpResponseTimeout,
        Error::TooLarge { limit, .. } => WasiError::HttpResponseBodySize(Some(limit)),
        Error::Encoded { encoding, .. } => WasiError::HttpResponseContentCoding(Some(encoding)),
    }
}
