//! Looking up a delivery with `find` before sending it again, and what the answer "absent" means.
//!
//! A target that searches its own books may not see yet what it has just committed. So "absent" is believed only
//! when a request that was sent can no longer take effect unseen: after the target's max-inflight, counted from the
//! last moment at which a request may have left.

use std::time::Duration;

use crossdock_model::time::Millis;

use crate::lane::Sent;
use crate::retry::Backoff;
use crate::safeguards::Safeguards;

/// What a target offers against duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It honours idempotency keys: sending the same key again has no second effect.
    Honoured,
    /// It can be searched with `find`.
    Find,
    /// Neither.
    None,
}

/// What has to happen before a delivery is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeforeSending {
    /// Nothing: send it.
    Send,
    /// Ask the target with `find` whether it has it.
    Find,
    /// A person must look: the target cannot be asked.
    Person,
}

/// What has to happen before a delivery is sent again, by whether it was sent: after a lost answer, after a restart,
/// and when a person retries an exception.
#[must_use]
pub fn before_sending(sent: Sent, keys: Keys) -> BeforeSending {
    match (sent, keys) {
        // A delivery that surely arrived in part continues from its resume token.
        (Sent::No | Sent::Yes, _) | (Sent::Maybe, Keys::Honoured) => BeforeSending::Send,
        (Sent::Maybe, Keys::Find) => BeforeSending::Find,
        (Sent::Maybe, Keys::None) => BeforeSending::Person,
    }
}

/// What comes next for a claimed delivery. `look_up`: the target has to be asked where it can be, although it surely
/// has the delivery, or a part of it: after a claim that was lost, a replay, or the retry of an exception.
#[must_use]
pub fn next_call(sent: Sent, look_up: bool, keys: Keys, safeguards: Safeguards) -> BeforeSending {
    if !safeguards.find() {
        return BeforeSending::Send;
    }
    match (before_sending(sent, keys), keys) {
        (BeforeSending::Send, Keys::Find) if look_up => BeforeSending::Find,
        (BeforeSending::Send, Keys::None) if look_up => BeforeSending::Person,
        (decided, _) => decided,
    }
}

/// How an answer of "absent" is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentAnswer {
    /// It is believed: nothing was done, and the delivery can be sent.
    Believed,
    /// It is too early to be believed: ask again at this moment.
    AskAgain(Millis),
}

/// Decides whether an answer of "absent" is believed. `sent_at` is the last moment at which a request may have left,
/// `finds` how often the target was asked before, `random` any number, evenly spread.
#[must_use]
pub fn weigh_absent(
    sent_at: Millis,
    max_inflight: Duration,
    now: Millis,
    backoff: &Backoff,
    finds: u32,
    random: u64,
) -> AbsentAnswer {
    let visible = sent_at.plus(max_inflight);
    if now >= visible {
        return AbsentAnswer::Believed;
    }
    AbsentAnswer::AskAgain(now.plus(backoff.delay(finds, random)).min(visible))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INFLIGHT: Duration = Duration::from_secs(10);

    #[test]
    fn absent_is_believed_only_after_max_inflight() {
        let backoff = Backoff { base: Duration::from_secs(60), cap: Duration::from_secs(60) };
        let ask = |now| weigh_absent(Millis(1_000), INFLIGHT, Millis(now), &backoff, 0, u64::MAX);
        assert_eq!(ask(1_000), AbsentAnswer::AskAgain(Millis(11_000)));
        assert_eq!(ask(10_999), AbsentAnswer::AskAgain(Millis(11_000)));
        assert_eq!(ask(11_000), AbsentAnswer::Believed);
    }

    #[test]
    fn an_unknown_outcome_is_looked_up_before_it_is_sent_again() {
        assert_eq!(before_sending(Sent::Maybe, Keys::Find), BeforeSending::Find);
        assert_eq!(before_sending(Sent::No, Keys::Find), BeforeSending::Send);
        assert_eq!(before_sending(Sent::Yes, Keys::Find), BeforeSending::Send);
    }

    #[test]
    fn a_target_that_honours_keys_is_sent_the_same_key_again() {
        assert_eq!(before_sending(Sent::Maybe, Keys::Honoured), BeforeSending::Send);
    }

    #[test]
    fn a_person_decides_about_an_unknown_outcome_at_a_target_that_cannot_be_asked() {
        assert_eq!(before_sending(Sent::Maybe, Keys::None), BeforeSending::Person);
        assert_eq!(before_sending(Sent::No, Keys::None), BeforeSending::Send);
    }

    #[test]
    fn a_delivery_that_is_to_be_looked_up_is_looked_up_where_the_target_can_be_asked() {
        let all = Safeguards::default();
        assert_eq!(next_call(Sent::Yes, true, Keys::Find, all), BeforeSending::Find);
        assert_eq!(next_call(Sent::Yes, true, Keys::None, all), BeforeSending::Person);
        assert_eq!(next_call(Sent::Yes, true, Keys::Honoured, all), BeforeSending::Send);
        assert_eq!(next_call(Sent::Yes, false, Keys::Find, all), BeforeSending::Send);
        assert_eq!(next_call(Sent::Maybe, false, Keys::Find, all), BeforeSending::Find);
    }

    proptest! {
        #[test]
        fn asking_again_never_waits_beyond_max_inflight(now in 0i64..30_000, finds in 0u32..40, random: u64) {
            let backoff = Backoff::default();
            match weigh_absent(Millis(5_000), INFLIGHT, Millis(now), &backoff, finds, random) {
                AbsentAnswer::Believed => prop_assert!(now >= 15_000),
                AbsentAnswer::AskAgain(at) => {
                    prop_assert!(now < 15_000);
                    prop_assert!(at >= Millis(now) && at <= Millis(15_000));
                }
            }
        }
    }
}
