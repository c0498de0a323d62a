//! Windows: recurring times at which work that is not urgent becomes due.
//!
//! A window is written as a cron expression of five fields, a time zone, and, where it stays open, a length:
//! `0 3 * * * Europe/Berlin`, `30 22 * * sun Europe/Berlin for 4h`. Without a length it is a moment.
//!
//! It says when work *becomes* due. Work that is due continues until it is done, also beyond the end of the window:
//! half a price list is worse than a late one.
//!
//! When clocks are set forward, a window that would open within the skipped hour opens right after it; when they are
//! set back, a window that would open within the repeated hour opens the first time. A length is elapsed time, whatever
//! the clocks show.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use crossdock_model::time::Millis;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, SpanRelativeTo, Timestamp};
use serde::de::{self, Deserialize, Deserializer};

/// A recurring time, with a length if it stays open.
#[derive(Clone, Debug)]
pub struct Window {
    text: String,
    opens: Cron,
    zone: TimeZone,
    length: Duration,
}

/// A text that is not a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a window: {why}; write `0 3 * * * Europe/Berlin` or `0 22 * * * Europe/Berlin for 4h`"
)]
pub struct WindowError {
    text: String,
    why: String,
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let invalid = |why: String| WindowError { text: text.to_owned(), why };
        let (when, length) = match text.split_once(" for ") {
            Some((when, length)) => (when, Some(length.trim())),
            None => (text, None),
        };
        let words: Vec<&str> = when.split_whitespace().collect();
        let [fields @ .., zone] = words.as_slice() else { return Err(invalid("it is empty".into())) };
        if fields.len() != 5 {
            return Err(invalid("a window has five fields and a time zone".into()));
        }
        let opens = Cron::from_str(&fields.join(" ")).map_err(|error| invalid(error.to_string()))?;
        let zone = TimeZone::get(zone).map_err(|_| invalid(format!("there is no time zone `{zone}`")))?;
        let length = match length {
            None => Duration::ZERO,
            Some(length) => {
                span(length).ok_or_else(|| invalid(format!("`{length}` is not a span of time")))?
            }
        };
        let window = Self { text: text.to_owned(), opens, zone, length };
        // Any moment will do: a window that never opens does not open after this one either.
        match window.opens_from(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(window),
            None => Err(invalid("it never opens".into())),
        }
    }
}

/// As it was written.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// From its text.
impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Window {}

impl Window {
    /// The next moment at which it is open: `now` when it is open now.
    #[must_use]
    pub fn next_open(&self, now: Millis) -> Millis {
        // It is open if it opened less than its length ago: so find its first opening after that moment.
        let length = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        let after = now.0.saturating_sub(length);
        // It opens at whole seconds; without a length only that very moment counts.
        let second = if length == 0 {
            after.div_euclid(1000) + i64::from(after.rem_euclid(1000) > 0)
        } else {
            after.div_euclid(1000) + 1
        };
        let opens = Timestamp::from_second(second).ok().and_then(|from| self.opens_from(from));
        // Beyond the end of the calendar: sending now is better than never.
        opens.map_or(now, |opens| Millis(opens.as_millisecond()).max(now))
    }

    /// True when it is open.
    #[must_use]
    pub fn is_open(&self, now: Millis) -> bool {
        self.next_open(now) == now
    }

    /// When it first opens at or after a whole second.
    fn opens_from(&self, from: Timestamp) -> Option<Timestamp> {
        // Looked for behind the second before: an opening in an hour that is skipped is moved to the end of that hour, and
        // would not be found from that very moment on.
        let before = from.checked_sub(SignedDuration::from_secs(1)).ok()?.to_zoned(self.zone.clone());
        self.opens.find_next_occurrence(&before, false).ok().map(|opens| opens.timestamp())
    }
}

