//! The safeguards, and how a test switches one off to prove that the other tests notice.
//!
//! A test that finds neither loss nor duplicates proves something only if it finds them once the safeguard is off. Only
//! with the cargo feature `faults` can a value other than the default be built, so that no shipped host runs without
//! safeguards.

use strum::VariantArray;

use crate::name::UnknownName;

/// A rule that can be switched off.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum Safeguard {
    /// The same fact arriving again is recognised.
    Dedupe,
    /// A state older than the newest admitted one is not sent.
    VersionGate,
    /// The target is asked before a delivery with an unknown outcome is sent again.
    Find,
    /// "Absent" is believed only after the target's max-inflight.
    MaxInflight,
    /// A lane has one head.
    LaneHead,
    /// A delivery whose parent the target does not have awaits it.
    AwaitParent,
    /// A cancellation annuls only what surely was not sent.
    AnnulUnsent,
    /// A newer state joins only a delivery that surely was not sent.
    JoinUnsent,
    /// A claim counts as maybe sent until it is settled.
    ClaimRecord,
    /// The arrival of an entity releases the deliveries that await it.
    Release,
    /// A claim is settled by its own fence only.
    Fence,
    /// What may be the echo of an in-flight write awaits that write.
    AwaitInFlight,
}

fn unknown(text: &str) -> UnknownName {
    UnknownName::new("safeguard", text)
}

impl Safeguard {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Which safeguards are on. All of them by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Safeguards {
    /// One bit for each safeguard that is off.
    off: u16,
}

impl Safeguards {
    const fn is_on(self, safeguard: Safeguard) -> bool {
        self.off & (1 << safeguard as u16) == 0
    }

    /// Without this one.
    #[cfg(feature = "faults")]
    #[must_use]
    pub const fn without(self, safeguard: Safeguard) -> Self {
        Self { off: self.off | (1 << safeguard as u16) }
    }

    /// See [`Safeguard::Dedupe`].
    #[must_use]
    pub const fn dedupe(self) -> bool {
        self.is_on(Safeguard::Dedupe)
    }

    /// See [`Safeguard::VersionGate`].
    #[must_use]
    pub const fn version_gate(self) -> bool {
        self.is_on(Safeguard::VersionGate)
    }

    /// See [`Safeguard::Find`].
    #[must_use]
    pub const fn find(self) -> bool {
        self.is_on(Safeguard::Find)
    }

    /// See [`Safeguard::MaxInflight`].
    #[must_use]
    pub const fn max_inflight(self) -> bool {
        self.is_on(Safeguard::MaxInflight)
    }

    /// See [`Safeguard::LaneHead`].
    #[must_use]
    pub const fn lane_head(self) -> bool {
        self.is_on(Safeguard::LaneHead)
    }

    /// See [`Safeguard::AwaitParent`].
    #[must_use]
    pub const fn await_parent(self) -> bool {
        self.is_on(Safeguard::AwaitParent)
    }

    /// See [`Safeguard::AnnulUnsent`].
    #[must_use]
    pub const fn annul_unsent(self) -> bool {
        self.is_on(Safeguard::AnnulUnsent)
    }

    /// See [`Safeguard::JoinUnsent`].
    #[must_use]
    pub const fn join_unsent(self) -> bool {
        self.is_on(Safeguard::JoinUnsent)
    }

    /// See [`Safeguard::ClaimRecord`].
    #[must_use]
    pub const fn claim_record(self) -> bool {
        self.is_on(Safeguard::ClaimRecord)
    }

    /// See [`Safeguard::Release`].
    #[must_use]
    pub const fn release(self) -> bool {
        self.is_on(Safeguard::Release)
    }

    /// See [`Safeguard::Fence`].
    #[must_use]
    pub const fn fence(self) -> bool {
        self.is_on(Safeguard::Fence)
    }

    /// See [`Safeguard::AwaitInFlight`].
    #[must_use]
    pub const fn await_in_flight(self) -> bool {
        self.is_on(Safeguard::AwaitInFlight)
    }
}
