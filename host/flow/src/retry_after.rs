//! How long a system is left alone that asked the host to come back later.

use std::time::Duration;

/// The longest wait that a system's own wish is followed for.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The wait that a system asked for in milliseconds, up to the longest that is followed; `default` when it did
/// not say.
pub(crate) fn retry_after(asked_ms: Option<u64>, default: Duration) -> Duration {
    asked_ms.map_or(default, Duration::from_millis).min(MAX_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_followed_up_to_the_maximum() {
        let seconds = |asked| retry_after(asked, Duration::from_secs(60)).as_secs();
        assert_eq!([None, Some(5000), Some(u64::MAX)].map(seconds), [60, 5, 300]);
    }
}