fn span(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn window(text: &str) -> Window {
        text.parse().unwrap()
    }

    #[track_caller]
    fn opens(text: &str, now: &str, next: &str) {
        assert_eq!(window(text).next_open(at(now)).to_string(), at(next).to_string(), "{text} at {now}");
    }

    #[test]
    fn a_moment_opens_at_its_moment() {
        let night = "0 3 * * * Europe/Berlin";
        opens(night, "2026-11-25T01:59:59.999Z", "2026-11-25T02:00:00Z");
        opens(night, "2026-11-25T02:00:00Z", "2026-11-25T02:00:00Z");
        opens(night, "2026-11-25T02:00:00.001Z", "2026-11-26T02:00:00Z");
        opens("30 22 * * sun America/New_York", "2026-11-25T12:00:00Z", "2026-11-30T03:30:00Z");
    }

    #[test]
    fn a_window_with_a_length_stays_open() {
        let night = "0 22 * * * Europe/Berlin for 4h";
        opens(night, "2026-11-25T20:59:59Z", "2026-11-25T21:00:00Z");
        opens(night, "2026-11-25T21:00:00Z", "2026-11-25T21:00:00Z");
        opens(night, "2026-11-26T00:59:59.999Z", "2026-11-26T00:59:59.999Z");
        opens(night, "2026-11-26T01:00:00Z", "2026-11-26T21:00:00Z");
        assert!(window(night).is_open(at("2026-11-25T23:30:00Z")));
        assert!(!window(night).is_open(at("2026-11-25T12:00:00Z")));
        assert!(window("0 0 * * * UTC for 1d 1h").is_open(at("2026-11-25T00:30:00Z")));
    }

    // Europe/Berlin: 02:00 becomes 03:00 on 29 March 2026, 03:00 becomes 02:00 on 25 October 2026.

    #[test]
    fn a_window_in_the_skipped_hour_opens_right_after_it() {
        let skipped = "30 2 * * * Europe/Berlin";
        opens(skipped, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
        opens(skipped, "2026-03-29T01:00:00.001Z", "2026-03-30T00:30:00Z");
        opens("0 3 * * * Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
        opens("30 2 29 3 * Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-29T01:00:00Z");
        opens("0 2 * * * Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z");
        opens("0 2 * * * Europe/Berlin", "2027-03-28T01:00:00Z", "2027-03-28T01:00:00Z");
        opens("0 2 * * * Europe/Berlin", "2027-03-26T14:29:00.001Z", "2027-03-27T01:00:00Z");
        opens("0 2 * * * Europe/Berlin", "2027-03-27T01:00:00Z", "2027-03-27T01:00:00Z");
    }

    #[test]
    fn a_window_in_the_repeated_hour_opens_the_first_time() {
        let twice = "30 2 * * * Europe/Berlin";
        opens(twice, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        opens(twice, "2026-10-25T00:30:00.001Z", "2026-10-26T01:30:00Z");
        opens(twice, "2026-10-25T01:15:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn a_length_is_elapsed_time() {
        // 22:00 to what clocks show as 04:00 or 02:00, on nights of 23 and 25 hours.
        for (opens_at, ends) in [
            ("2026-03-28T21:00:00Z", "2026-03-29T02:00:00Z"),
            ("2026-10-24T20:00:00Z", "2026-10-25T01:00:00Z"),
        ] {
            let night = window("0 22 * * * Europe/Berlin for 5h");
            let last = Millis(at(ends).0 - 1);
            assert!(night.is_open(at(opens_at)) && night.is_open(last), "{opens_at}");
            assert!(!night.is_open(Millis(at(opens_at).0 - 1)) && !night.is_open(at(ends)), "{opens_at}");
        }
    }

    #[test]
    fn hours_follow_local_time() {
        // Nine in the evening is another moment in summer.
        opens("0 21 * * * Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T19:00:00Z");
        opens("0 21 * * * Europe/Berlin", "2026-12-01T00:00:00Z", "2026-12-01T20:00:00Z");
        // The other half of the earth is put back in April.
        opens("30 2 * * * Australia/Sydney", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z");
    }

    #[test]
    fn an_invalid_window_is_explained_in_a_sentence() {
        let wrong = [
            ("", "empty"),
            ("0 3 * * *", "five fields and a time zone"),
            ("0 3 * * * Berlin", "no time zone `Berlin`"),
            ("0 0 3 * * * UTC", "five fields and a time zone"),
            ("0 25 * * * UTC", "not a window"),
            ("0 3 30 2 * UTC", "never opens"),
            ("0 3 * * * UTC for ever", "`ever` is not a span"),
            ("0 3 * * * UTC for 0s", "`0s` is not a span"),
        ];
        for (text, sentence) in wrong {
            let said = text.parse::<Window>().unwrap_err().to_string();
            assert!(said.contains(sentence), "{said}");
        }
    }

    proptest! {
        /// Two years of any moment, around all changes of clocks: it opens at or after now, is open when it
        /// says so, and nothing opens in between.
        #[test]
        fn the_next_opening_is_the_next(
            now in at("2026-01-01T00:00:00Z").0..at("2028-01-01T00:00:00Z").0,
            minute in 0..60u8,
            hour in 0..24u8,
            hours in 0..30u32,
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
        ) {
            let length = if hours == 0 { String::new() } else { format!(" for {hours}h") };
            let window = window(&format!("{minute} {hour} * * * {zone}{length}"));
            let next = window.next_open(Millis(now));
            prop_assert!(next.0 >= now);
            prop_assert!(next.0 <= now + 26 * 3_600_000, "it opens every day");
            prop_assert!(window.is_open(next));
            if next.0 > now {
                let between = now + (next.0 - now) / 2;
                prop_assert_eq!(window.next_open(Millis(between)), next);
                prop_assert!(!window.is_open(Millis(next.0 - 1)));
            }
        }
    }
}
