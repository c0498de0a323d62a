//! The request over `wasi:http`, as the host carries it out.

use wasip2::http::outgoing_handler::{self, ErrorCode};
use wasip2::http::types::{
    Fields, IncomingResponse, Method as WasiMethod, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use super::{Answer, Loss, Method, Request};

/// The most bytes that `blocking-write-and-flush` takes at once.
const CHUNK: usize = 4096;

pub(super) fn exchange(request: &Request) -> Result<Answer, Loss> {
    let outgoing = head(request)?;
    let body = outgoing.body().map_err(|()| malformed("body"))?;
    let options = request.timeout.map(|timeout| {
        let nanoseconds = u64::try_from(timeout.as_nanos()).ok();
        let options = RequestOptions::new();
        // A host that does not know timeouts refuses them and keeps its own.
        let _ = options.set_connect_timeout(nanoseconds);
        let _ = options.set_first_byte_timeout(nanoseconds);
        let _ = options.set_between_bytes_timeout(nanoseconds);
        options
    });
    let answer = outgoing_handler::handle(outgoing, options).map_err(loss)?;
    // A body that could not be written is not the answer: the host's reason is in `answer`.
    let written = body.write().is_ok_and(|stream| {
        request.body.chunks(CHUNK).all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
    });
    if written {
        let _ = OutgoingBody::finish(body, None);
    } else {
        drop(body);
    }
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(response)) => read(response.map_err(loss)?, request.max_answer),
        _ => Err(Loss::Sent("the host gave no answer".into())),
    }
}

fn head(request: &Request) -> Result<OutgoingRequest, Loss> {
    let (scheme, rest) = request.url.split_once("://").ok_or_else(|| malformed("address"))?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let fields =
        Fields::from_list(&headers).map_err(|error| Loss::Malformed(format!("headers: {error:?}")))?;
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_method(&method(request.method)).map_err(|()| malformed("method"))?;
    let scheme = if scheme == "http" { Scheme::Http } else { Scheme::Https };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| malformed("scheme"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| malformed("host"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| malformed("path"))?;
    Ok(outgoing)
}

fn read(response: IncomingResponse, most: usize) -> Result<Answer, Loss> {
    let status = response.status();
    let headers = response.headers().entries();
    let incoming = response.consume().map_err(|()| Loss::Sent("the answer has no body".into()))?;
    let stream = incoming.stream().map_err(|()| Loss::Sent("the answer's body cannot be read".into()))?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) if body.is_empty() => body = chunk,
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(Answer { status, headers, body }),
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(Loss::Sent("the connection was lost within the answer".into()));
            }
        }
        if body.len() > most {
            return Err(Loss::Sent(format!("the answer is longer than {most} bytes")));
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

fn malformed(part: &str) -> Loss {
    Loss::Malformed(format!("its {part} is malformed"))
}

/// What an error says about whether anything was sent. In doubt something was.
fn loss(code: ErrorCode) -> Loss {
    let why = describe(&code);
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::TlsCertificateError => Loss::NotSent(why),
        // The connector's connections are the host's to manage: what has a limit is the call.
        ErrorCode::ConnectionLimitReached => Loss::OverBudget(why),
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => Loss::NotAllowed(why),
        ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_) => Loss::Malformed(why),
        _ => Loss::Sent(why),
    }
}

/// The error in a person's words where one is usual; else as it is.
fn describe(code: &ErrorCode) -> String {
    match code {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => "the host's name could not be resolved".into(),
        ErrorCode::DestinationUnavailable => "what it needs to be sent cannot be had now".into(),
        ErrorCode::ConnectionLimitReached => {
            "the call has used up the requests or bytes that the host allows it".into()
        }
        ErrorCode::ConnectionRefused => "the connection was refused".into(),
        ErrorCode::ConnectionTimeout => "the connection could not be made in time".into(),
        ErrorCode::ConnectionTerminated => "the connection was lost".into(),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => "no answer came in time".into(),
        ErrorCode::InternalError(Some(message)) => message.clone(),
        other => format!("{other:?}"),
    }
}
