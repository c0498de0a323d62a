//! `wasi:http` for guests, carried out by the connector's way out.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crossdock_egress::recorder::Recorder;
use crossdock_egress::{Admission, Error, FirstByte};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks, WasiHttpView as _,
};

use crate::state::State;

/// How much more of a refused body is taken from the guest, so that it gets to see why it was refused: a
/// guest whose write fails often does not look for the reason.
const DRAIN: usize = 16 << 20;

/// How much of a body waits for the host at once, twice: a guest may begin many bodies and send none.
const CHUNK: usize = 16 << 10;

/// How long a guest may take to hand over a body.
const BODY: Duration = Duration::from_secs(30);

/// The interface of `wasi:http` whose texts are bounded here.
const TYPES: &str = "wasi:http/types@0.2.12";

/// The longest host, path and method of a request, in bytes: `wasi:http` bounds headers alone, and keeps what
/// it is given for each request that is not sent. Servers stop at 8 KiB.
const AUTHORITY: usize = 1 << 10;
const PATH: usize = 16 << 10;
const METHOD: usize = 64;

/// Bounds the texts of requests, in place of what is linked already.
pub(crate) fn bound(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    type Given<T> = (Resource<HostOutgoingRequest>, T);
    type Taken = wasmtime::Result<(Result<(), ()>,)>;
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: StoreContextMut<'_, State>, (request, text): Given<Option<String>>| -> Taken {
            let fits = text.as_ref().is_none_or(|text| text.len() <= AUTHORITY);
            Ok((if fits { store.data_mut().http().set_authority(request, text)? } else { Err(()) },))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: StoreContextMut<'_, State>, (request, text): Given<Option<String>>| -> Taken {
            let fits = text.as_ref().is_none_or(|text| text.len() <= PATH);
            Ok((if fits { store.data_mut().http().set_path_with_query(request, text)? } else { Err(()) },))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: StoreContextMut<'_, State>, (request, method): Given<Method>| -> Taken {
            let fits = !matches!(&method, Method::Other(text) if text.len() > METHOD);
            Ok((if fits { store.data_mut().http().set_method(request, method)? } else { Err(()) },))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

type Io = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), WasiError>> + Send>;

/// What one instance's requests pass through.
pub(crate) struct Hooks {
    pub(crate) recorder: Arc<dyn Recorder>,
    /// The connector's name, for logs.
    pub(crate) connector: Arc<str>,
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

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Sending {
        let (recorder, connector, largest) = (self.recorder.clone(), self.connector.clone(), self.largest);
        Box::new(async move {
            let (mut parts, body) = request.into_parts();
            // Counted and judged before anything is kept for it.
            let mut admission = recorder.admit(&parts);
            // The body is whole before anything is sent: a guest that dies while it writes sends nothing,
            // and never half an order.
            let body = tokio::time::timeout(BODY, whole(body, largest, &*recorder, &mut admission))
                .await
                .map_err(|_| WasiError::ConnectionWriteTimeout)??;
            parts.extensions.insert(Admission(admission));
            if let Some(limit) = options.and_then(|options| options.first_byte_timeout) {
                parts.extensions.insert(FirstByte(limit));
            }
            let answer = recorder.http(Request::from_parts(parts, body)).await;
            let answer = answer.map_err(|error| told(error, &connector))?;
            let answer = answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
            Ok((answer, Box::new(async { Ok(()) }) as Io))
        })
    }
}

/// The whole body; nothing of one that is not admitted, or whose bytes the call has used up on the way.
async fn whole(
    mut body: WasiBody,
    largest: usize,
    recorder: &dyn Recorder,
    admission: &mut Result<(), Error>,
) -> Result<Bytes, WasiError> {
    let mut whole = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= largest {
            if admission.is_ok() {
                *admission = recorder.carry(data.len() as u64);
            }
            match admission {
                Ok(()) => whole.extend_from_slice(&data),
                Err(_) => whole = BytesMut::new(),
            }
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
fn told(error: Error, connector: &str) -> WasiError {
    match error {
        // A person must look, and it stands nowhere else than here and at the attempt.
        Error::Unauthorized { .. } | Error::SecretMissing { .. } => {
            tracing::warn!(target: "crossdock::egress", connector, %error, "a request has no answer");
        }
        _ => tracing::debug!(target: "crossdock::egress", connector, %error, "a request has no answer"),
    }
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
