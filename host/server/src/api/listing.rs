//! What all listings share: the page that is asked for, and how times are written.

use crossdock_engine::view::Page;
use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A time as the API writes it (RFC 3339, UTC).
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
    /// Only rows of this connector.
    pub(super) connector: Option<String>,
    /// Continue after this number, with which the previous page ended.
    after: Option<i64>,
    /// The maximum number of rows, up to 1000; 50 by default.
    limit: Option<u32>,
}

impl Listing {
    pub(super) fn page(&self) -> Page {
        Page { before: self.after, limit: self.limit.unwrap_or(50).min(1000) }
    }
}
