//! How the tills are set up.

use std::path::PathBuf;
use std::time::Duration;

/// How the tills are set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of all sales.
    pub seed: u64,
    /// Sales of each till.
    pub sales: usize,
    /// The time over which they sell.
    pub during: Duration,
    /// Where POSLog files are put: the exchange folder's `in`.
    pub folder: PathBuf,
    /// Where POSLog is posted to.
    pub poslog: String,
    /// The key that signs posted POSLog.
    pub poslog_secret: String,
    /// Where Square sends notifications.
    pub square: String,
}
