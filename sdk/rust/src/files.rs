//! Outbound files for the connector's exchange folder. Inbound files reach the plugin through `Source::receive`.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::files as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::files as host;

use crate::connector::Problem;

pub use crate::bindings::base::crossdock::host::files::Refusal;

/// Adds a file for the partner to the outbox. The host commits it together with the result of this call and then
/// publishes it atomically under its name: a call that fails leaves no file.
///
/// # Errors
/// Why the host refuses the file.
pub fn put(name: &str, content: &[u8]) -> Result<(), Refusal> {
    host::put(name, content)
}

/// A refusal as a problem for the operator.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoFolder => Self::new("no-folder", "the connector has no exchange folder"),
            Refusal::BadName => Self::new("bad-file-name", "the file's name is not a plain file name"),
            Refusal::TooLarge(limit) => {
                Self::new("file-too-large", format!("the file is larger than {limit} bytes"))
            }
        }
    }
}
