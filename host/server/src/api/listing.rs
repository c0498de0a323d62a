//! What every listing shares: the moments in its rows, and which page is asked for.

use crossdock_engine::view::Page;
use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

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
    pub(super) connector: Option<String>,
    /// Go on after the number that the page before ended with.
    after: Option<i64>,
    /// How many at most, up to 1000; 50 when not given.
    limit: Option<u32>,
}

impl Listing {
    pub(super) fn page(&self) -> Page {
        Page { before: self.after, limit: self.limit.unwrap_or(50).min(1000) }
    }
}
