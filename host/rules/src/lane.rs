//! The states of a delivery and the order within a lane.
//!
//! Within one connector the deliveries of a lane (an order, or a SKU at a location) go one after the
//! other: only the head may be sent. Lanes do not wait for each other.

/// Enums that are stored and shown by name.
macro_rules! names {
    ($type:ty, $what:literal, $($case:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// The name it is stored and shown by.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$case => $name),+ }
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl std::str::FromStr for $type {
            type Err = $crate::Error;
            fn from_str(text: &str) -> Result<Self, $crate::Error> {
                match text {
                    $($name => Ok(Self::$case),)+
                    _ => Err($crate::Error::Name { what: $what, text: text.to_owned() }),
                }
            }
        }
    };
}
pub(crate) use names;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryState {
    /// In its lane, behind another.
    Queued,
    /// Head of its lane: may be claimed when it is due.
    Ready,
    /// Claimed: it may be on its way.
    Sending,
    /// Out of the lane until another entity is there.
    Waiting,
    /// The target has it and will confirm later.
    Received,
    /// Done, one way or another; see [`Ending`].
    Settled,
    /// A person must decide.
    Exception,
}
names!(
    DeliveryState,
    "state of a delivery",
    Queued = "queued",
    Ready = "ready",
    Sending = "sending",
    Waiting = "waiting",
    Received = "received",
    Settled = "settled",
    Exception = "exception"
);

impl DeliveryState {
    /// True while the delivery holds a place in its lane: nothing behind it is sent.
    #[must_use]
    pub fn holds_lane(self) -> bool {
        matches!(self, Self::Queued | Self::Ready | Self::Sending | Self::Exception)
    }

    /// True until the delivery is done.
    #[must_use]
    pub fn is_open(self) -> bool {
        self != Self::Settled
    }
}

/// Whether the target has been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sent {
    /// Surely not: it was never claimed, or the target said that nothing was done.
    #[default]
    No,
    /// What the last call did is not known.
    Maybe,
    /// Surely: all of it, or the part that the resume token stands for.
    Yes,
}
names!(Sent, "answer to whether it was sent", No = "no", Maybe = "maybe", Yes = "yes");

impl Sent {
    /// What a claim makes of it, durably and before anything leaves the host.
    #[must_use]
    pub fn claimed(self) -> Self {
        self.max(Self::Maybe)
    }
}

/// Why a delivery is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// The target booked it.
    Posted,
    /// The target had it already.
    AlreadyThere,
    /// The target has no use for it.
    Ignored,
    /// Something newer was admitted or is known to the target.
    Stale,
    /// Its content went out with another delivery.
    Joined,
    /// It and what it would have undone cancel each other out.
    Annulled,
    /// A person said so.
    Discarded,
    /// It only told what Crossdock itself had written, or nothing new.
    Echo,
    /// What it told is not its source's own to tell.
    Conflict,
    /// Another system told the same sale first.
    SameSale,
}
names!(
    Ending,
    "ending of a delivery",
    Posted = "posted",
    AlreadyThere = "already-there",
    Ignored = "ignored",
    Stale = "stale",
    Joined = "joined",
    Annulled = "annulled",
    Discarded = "discarded",
    Echo = "echo",
    Conflict = "conflict",
    SameSale = "same-sale"
);

impl Ending {
    /// True when the target has the entity after the sink answered so.
    #[must_use]
    pub fn exists(self) -> bool {
        matches!(self, Self::Posted | Self::AlreadyThere | Self::Stale)
    }

    /// True when what waits for the entity goes back into the lane after its delivery ended so. What was
    /// ignored or discarded releases too: the target then says itself what it makes of the rest.
    #[must_use]
    pub fn releases_waiting(self) -> bool {
        self.exists() || matches!(self, Self::Ignored | Self::Discarded)
    }
}

/// The head of a lane: the delivery with the lowest number that holds a place in it.
pub fn head(lane: impl IntoIterator<Item = (i64, DeliveryState)>) -> Option<i64> {
    lane.into_iter().filter(|(_, state)| state.holds_lane()).map(|(delivery, _)| delivery).min()
}

/// Why a delivery behind this head is not moving, for a person.
#[must_use]
pub fn behind(head: i64, state: DeliveryState) -> String {
    match state {
        DeliveryState::Exception => format!("waits for exception #{head}"),
        _ => format!("waits for delivery #{head} of its lane"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_one_head_and_it_is_the_oldest() {
        use DeliveryState::{Exception, Queued, Ready, Received, Settled, Waiting};
        assert_eq!(head([(7, Queued), (5, Ready), (6, Queued)]), Some(5));
        assert_eq!(head([(1, Settled), (2, Received), (3, Waiting), (4, Queued)]), Some(4));
        assert_eq!(head([(1, Exception), (2, Queued)]), Some(1));
        assert_eq!(head([(1, Settled)]), None);
    }

    #[test]
    fn an_exception_keeps_its_lane_blocked_and_says_so() {
        assert!(DeliveryState::Exception.holds_lane());
        assert_eq!(behind(41, DeliveryState::Exception), "waits for exception #41");
        assert_eq!(behind(41, DeliveryState::Sending), "waits for delivery #41 of its lane");
    }

    #[test]
    fn received_releases_a_lane() {
        assert!(!DeliveryState::Received.holds_lane());
        assert!(DeliveryState::Received.is_open());
    }

    #[test]
    fn a_claim_is_the_durable_record_that_it_may_have_been_sent() {
        assert_eq!(Sent::No.claimed(), Sent::Maybe);
        assert_eq!(Sent::Maybe.claimed(), Sent::Maybe);
        assert_eq!(Sent::Yes.claimed(), Sent::Yes);
    }

    #[test]
    fn every_name_reads_back() {
        for state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse::<DeliveryState>().unwrap(), *state);
        }
        for sent in Sent::ALL {
            assert_eq!(sent.as_str().parse::<Sent>().unwrap(), *sent);
        }
        for ending in Ending::ALL {
            assert_eq!(ending.as_str().parse::<Ending>().unwrap(), *ending);
        }
        let error = "lost".parse::<DeliveryState>().unwrap_err();
        assert_eq!(error.to_string(), "`lost` is no state of a delivery");
    }
}
