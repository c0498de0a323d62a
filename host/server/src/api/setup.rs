//! The set-up of the systems behind connectors: what was found, and looking again.

use axum::extract::State;
use axum::{Extension, Json};
use crossdock_flow::setup::{Report, SetupError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Path};
use super::listing::Moment;
use super::problem::Problem;
use super::state::{Caller, State as Shared};

/// Something about the set-up of a system that was not as it should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// A stable code (`subscription-missing`).
    code: String,
    /// What was found, and what was done or has to be done about it.
    message: String,
    /// True when it was put right.
    repaired: bool,
}

impl Finding {
    pub(super) fn all(report: Report) -> Vec<Self> {
        let findings = report.findings.into_iter();
        findings
            .map(|finding| Self { code: finding.code, message: finding.message, repaired: finding.repaired })
            .collect()
    }
}

/// How to look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// True to put right what is not as it should be.
    #[serde(default)]
    repair: bool,
}

/// What a look found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Setup {
    /// The connector.
    connector: String,
    /// When.
    at: Moment,
    /// Empty when all is well.
    setup: Vec<Finding>,
}

/// Looks at the set-up of a connector's system now, and puts it right when asked to.
#[utoipa::path(post, path = "/api/v1/connectors/{connector}/setup", tag = "connectors", request_body = Look,
    params(("connector" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Setup), (status = "4XX", body = Problem)))]
pub async fn check(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Path(connector): Path<String>,
    Body(look): Body<Look>,
) -> Result<Json<Setup>, Problem> {
    let found = state.handle.check_setup(&connector, look.repair, &by).await?;
    Ok(Json(Setup { connector, at: found.at.into(), setup: Finding::all(found) }))
}

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::NoSuchConnector(_) => Self::not_found(error.to_string()),
            SetupError::NothingToSetUp(_) | SetupError::NoAddress(_) => Self::conflict(error.to_string()),
            SetupError::Store(error) => error.into(),
        }
    }
}
