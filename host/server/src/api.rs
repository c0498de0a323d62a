//! `/api/v1`: the operator's API. Every answer is JSON, every refusal a problem document, and the OpenAPI description
//! is generated from the handlers.

mod audit;
mod auth;
mod conflicts;
mod connectors;
mod events;
mod exceptions;
mod extract;
mod listing;
mod mappings;
mod persons;
pub mod problem;
mod quarantine;
mod secrets;
mod setup;
mod state;
mod stores;
mod token_cache;
mod tokens;

use std::sync::Arc;

use axum::{Json, Router, middleware, routing::get};
use problem::Problem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use state::State;
pub use token_cache::{TokenCache, hash_of};
pub use tokens::new_token;

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

/// The OpenAPI description, as it is served and as it is checked in as `openapi.json`.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// The largest body of an API request, in bytes: the mappings of some hundred thousand SKUs.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The routes of `/api/v1`. All need a token but the OpenAPI description.
pub fn router(state: State) -> Router {
    let description = Arc::new(description());
    let guarded = Router::from(routes())
        // All mappings or stores of a retailer may come in one request.
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .route_layer(middleware::from_fn_with_state(state.clone(), auth::require_token))
        .with_state(state);
    Router::new()
        .route("/api/v1/openapi.json", get(async move || Json((*description).clone())))
        .merge(guarded)
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .fallback(|| async { Problem::not_found("There is nothing at this address") })
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
