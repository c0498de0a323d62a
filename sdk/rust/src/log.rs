//! Log messages for the operator.
//!
//! The host limits their length and number and adds the connector, the plugin's version and the trace. Never
//! log personal data or secrets. The result of a piece of work belongs in its outcome, not in the log.

pub use crate::bindings::base::crossdock::host::log::Level;

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::log as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::log as host;

/// Logs a message for the plugin's author.
pub fn debug(message: impl AsRef<str>) {
    host::write(Level::Debug, message.as_ref());
}

/// Logs a message of normal operation.
pub fn info(message: impl AsRef<str>) {
    host::write(Level::Info, message.as_ref());
}

/// Logs a message that somebody should look at eventually.
pub fn warn(message: impl AsRef<str>) {
    host::write(Level::Warn, message.as_ref());
}

/// Logs a message that somebody should look at now.
pub fn error(message: impl AsRef<str>) {
    host::write(Level::Error, message.as_ref());
}
