//! Erases the personal data of a person.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Body;
use super::problem::Problem;
use super::state::{Caller, State as Shared};

/// Whose data to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The customer's identity (`shopify/acme.myshopify.com/customer/42`), or a guest's order.
    person: String,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub struct Erased {
    /// How many keys were destroyed.
    keys: u64,
}

/// Erases a person's data everywhere: the key that encrypts it is destroyed, and the events stay. Raw requests are
/// encrypted under a key of their day and are deleted after their retention.
#[utoipa::path(post, path = "/api/v1/persons/erase", tag = "persons", request_body = Erase,
    responses((status = 200, body = Erased), (status = "4XX", body = Problem)))]
pub async fn erase(
    State(state): State<Shared>,
    Extension(Caller(by)): Extension<Caller>,
    Body(erase): Body<Erase>,
) -> Result<Json<Erased>, Problem> {
    let tally = state.handle.erase(&erase.person, &by).await?;
    if tally.count == 0 {
        return Err(Problem::not_found(format!("No personal data is stored about `{}`", erase.person)));
    }
    Ok(Json(Erased { keys: tally.count }))
}
