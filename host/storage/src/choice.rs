//! Which plugin a connector runs instead of the one its configuration names: what a swap chose.

use crossdock_model::time::Millis;
use serde::Serialize;

/// A connector's chosen plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The connector.
    pub connector: String,
    /// The plugin it runs, as the chooser named it.
    pub current: String,
    /// The one that was chosen before. Absent when that was the configuration's.
    pub previous: Option<String>,
    /// When it was chosen.
    pub at: Millis,
    /// Who chose it.
    pub by: String,
}
