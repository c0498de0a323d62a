//! Asking before sending again: what the target's answer to `find` means.
//!
//! A target that searches its own books may not see yet what it has just committed. So "absent" is
//! believed only when a request that was sent can no longer take effect unseen: after the target's
//! max-inflight, counted from the last moment at which a request may have left.

use std::time::Duration;

use crossdock_model::time::Millis;

use crate::lane::Sent;
use crate::retry::Backoff;

/// What a target offers against doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It honours keys: sending the same key again does nothing twice.
    Honoured,
    /// It can be searched for what was sent.
    Find,
    /// Neither.
    None,
}

/// What to do before the next try of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Nothing: send.
    Send,
    /// Ask whether it is there.
    Find,
    /// Nothing can tell: a person must look.
    Person,
}

/// What has to come before a delivery is sent again, by whether it has been sent: for a try after a lost
/// answer, after a restart, and when a person retries an exception.
#[must_use]
pub fn first(sent: Sent, keys: Keys) -> First {
    match (sent, keys) {
        // What is surely there in part goes on from its resume token.
        (Sent::No | Sent::Yes, _) | (Sent::Maybe, Keys::Honoured) => First::Send,
        (Sent::Maybe, Keys::Find) => First::Find,
        (Sent::Maybe, Keys::None) => First::Person,
    }
}

/// What an answer of "absent" leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It is true: nothing was done, and it can be sent.
    Believed,
    /// It is too early to tell: ask again at this moment.
    AskAgain(Millis),
}

/// Weighs an answer of "absent". `sent_at` is the last moment at which a request may have left, `finds`
/// how often the target was asked before.
#[must_use]
pub fn absent(
    sent_at: Millis,
    max_inflight: Duration,
    now: Millis,
    backoff: &Backoff,
    finds: u32,
    random: u64,
) -> Absent {
    let visible = sent_at.plus(max_inflight);
    if now >= visible {
        return Absent::Believed;
    }
    Absent::AskAgain(now.plus(backoff.delay(finds, random)).min(visible))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INFLIGHT: Duration = Duration::from_secs(10);

    #[test]
    fn absent_is_believed_only_after_max_inflight() {
        let backoff = Backoff { base: Duration::from_secs(60), cap: Duration::from_secs(60) };
        let ask = |now| absent(Millis(1_000), INFLIGHT, Millis(now), &backoff, 0, u64::MAX);
        assert_eq!(ask(1_000), Absent::AskAgain(Millis(11_000)));
        assert_eq!(ask(10_999), Absent::AskAgain(Millis(11_000)));
        assert_eq!(ask(11_000), Absent::Believed);
    }

    #[test]
    fn an_unknown_outcome_is_looked_up_before_it_is_sent_again() {
        assert_eq!(first(Sent::Maybe, Keys::Find), First::Find);
        assert_eq!(first(Sent::No, Keys::Find), First::Send);
        assert_eq!(first(Sent::Yes, Keys::Find), First::Send);
    }

    #[test]
    fn a_target_that_honours_keys_is_simply_sent_the_same_key_again() {
        assert_eq!(first(Sent::Maybe, Keys::Honoured), First::Send);
    }

    #[test]
    fn an_unknown_outcome_at_a_target_that_cannot_tell_is_a_persons_decision() {
        assert_eq!(first(Sent::Maybe, Keys::None), First::Person);
        assert_eq!(first(Sent::No, Keys::None), First::Send);
    }

    proptest! {
        #[test]
        fn asking_again_never_waits_beyond_max_inflight(now in 0i64..30_000, finds in 0u32..40, random: u64) {
            let backoff = Backoff::default();
            match absent(Millis(5_000), INFLIGHT, Millis(now), &backoff, finds, random) {
                Absent::Believed => prop_assert!(now >= 15_000),
                Absent::AskAgain(at) => {
                    prop_assert!(now < 15_000);
                    prop_assert!(at >= Millis(now) && at <= Millis(15_000));
                }
            }
        }
    }
}
