//! Set-ups of the systems behind connectors, webhook subscriptions for instance: checked when the host starts and
//! at an interval, repaired where they are not as they should be, and reported to the operator.
//!
//! Reports are kept in memory only: the next start checks again.

mod checks;
mod driver;

pub(crate) use checks::SetupChecks;
pub use checks::{Report, SetupError};
pub(crate) use driver::SetupDriver;
