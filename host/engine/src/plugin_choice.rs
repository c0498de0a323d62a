//! Which plugin a connector runs since it was swapped, in place of the configured one.

use crossdock_model::time::Millis;
use serde::Serialize;

/// A connector's chosen plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginChoice {
    /// The connector.
    pub connector: String,
    /// The plugin it runs, as a specification that finds it again. Absent when it is the one that the configuration names.
    pub current: Option<String>,
    /// The one to go back to, likewise. Absent when there is none.
    pub previous: Option<String>,
    /// When it was chosen.
    pub at: Millis,
    /// Who chose it.
    pub by: String,
}
