//! `POST /in/{connector}`: the intake of webhooks. An answer of 2xx means: durably committed.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use crossdock_engine::Request as Stored;
use crossdock_flow::{Handle, Refused};
use serde_json::json;

use crate::api::problem::Problem;

/// The state of the intake handler.
#[derive(Clone)]
pub struct Intake {
    /// The running flow.
    pub handle: Handle,
    /// The largest body, in bytes.
    pub body_limit: usize,
}

/// The route of intake.
pub fn router(intake: Intake) -> Router {
    Router::new().route("/in/{connector}", post(accept)).with_state(intake)
}

async fn accept(
    State(intake): State<Intake>,
    Path(connector): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = read(body, intake.body_limit).await?;
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        // Headers that are not text are dropped: no plugin can read them, and signatures are text.
        value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
    });
    let request = Stored {
        method: parts.method.as_str().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body,
        file: None,
    };
    let accepted = intake.handle.accept(&connector, request).await.map_err(|refused| match refused {
        Refused::NoSuchConnector(_) => Problem::not_found(refused.to_string()),
        Refused::NotAuthentic => Problem::not_authentic(),
        Refused::Busy(_) => Problem::busy(refused.to_string(), 2),
        Refused::NotStored(ref error) => {
            tracing::error!(%error, connector, "a request could not be stored");
            Problem::busy("The request could not be stored; send it again", 5)
        }
    })?;
    let answer = json!({ "request": accepted.inbound.to_string(), "duplicate": accepted.duplicate });
    Ok((StatusCode::OK, Json(answer)).into_response())
}

async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    match to_bytes(body, limit).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            let mut cause = Some(&error as &(dyn std::error::Error + 'static));
            while let Some(error) = cause {
                if error.is::<http_body_util::LengthLimitError>() {
                    return Err(Problem::too_large(limit as u64));
                }
                cause = error.source();
            }
            Err(Problem::bad_request("The body ended before it was complete"))
        }
    }
}
