//! The numbers that states, endings and effects are stored as. A number never changes its meaning.

use crossdock_engine::{AttemptKind, Error, Result};
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};

use crate::sqlite::statement::unreadable;

/// A value of a closed set, stored as a number.
pub(in crate::sqlite) trait Code: Copy + PartialEq + 'static {
    /// The word for errors.
    const WHAT: &'static str;
    /// Every value.
    fn all() -> &'static [Self];
    /// The number of a value.
    fn code(self) -> i64;
}

/// The value of a stored number.
pub(in crate::sqlite) fn decode<T: Code>(code: i64) -> Result<T, Error> {
    let found = T::all().iter().copied().find(|value| value.code() == code);
    found.ok_or_else(|| unreadable(T::WHAT, format!("{code} is unknown")))
}

impl Code for DeliveryState {
    const WHAT: &'static str = "the state of a delivery";

    fn all() -> &'static [Self] {
        Self::ALL
    }

    fn code(self) -> i64 {
        match self {
            Self::Queued => 0,
            Self::Ready => 1,
            Self::Sending => 2,
            Self::Waiting => 3,
            Self::Received => 4,
            Self::Settled => 5,
            Self::Exception => 6,
        }
    }
}

impl Code for Ending {
    const WHAT: &'static str = "the ending of a delivery";

    fn all() -> &'static [Self] {
        Self::ALL
    }

    fn code(self) -> i64 {
        match self {
            Self::Posted => 0,
            Self::AlreadyThere => 1,
            Self::Ignored => 2,
            Self::Stale => 3,
            Self::Joined => 4,
            Self::Annulled => 5,
            Self::Discarded => 6,
            Self::Echo => 7,
            Self::Conflict => 8,
            Self::SameSale => 9,
        }
    }
}

impl Code for Sent {
    const WHAT: &'static str = "the send status of a delivery";

    fn all() -> &'static [Self] {
        Self::ALL
    }

    fn code(self) -> i64 {
        match self {
            Self::No => 0,
            Self::Maybe => 1,
            Self::Yes => 2,
        }
    }
}

impl Code for Effect {
    const WHAT: &'static str = "the effect of an event";

    fn all() -> &'static [Self] {
        Self::ALL
    }

    fn code(self) -> i64 {
        match self {
            Self::Create => 0,
            Self::Change => 1,
            Self::Cancel => 2,
            Self::Once => 3,
            Self::Difference => 4,
        }
    }
}

impl Code for AttemptKind {
    const WHAT: &'static str = "the kind of an attempt";

    fn all() -> &'static [Self] {
        &[Self::Send, Self::Find]
    }

    fn code(self) -> i64 {
        match self {
            Self::Send => 0,
            Self::Find => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct<T: Code + std::fmt::Debug>() {
        for value in T::all() {
            assert_eq!(decode::<T>(value.code()).unwrap(), *value);
        }
        assert!(decode::<T>(99).is_err());
    }

    #[test]
    fn every_value_has_a_number_of_its_own() {
        distinct::<DeliveryState>();
        distinct::<Ending>();
        distinct::<Sent>();
        distinct::<Effect>();
        distinct::<AttemptKind>();
    }
}
