//! The three safeguards that a test of the tests switches off.
//!
//! A harness that finds no loss and no duplicate proves something only if it finds them when the
//! protection is gone. Another value than the default can be built with the cargo feature `faults` alone,
//! so that no shipped host runs without them.

/// Which safeguards are on. All of them, unless a test says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safeguards {
    dedupe: bool,
    version_gate: bool,
    find: bool,
}

impl Default for Safeguards {
    fn default() -> Self {
        Self { dedupe: true, version_gate: true, find: true }
    }
}

impl Safeguards {
    /// The same fact arriving again is recognised.
    #[must_use]
    pub fn dedupe(self) -> bool {
        self.dedupe
    }

    /// What is older than what was admitted is not sent.
    #[must_use]
    pub fn version_gate(self) -> bool {
        self.version_gate
    }

    /// The target is asked before anything whose outcome is unknown is sent again.
    #[must_use]
    pub fn find(self) -> bool {
        self.find
    }

    /// Without recognising duplicates.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn without_dedupe(self) -> Self {
        Self { dedupe: false, ..self }
    }

    /// Without the version gate.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn without_version_gate(self) -> Self {
        Self { version_gate: false, ..self }
    }

    /// Without asking before sending again.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn without_find(self) -> Self {
        Self { find: false, ..self }
    }
}
