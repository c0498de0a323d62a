//! The transport of a component: `wasi:http`, implemented by the host.

use wasip2::http::outgoing_handler::{self, ErrorCode};
use wasip2::http::types::{
    Fields, IncomingResponse, Method as WasiMethod, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use super::transport::{Method, RawRequest, RawResponse, TransportError};

/// The most bytes that `blocking-write-and-flush` accepts.
const WRITE_CHUNK_BYTES: usize = 4096;

/// Sends the request and reads the response.
pub(super) fn send(request: &RawRequest) -> Result<RawResponse, TransportError> {
    let outgoing = outgoing_request(request)?;
    let body = outgoing.body().map_err(|()| malformed("body"))?;
    let options = request.timeout.map(|timeout| {
        let nanoseconds = u64::try_from(timeout.as_nanos()).ok();
        let options = RequestOptions::new();
        // A host without support for timeouts refuses them and applies its own.
        let _ = options.set_connect_timeout(nanoseconds);
        let _ = options.set_first_byte_timeout(nanoseconds);
        let _ = options.set_between_bytes_timeout(nanoseconds);
        options
    });
    let response = outgoing_handler::handle(outgoing, options).map_err(transport_error)?;
    // When the body could not be written, `response` holds the host's reason.
    let written = body.write().is_ok_and(|stream| {
        request.body.chunks(WRITE_CHUNK_BYTES).all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
    });
    if written {
        let _ = OutgoingBody::finish(body, None);
    } else {
        drop(body);
    }
    response.subscribe().block();
    match response.get() {
        Some(Ok(response)) => read_response(response.map_err(transport_error)?, request.max_response_bytes),
        _ => Err(TransportError::MaybeSent("the host returned no response".into())),
    }
}

fn outgoing_request(request: &RawRequest) -> Result<OutgoingRequest, TransportError> {
    let (scheme, rest) = request.url.split_once("://").ok_or_else(|| malformed("address"))?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let fields = Fields::from_list(&headers)
        .map_err(|error| TransportError::Malformed(format!("headers: {error:?}")))?;
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_method(&method(request.method)).map_err(|()| malformed("method"))?;
    let scheme = if scheme == "http" { Scheme::Http } else { Scheme::Https };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| malformed("scheme"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| malformed("host"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| malformed("path"))?;
    Ok(outgoing)
}

fn read_response(response: IncomingResponse, max_bytes: usize) -> Result<RawResponse, TransportError> {
    let status = response.status();
    let headers = response.headers().entries();
    let incoming =
        response.consume().map_err(|()| TransportError::MaybeSent("the response has no body".into()))?;
    let stream = incoming
        .stream()
        .map_err(|()| TransportError::MaybeSent("the response's body cannot be read".into()))?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) if body.is_empty() => body = chunk,
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(RawResponse { status, headers, body }),
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(TransportError::MaybeSent(
                    "the connection was lost while the response was read".into(),
                ));
            }
        }
        if body.len() > max_bytes {
            return Err(TransportError::MaybeSent(format!("the response is longer than {max_bytes} bytes")));
        }
    }
}

fn method(method: Method) -> WasiMethod {
    match method {
        Method::Get => WasiMethod::Get,
        Method::Head => WasiMethod::Head,
        Method::Options => WasiMethod::Options,
        Method::Post => WasiMethod::Post,
        Method::Put => WasiMethod::Put,
        Method::Patch => WasiMethod::Patch,
        Method::Delete => WasiMethod::Delete,
    }
}

fn malformed(part: &str) -> TransportError {
    TransportError::Malformed(format!("its {part} is malformed"))
}

/// Whether anything may have been sent when this error occurred. In doubt it was.
fn transport_error(code: ErrorCode) -> TransportError {
    let reason = describe(&code);
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::TlsCertificateError => TransportError::NotSent(reason),
        // The host manages the connections; this is the call's budget.
        ErrorCode::ConnectionLimitReached => TransportError::OverBudget(reason),
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => {
            TransportError::NotAllowed(reason)
        }
        ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_) => TransportError::Malformed(reason),
        _ => TransportError::MaybeSent(reason),
    }
}

/// The error in plain words where it is a common one, else its name.
fn describe(code: &ErrorCode) -> String {
    match code {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => "the host's name could not be resolved".into(),
        ErrorCode::DestinationUnavailable => "the host cannot prepare the request now".into(),
        ErrorCode::ConnectionLimitReached => "the call has used up its budget of requests or bytes".into(),
        ErrorCode::ConnectionRefused => "the connection was refused".into(),
        ErrorCode::ConnectionTimeout => "the connection could not be made in time".into(),
        ErrorCode::ConnectionTerminated => "the connection was lost".into(),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "no response arrived in time".into()
        }
        ErrorCode::InternalError(Some(message)) => message.clone(),
        other => format!("{other:?}"),
    }
}
