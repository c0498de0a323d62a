//! Time, passed in. Nothing in the host reads the wall clock but [`SystemClock`].

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in milliseconds since 1970-01-01T00:00:00Z: what is stored and compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this moment is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The number of the day the moment lies in, by UTC.
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

/// Where the host learns what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Millis;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// Microseconds since 1970 of an instant as the vocabulary writes it (RFC 3339; a blank for the `T`, as
/// some sources write, is understood).
///
/// # Errors
/// When the text is no instant with an offset.
pub fn micros(instant: &str) -> Result<i64, NoInstant> {
    instant
        .parse::<jiff::Timestamp>()
        .map(|moment| moment.as_microsecond())
        .map_err(|source| NoInstant { text: instant.to_owned(), source })
}

/// A text that should have been an instant and is none.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no RFC 3339 instant with an offset")]
pub struct NoInstant {
    text: String,
    source: jiff::Error,
}
