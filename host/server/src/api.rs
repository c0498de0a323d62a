//! `/api/v1`: what an operator asks and does. Every answer is JSON, every refusal a problem document, and
//! the OpenAPI description is made from the handlers themselves.

mod audit;
mod auth;
mod conflicts;
mod connectors;
mod events;
mod exceptions;
mod mappings;
mod persons;
pub mod problem;
mod quarantine;
mod secrets;
mod setup;
mod stores;
mod tokens;

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::{Json, Router, middleware, routing::get};
use crossdock_engine::view::Page;
use crossdock_flow::swap::Loader;
use crossdock_flow::{Handle, OperationError};
use crossdock_model::time::Millis;
use problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use auth::{TokenCache, hash_of};
pub use tokens::new_token;

/// What the handlers share.
#[derive(Clone)]
pub struct State {
    /// The running flow.
    pub handle: Handle,
    /// Tokens that were good a moment ago.
    pub tokens: Arc<TokenCache>,
    /// What makes another version of a plugin ready.
    pub loader: Arc<dyn Loader>,
}

/// Who asks, for the audit: the name of the token.
#[derive(Clone, Debug)]
pub struct Caller(pub String);

#[derive(OpenApi)]
#[openapi(
    info(title = "Crossdock", description = "Operates a Crossdock host."),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
}

fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(events::list))
        .routes(routes!(events::replay))
        .routes(routes!(events::show))
        .routes(routes!(exceptions::list))
        .routes(routes!(exceptions::retry_many))
        .routes(routes!(exceptions::show))
        .routes(routes!(exceptions::retry))
        .routes(routes!(exceptions::discard))
        .routes(routes!(conflicts::list))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::show))
        .routes(routes!(quarantine::reread))
        .routes(routes!(connectors::list))
        .routes(routes!(connectors::stuck))
        .routes(routes!(connectors::pause))
        .routes(routes!(connectors::resume))
        .routes(routes!(connectors::swap))
        .routes(routes!(setup::check))
        .routes(routes!(mappings::list, mappings::put))
        .routes(routes!(mappings::history))
        .routes(routes!(mappings::missing))
        .routes(routes!(stores::list, stores::put))
        .routes(routes!(stores::show))
        .routes(routes!(stores::history))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::put, secrets::remove))
        .routes(routes!(secrets::rekey))
        .routes(routes!(persons::erase))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::list))
}

/// The OpenAPI description, as it is served and as it is kept in the repository.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// The largest body that the API takes, from whoever has a token: mappings of some hundred thousand SKUs.
const LARGEST: usize = 64 * 1024 * 1024;

/// All of `/api/v1`, behind tokens; its description is open.
pub fn router(state: State) -> Router {
    let description = Arc::new(description());
    let guarded = Router::from(routes())
        // A retailer's whole tables come in one request.
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .route_layer(middleware::from_fn_with_state(state.clone(), auth::require_token))
        .with_state(state);
    Router::new()
        .route("/api/v1/openapi.json", get(async move || Json((*description).clone())))
        .merge(guarded)
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .fallback(|| async { Problem::not_found("There is nothing at this address") })
}

/// A moment as the API writes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Moment(String);

impl From<Millis> for Moment {
    fn from(at: Millis) -> Self {
        Self(at.to_string())
    }
}

/// A page of a listing, of one connector or of all.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only of this connector.
    connector: Option<String>,
    /// Go on after the number that the page before ended with.
    after: Option<i64>,
    /// How many at most, up to 1000; 50 when not given.
    limit: Option<u32>,
}

impl Listing {
    fn page(&self) -> Page {
        Page { before: self.after, limit: self.limit.unwrap_or(50).min(1000) }
    }
}

/// A JSON body whose refusal is a problem document.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Problem))]
pub struct Body<T>(pub T);

/// A query whose refusal is a problem document.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// A part of the address whose refusal is a problem document.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
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
                tracing::error!(%error, "a request of the API failed");
                Self::internal("The store failed; the host's log says why")
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_kept_description_is_the_one_served() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let served = format!("{:#}\n", serde_json::to_value(super::description()).unwrap());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &served).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(kept == served, "openapi.json is out of date: UPDATE=1 cargo test -p crossdock-server");
    }
}
