//! What the plugin says to the operator.
//!
//! The host bounds it in length and number and adds the connector, the plugin's version and the trace. Never
//! write personal data or secrets. What became of a piece of work belongs into its outcome, not here.

pub use crate::bindings::base::crossdock::host::log::Level;

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::log as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::log as host;

/// For the plugin's author.
pub fn debug(message: impl AsRef<str>) {
    host::write(Level::Debug, message.as_ref());
}

/// For the record.
pub fn info(message: impl AsRef<str>) {
    host::write(Level::Info, message.as_ref());
}

/// Somebody should look at it some day.
pub fn warn(message: impl AsRef<str>) {
    host::write(Level::Warn, message.as_ref());
}

/// Somebody should look at it now.
pub fn error(message: impl AsRef<str>) {
    host::write(Level::Error, message.as_ref());
}
