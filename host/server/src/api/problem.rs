//! Refusals: RFC 9457 problem documents with a code that never changes its meaning.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use crossdock_flow::OperationError;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A page about this kind of problem, or `about:blank`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind of problem in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The kind of problem for programs; stable.
    code: &'static str,
    /// What is wrong with this request, for a person.
    detail: String,
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// 400: the request is malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request is malformed", detail)
    }

    /// 401 at the API: the token is missing or unknown.
    pub fn token_required() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "token-required",
            "A token is required",
            "The API needs a valid token",
        )
    }

    /// 401 at intake: the signature does not match the request.
    pub fn not_authentic() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not-authentic",
            "The request is not authentic",
            "The request does not carry a valid signature",
        )
    }

    /// 404: the resource does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "The resource does not exist", detail)
    }

    /// 405: the path has other methods.
    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
            "The method is not allowed",
            "/api/v1/openapi.json describes the methods of this path",
        )
    }

    /// 409: the operation is not possible in the current state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "conflict",
            "The operation is not possible in the current state",
            detail,
        )
    }

    /// 409: the name is in use.
    pub fn taken(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "taken", "The name or code is in use", detail)
    }

    /// 409: it was changed since it was read.
    pub fn changed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "changed", "It was changed since it was read", detail)
    }

    /// 422: the request is well-formed, but a value is invalid.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is invalid", detail)
    }

    /// 409: a connector keeps the plugin it has; `code` names the step that failed.
    pub fn swap_refused(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "The connector keeps its plugin", detail)
    }

    /// 413: the body is larger than the host accepts.
    pub fn too_large(limit: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The request is too large",
            format!("The body is larger than the {limit} bytes that this host accepts"),
        )
    }

    /// 503: the host is busy; retry after `seconds`.
    pub fn busy(detail: impl Into<String>, seconds: u64) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The host is busy", detail);
        problem.retry_after = Some(seconds);
        problem
    }

    /// 500: the host failed; its log says why.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
        }
        response
    }
}

impl From<crossdock_engine::Error> for Problem {
    fn from(error: crossdock_engine::Error) -> Self {
        use crossdock_engine::Error;
        match &error {
            Error::Unknown { .. } => Self::not_found(error.to_string()),
            Error::WrongState { .. } | Error::CursorMoved { .. } | Error::Fenced { .. } => {
                Self::conflict(error.to_string())
            }
            Error::Taken { .. } => Self::taken(error.to_string()),
            Error::Changed { .. } => Self::changed(error.to_string()),
            Error::Invalid { .. } => Self::invalid(error.to_string()),
            Error::Busy | Error::Closed => Self::busy(error.to_string(), 1),
            _ => {
                tracing::error!(%error, "an API request failed: the database answered with an error");
                Self::internal("The database failed; the host's log says why")
            }
        }
    }
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::NoSuchConnector(_) => Self::not_found(error.to_string()),
            OperationError::Store(error) => error.into(),
        }
    }
}
