//! Connectors: their state, what is stuck, pause, resume and swap.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_engine::view::{ConnectorCounts, Stuck as StuckView, StuckPage};
use crossdock_flow::swap::SwapError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Path, Query};
use super::listing::Moment;
use super::problem::Problem;
use super::setup::Finding;
use super::state::{Caller, State as Shared};

/// The state of a connector.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Connector {
    /// Its name.
    name: String,
    /// Its plugin and version: the one that gets new calls.
    plugin: String,
    /// Every version that is loaded, with its calls in flight; the one that gets new calls first.
    versions: Vec<Version>,
    /// `running` or `paused`.
    state: &'static str,
    /// Why it is paused. Absent when it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The time of the pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Moment>,
    /// The findings of the last check of its system's set-up; empty when nothing was wrong. Absent where it is not
    /// checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    setup: Option<Vec<Finding>>,
    /// The time of that check.
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_at: Option<Moment>,
    /// Deliveries that may be sent when they are due.
    ready: u64,
    /// Deliveries behind another of their lane.
    queued: u64,
    /// Deliveries in flight.
    sending: u64,
    /// Deliveries that wait for another entity.
    waiting: u64,
    /// Deliveries that the target has received and not confirmed yet.
    received: u64,
    /// Deliveries that a person must decide.
    exceptions: u64,
    /// Deliveries that are done.
    settled: u64,
    /// The due time of the oldest delivery that may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_due: Option<Moment>,
}

/// A version of a connector's plugin that is loaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Version {
    /// `name@version`.
    plugin: String,
    /// SHA-256 of the plugin file, in hexadecimal digits.
    digest: String,
    /// True for the one that gets new calls.
    current: bool,
    /// How many of its calls are in flight.
    in_flight: u32,
}

impl From<crossdock_flow::Version> for Version {
    fn from(version: crossdock_flow::Version) -> Self {
        let crossdock_flow::Version { label, digest, current, in_flight } = version;
        Self { plugin: label, digest, current, in_flight }
    }
}

/// All connectors.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connectors {
    /// By name.
    connectors: Vec<Connector>,
    /// How many requests are stored and not read yet.
    unread: i64,
    /// How much work is in progress: requests that wait to be read and deliveries that are ready to be sent.
    in_progress: i64,
}

/// Lists the connectors with their open deliveries.
#[utoipa::path(get, path = "/api/v1/connectors", tag = "connectors",
    responses((status = 200, body = Connectors), (status = "4XX", body = Problem)))]
pub async fn list(State(state): State<Shared>) -> Result<Json<Connectors>, Problem> {
    let mut counts = state.handle.store().counts().await?;
    let mut connectors: Vec<Connector> = state
        .handle
        .connectors()
        .into_iter()
        .map(|(name, plugin)| {
            let at = counts.iter().position(|counts| counts.connector == name);
            let (versions, setup) = (state.handle.versions(&name), state.handle.setup(&name));
            let counts = at.map(|at| counts.swap_remove(at)).unwrap_or_default();
            connector(name, plugin, versions, setup, counts)
        })
        .collect();
    connectors.sort_by(|a, b| a.name.cmp(&b.name));
    let (unread, in_progress) = (state.handle.pending_inbounds(), state.handle.in_progress());
    Ok(Json(Connectors { connectors, unread, in_progress }))
}

fn connector(
    name: String,
    plugin: String,
    versions: Vec<crossdock_flow::Version>,
    setup: Option<crossdock_flow::setup::Report>,
    counts: ConnectorCounts,
) -> Connector {
    Connector {
        name,
        plugin,
        versions: versions.into_iter().map(Version::from).collect(),
        state: if counts.paused.is_some() { "paused" } else { "running" },
        reason: counts.paused.as_ref().map(|pause| pause.message.clone()),
        since: counts.paused.map(|pause| pause.since.into()),
        setup_at: setup.as_ref().map(|setup| setup.at.into()),
        setup: setup.map(Finding::all),
        ready: counts.ready,
        queued: counts.queued,
        sending: counts.sending,
        waiting: counts.waiting,
        received: counts.received,
        exceptions: counts.exception,
        settled: counts.settled,
        oldest_due: counts.oldest_due.map(Moment::from),
    }
}

/// How many at most.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Limit {
    /// The maximum number of rows, up to 1000; 50 by default.
    limit: Option<u32>,
}

/// A delivery that is not moving.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stuck {
    /// The delivery's number.
    delivery: i64,
    /// The event's kind.
    kind: String,
    /// The entity that the event is about.
    entity: String,
    /// Its state.
    state: String,
    /// Why it is not moving.
    why: String,
    /// The time since when it has not moved.
    since: Moment,
    /// What happens next.
    next: String,
    /// When the next step is due. Absent when it depends on something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<Moment>,
    /// The delivery that has to move first. Absent when none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<i64>,
}

