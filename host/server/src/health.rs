//! `/livez`, `/readyz` and `/metrics`: for orchestrators and monitoring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

/// Whether the host accepts requests, and its metrics.
#[derive(Clone)]
pub struct Health {
    ready: Arc<AtomicBool>,
    metrics: PrometheusHandle,
}

impl Health {
    /// A host that is not ready yet.
    #[must_use]
    pub fn new(metrics: PrometheusHandle) -> Self {
        Self { ready: Arc::default(), metrics }
    }

    /// Sets whether the host accepts requests.
    pub fn ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// The routes of the three paths.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(async |State(health): State<Health>| health.metrics.render()))
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
