//! Why a plugin call failed.

use std::time::Duration;

use crate::manifest::Export;

/// Why a plugin call failed. `output` is the last that the plugin wrote to its standard output and error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The plugin crashed.
    #[error("the plugin crashed: {reason}{}", last_output(output))]
    Trapped {
        /// The trap, and where it happened.
        reason: String,
        /// The plugin's last output.
        output: String,
    },
    /// The plugin did not finish in time: it computed, waited or slept too long.
    #[error("the plugin did not finish within {after:?}{}", last_output(output))]
    Deadline {
        /// The time limit.
        after: Duration,
        /// The plugin's last output.
        output: String,
    },
    /// The plugin exceeded its memory limit.
    #[error("the plugin used more than {limit} bytes of memory{}", last_output(output))]
    OutOfMemory {
        /// The limit in bytes.
        limit: usize,
        /// The plugin's last output.
        output: String,
    },
    /// The plugin called the host too often, or held too many of its resources at once.
    #[error("the plugin used more than {limit} {what}{}", last_output(output))]
    Excess {
        /// What was limited.
        what: &'static str,
        /// The limit.
        limit: u32,
        /// The plugin's last output.
        output: String,
    },
    /// The plugin's answer violates the contract: it is too large, or has another number of outcomes than requested.
    #[error("the plugin's answer violates the contract: {reason}")]
    BadAnswer {
        /// How.
        reason: String,
    },
    /// The plugin does not export the interface.
    #[error("the plugin does not export `{export}`")]
    NotExported {
        /// The interface.
        export: Export,
    },
    /// The maximum number of instances was running all the time.
    #[error("no instance was free within {after:?}")]
    Busy {
        /// How long the call waited.
        after: Duration,
    },
    /// The host could not start an instance.
    #[error("starting an instance of the plugin: {reason}")]
    Start {
        /// Why.
        reason: String,
    },
    /// A look-up in the host's own records failed.
    #[error("{reason}")]
    Lookup {
        /// Why.
        reason: String,
    },
    /// The transcript cannot be replayed, or the call diverged from it.
    #[error("replaying the call: {reason}")]
    Replay {
        /// Why.
        reason: String,
    },
}

impl Error {
    /// True when the plugin caused the failure, so that it counts against its version.
    #[must_use]
    pub fn plugin_failed(&self) -> bool {
        matches!(
            self,
            Self::Trapped { .. }
                | Self::Deadline { .. }
                | Self::OutOfMemory { .. }
                | Self::Excess { .. }
                | Self::BadAnswer { .. }
        )
    }

    /// Adds the plugin's last output, where it helps to explain the failure.
    pub(crate) fn with_output(mut self, last: impl FnOnce() -> String) -> Self {
        if let Self::Trapped { output, .. }
        | Self::Deadline { output, .. }
        | Self::OutOfMemory { output, .. }
        | Self::Excess { output, .. } = &mut self
        {
            *output = last();
        }
        self
    }

    /// A stable code, for metrics and problems.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "trapped",
            Self::Deadline { .. } => "deadline",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Excess { .. } => "excess",
            Self::BadAnswer { .. } => "bad-answer",
            Self::NotExported { .. } => "not-exported",
            Self::Busy { .. } => "busy",
            Self::Start { .. } => "start",
            Self::Lookup { .. } => "lookup",
            Self::Replay { .. } => "replay",
        }
    }
}

fn last_output(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!("; its last output: {output}") }
}
