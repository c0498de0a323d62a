//! Time, passed in as a [`Clock`]. Only [`SystemClock`] reads the system's clock.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The instant `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time since `earlier`; zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The number of the UTC day since 1970-01-01.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

/// RFC 3339 with milliseconds, in UTC.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A clock.
pub trait Clock: Send + Sync + 'static {
    /// Now by the wall clock, which can be set: for what is stored and what is compared with the outside.
    fn now(&self) -> Millis;

    /// Now by a clock that nobody sets and that never goes back: for durations.
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// Microseconds since 1970 of an instant of the vocabulary (RFC 3339; a space instead of the `T` is accepted, as
/// some sources write it).
///
/// # Errors
/// When the text is not an instant with an offset.
pub fn micros(instant: &str) -> Result<i64, NoInstant> {
    instant
        .parse::<jiff::Timestamp>()
        .map(|moment| moment.as_microsecond())
        .map_err(|source| NoInstant { text: instant.to_owned(), source })
}

/// A text that is not an instant.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 instant with an offset")]
pub struct NoInstant {
    text: String,
    source: jiff::Error,
}
