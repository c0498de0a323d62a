//! The safeguards that this build runs with.

use crossdock_rules::safeguards::Safeguards;

/// All of them: a released build cannot switch one off.
#[cfg(not(feature = "faults"))]
pub fn safeguards() -> Safeguards {
    Safeguards::default()
}

/// All but those named in `CROSSDOCK_WITHOUT` (`find`, `dedupe`, …), so that a test can show that the demo fails
/// without one.
#[cfg(feature = "faults")]
pub fn safeguards() -> Safeguards {
    let without = std::env::var("CROSSDOCK_WITHOUT").unwrap_or_default();
    without.split(',').filter_map(|name| name.parse().ok()).fold(Safeguards::default(), Safeguards::without)
}
