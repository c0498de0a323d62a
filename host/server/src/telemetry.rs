//! The host's log and metrics.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// The histogram buckets of latencies, in seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

/// Log lines go to standard error: for people, or as JSON with `CROSSDOCK_LOG_FORMAT=json`. `CROSSDOCK_LOG`
/// sets the level: `info`, or `crossdock_flow=debug,warn`.
pub fn log() {
    let filter = EnvFilter::try_from_env("CROSSDOCK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let json = std::env::var("CROSSDOCK_LOG_FORMAT").is_ok_and(|format| format == "json");
    let people = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(people);
    let lines = if json { lines.json().boxed() } else { lines.boxed() };
    // A second initialisation has no effect: tests initialise more than once.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Installs the recorder of metrics, for `/metrics`.
///
/// # Errors
/// When a recorder is installed already.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".into()), &[1.0, 4.0, 16.0, 64.0, 256.0])?
        .install_recorder()?;
    metrics::describe_counter!("crossdock_accepted_total", "Requests stored, by connector");
    metrics::describe_counter!("crossdock_refused_total", "Requests refused, by connector and reason");
    metrics::describe_counter!("crossdock_quarantined_total", "Requests that could not be read");
    metrics::describe_counter!("crossdock_events_total", "Events recorded");
    metrics::describe_counter!("crossdock_duplicate_events_total", "Events that were known already");
    metrics::describe_counter!(
        "crossdock_deliveries_total",
        "Deliveries by connector and what admission made of them"
    );
    metrics::describe_counter!("crossdock_attempts_total", "Attempts by connector and outcome");
    metrics::describe_counter!("crossdock_plugin_failures_total", "Calls of plugins that gave no answer");
    metrics::describe_histogram!(
        "crossdock_delivery_seconds",
        "From recording an event to its end at a connector"
    );
    metrics::describe_histogram!(
        "crossdock_commit_seconds",
        "How long one transaction takes, its wait for the disk included"
    );
    metrics::describe_histogram!("crossdock_commit_commands", "How many commands share one transaction");
    metrics::describe_gauge!("crossdock_in_progress", "Work in progress, as admission control counts it");
    Ok(handle)
}
