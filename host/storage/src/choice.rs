//! Which plugin a connector runs since it was swapped.

use crossdock_model::time::Millis;
use serde::Serialize;

/// A connector's chosen plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The connector.
    pub connector: String,
    /// The plugin it runs, in words that find it again. Absent when it is the one that the configuration names.
    pub current: Option<String>,
    /// The one to go back to, in such words. Absent when there is none.
    pub previous: Option<String>,
    /// When it was chosen.
    pub at: Millis,
    /// Who chose it.
    pub by: String,
}