impl From<StuckView> for Stuck {
    fn from(stuck: StuckView) -> Self {
        Self {
            delivery: stuck.delivery.id,
            kind: stuck.kind,
            entity: stuck.entity,
            state: stuck.delivery.state,
            why: stuck.why,
            since: stuck.since.into(),
            next: stuck.next,
            next_at: stuck.next_at.map(Moment::from),
            behind: stuck.behind,
        }
    }
}

/// What is stuck.
#[derive(Debug, Serialize, ToSchema)]
pub struct StuckList {
    /// Longest stuck first.
    stuck: Vec<Stuck>,
}

/// Lists the open deliveries of a connector: why each is not done, since when, and what happens next.
#[utoipa::path(get, path = "/api/v1/connectors/{connector}/stuck", tag = "connectors",
    params(("connector" = String, Path, description = "The connector's name"), Limit),
    responses((status = 200, body = StuckList), (status = "4XX", body = Problem)))]
pub async fn stuck(
    State(state): State<Shared>,
    Path(connector): Path<String>,
    Query(limit): Query<Limit>,
) -> Result<Json<StuckList>, Problem> {
    if !state.handle.connectors().iter().any(|(name, _)| *name == connector) {
        return Err(Problem::not_found(format!("There is no connector `{connector}`")));
    }
    let limit = limit.limit.unwrap_or(50).min(1000);
    let page = StuckPage { after: None, limit };
    let stuck = state.handle.store().stuck(Some(&connector), state.handle.now(), page).await?;
    Ok(Json(StuckList { stuck: stuck.into_iter().map(Stuck::from).collect() }))
}

/// Why a connector is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The reason, for the audit log.
    #[serde(default = "by_hand")]
    reason: String,
}

fn by_hand() -> String {
    "paused by an operator".into()
}

/// The connector's new state.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// The connector.
    connector: String,
    /// `running` or `paused`.
    state: &'static str,
}

/// Pauses a connector: its deliveries stay queued and nothing is sent.
#[utoipa::path(post, path = "/api/v1/connectors/{connector}/pause", tag = "connectors", request_body = Pause,
    params(("connector" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Done), (status = "4XX", body = Problem)))]
pub async fn pause(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(connector): Path<String>,
    Body(pause): Body<Pause>,
) -> Result<Json<Done>, Problem> {
    state.handle.pause(&connector, &pause.reason, &by).await?;
    Ok(Json(Done { connector, state: "paused" }))
}

/// Resumes a paused connector.
#[utoipa::path(post, path = "/api/v1/connectors/{connector}/resume", tag = "connectors",
    params(("connector" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Done), (status = "4XX", body = Problem)))]
pub async fn resume(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(connector): Path<String>,
) -> Result<Json<Done>, Problem> {
    state.handle.resume(&connector, &by).await?;
    Ok(Json(Done { connector, state: "running" }))
}

/// The plugin that a connector is swapped to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// The plugin: its name, `name@version`, or the path of its file on the host's machine. A path that is
    /// relative is taken from the folder of plugins.
    #[serde(default)]
    to: Option<String>,
    /// Go back to the plugin before the last swap.
    #[serde(default)]
    back: bool,
}

/// A swap that was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Swapped {
    /// The connector.
    connector: String,
    /// The version that got new calls until now.
    from: String,
    /// The version that gets them from now on.
    to: String,
    /// How many receipts of the old version the new one was asked for, and found.
    receipts: usize,
}

/// Swaps a connector's plugin for another version while events flow. The new version is loaded, compiled and tried
/// out, and has to find recent receipts first; if one of these steps fails, the old version stays.
#[utoipa::path(post, path = "/api/v1/connectors/{connector}/swap", tag = "connectors", request_body = Swap,
    params(("connector" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Swapped), (status = 409, body = Problem), (status = "4XX", body = Problem)))]
pub async fn swap(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(connector): Path<String>,
    Body(swap): Body<Swap>,
) -> Result<Json<Swapped>, Problem> {
    let done = match (swap.to, swap.back) {
        (Some(to), false) => state.handle.swap(&*state.loader, &connector, &to, &by).await,
        (None, true) => state.handle.swap_back(&*state.loader, &connector, &by).await,
        _ => return Err(Problem::bad_request("Give either `to` with a plugin, or `back`")),
    };
    let done = done.map_err(|error| match error {
        SwapError::NoSuchConnector(_) => Problem::not_found(error.to_string()),
        SwapError::Store(error) => error.into(),
        refused => Problem::swap_refused(refused.code(), refused.to_string()),
    })?;
    let crossdock_flow::swap::Swapped { connector, from, to, receipts } = done;
    Ok(Json(Swapped { connector, from, to, receipts }))
}
