//! The connector's exchange folder. What arrives in it reaches the plugin through `Source::receive`.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::files as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::files as host;

use crate::connector::Problem;

pub use crate::bindings::base::crossdock::host::files::Refusal;

/// Hands a file over for the partner. It is kept with what this call answers, and appears under its name,
/// whole, when that is durable: a call that fails leaves no file.
///
/// # Errors
/// Why the host does not take it.
pub fn put(name: &str, content: &[u8]) -> Result<(), Refusal> {
    host::put(name, content)
}

/// A refusal as a problem for a person.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoFolder => Self::new("no-folder", "the connector has no exchange folder"),
            Refusal::BadName => Self::new("bad-file-name", "the name of the file is no plain file name"),
            Refusal::TooLarge(limit) => {
                Self::new("file-too-large", format!("the file is larger than {limit} bytes"))
            }
        }
    }
}
