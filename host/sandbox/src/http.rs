//! `wasi:http` for guests, over the connector's HTTP client.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crossdock_egress::recorder::Recorder;
use crossdock_egress::{Error, FirstByteTimeout, Precheck};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks, WasiHttpView,
};

/// How much more of a refused body is read from the guest, so that it sees why it was refused: a guest whose
/// write fails often does not read the reason.
const MAX_DRAINED_BYTES: usize = 16 << 20;

/// How much of a body is buffered at once (twice): a guest may begin many bodies and send none.
const CHUNK_BYTES: usize = 16 << 10;

/// How long a guest may take to write a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The interface of `wasi:http` whose texts are limited here.
const TYPES: &str = "wasi:http/types@0.2.12";

/// The longest host, path and method of a request: `wasi:http` limits headers alone, and stores the others for
/// each request that is not sent. Servers usually stop at 8 KiB.
const MAX_AUTHORITY_BYTES: usize = 1 << 10;
const MAX_PATH_BYTES: usize = 16 << 10;
const MAX_METHOD_BYTES: usize = 64;

/// Replaces the linked setters of a request's texts by ones with a size limit.
pub(crate) fn limit_request_texts<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    type Arguments<A> = (Resource<HostOutgoingRequest>, A);
    type Results = wasmtime::Result<(Result<(), ()>,)>;
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: StoreContextMut<'_, T>, (request, text): Arguments<Option<String>>| -> Results {
            let fits = text.as_ref().is_none_or(|text| text.len() <= MAX_AUTHORITY_BYTES);
            Ok((if fits { store.data_mut().http().set_authority(request, text)? } else { Err(()) },))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: StoreContextMut<'_, T>, (request, text): Arguments<Option<String>>| -> Results {
            let fits = text.as_ref().is_none_or(|text| text.len() <= MAX_PATH_BYTES);
            Ok((if fits { store.data_mut().http().set_path_with_query(request, text)? } else { Err(()) },))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: StoreContextMut<'_, T>, (request, method): Arguments<Method>| -> Results {
            let fits = !matches!(&method, Method::Other(text) if text.len() > MAX_METHOD_BYTES);
            Ok((if fits { store.data_mut().http().set_method(request, method)? } else { Err(()) },))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

type Io = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), WasiError>> + Send>;

/// Carries out the requests of one instance.
pub(crate) struct HttpHooks {
    pub(crate) recorder: Arc<dyn Recorder>,
    /// The connector's name, for logs.
    pub(crate) connector: Arc<str>,
    /// The headers that only the host may set.
    pub(crate) reserved: ForbiddenHeaderFilter,
    pub(crate) max_body_bytes: usize,
}

impl WasiHttpHooks for HttpHooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        self.reserved.clone()
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Sending {
        let (recorder, connector) = (self.recorder.clone(), self.connector.clone());
        let max_bytes = self.max_body_bytes;
        Box::new(async move {
            let (mut parts, body) = request.into_parts();
            // Checked and charged before anything is buffered.
            let mut precheck = recorder.precheck(&parts);
            // The body is complete before anything is sent: a guest that crashes while it writes sends nothing,
            // and never half an order.
            let body = read_body(body, max_bytes, &*recorder, &mut precheck);
            let body = tokio::time::timeout(BODY_TIMEOUT, body)
                .await
                .map_err(|_| WasiError::ConnectionWriteTimeout)??;
            parts.extensions.insert(Precheck(precheck));
            if let Some(limit) = options.and_then(|options| options.first_byte_timeout) {
                parts.extensions.insert(FirstByteTimeout(limit));
            }
            let response = recorder.http(Request::from_parts(parts, body)).await;
            let response = response.map_err(|error| error_code(error, &connector))?;
            let response =
                response.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Io))
        })
    }
}

/// Reads the whole body. It is empty if the request failed its precheck, or the call used up its bytes meanwhile.
async fn read_body(
    mut body: WasiBody,
    max_bytes: usize,
    recorder: &dyn Recorder,
    precheck: &mut Result<(), Error>,
) -> Result<Bytes, WasiError> {
    let mut whole = BytesMut::new();
    let mut read = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        read = read.saturating_add(data.len());
        if read <= max_bytes {
            if precheck.is_ok() {
                *precheck = recorder.charge_bytes(data.len() as u64);
            }
            match precheck {
                Ok(()) => whole.extend_from_slice(&data),
                Err(_) => whole = BytesMut::new(),
            }
        } else if read > max_bytes.saturating_add(MAX_DRAINED_BYTES) {
            break;
        }
    }
    if read > max_bytes { Err(WasiError::HttpRequestBodySize(Some(read as u64))) } else { Ok(whole.freeze()) }
}

/// The error code for the guest. The codes distinguish requests that were never sent (`HTTP-request-*`,
/// `destination-*`, `DNS-*`, `connection-refused`, `connection-timeout`, `TLS-*`) from those that may have been
/// (`connection-terminated`, `HTTP-response-*`), and errors that a retry does not resolve (`HTTP-request-denied`:
/// an operator must act) from those that it may: `destination-unavailable`, and `connection-limit-reached` for a
/// call that has used up its budget, because another call has its own.
fn error_code(error: Error, connector: &str) -> WasiError {
    match error {
        // An operator must act, and finds the reason only here and at the attempt.
        Error::Unauthorized { .. } | Error::SecretMissing { .. } => {
            tracing::warn!(target: "crossdock::egress", connector, %error, "a request failed");
        }
        _ => tracing::debug!(target: "crossdock::egress", connector, %error, "a request failed"),
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
