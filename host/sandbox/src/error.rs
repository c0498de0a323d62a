//! Why a call of a plugin gave no answer.

use std::time::Duration;

use crate::manifest::Export;

/// Why a call gave no answer. The plugin's last words are what it wrote to its standard output and error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The plugin crashed.
    #[error("the plugin crashed: {reason}{}", said(words))]
    Trapped {
        /// The trap, and where it happened.
        reason: String,
        /// The plugin's last words.
        words: String,
    },
    /// The plugin did not end in time: it computed, waited or slept too long.
    #[error("the plugin did not answer within {after:?}{}", said(words))]
    Deadline {
        /// How long it had.
        after: Duration,
        /// The plugin's last words.
        words: String,
    },
    /// The plugin wanted more memory than it may have.
    #[error("the plugin wanted more than {limit} bytes of memory{}", said(words))]
    OutOfMemory {
        /// How much it may have, in bytes.
        limit: usize,
        /// The plugin's last words.
        words: String,
    },
    /// The plugin called the host too often, or held too much of it at once.
    #[error("the plugin wanted more than {limit} {what}{}", said(words))]
    Excess {
        /// What it wanted too much of.
        what: &'static str,
        /// How much it may have.
        limit: u32,
        /// The plugin's last words.
        words: String,
    },
    /// The answer breaks the contract: too large, or not as many answers as questions.
    #[error("the plugin's answer breaks the contract: {reason}")]
    BadAnswer {
        /// How.
        reason: String,
    },
    /// The plugin has no such interface.
    #[error("the plugin exports no {export}")]
    NotExported {
        /// What was asked for.
        export: Export,
    },
    /// As many plugins as may run at once were running all the time.
    #[error("no instance was free within {after:?}")]
    Busy {
        /// How long was waited.
        after: Duration,
    },
    /// The host could not start an instance.
    #[error("the plugin could not be started: {reason}")]
    Start {
        /// Why.
        reason: String,
    },
    /// The host could not answer a question about references.
    #[error("{reason}")]
    Lookup {
        /// Why.
        reason: String,
    },
    /// The replayed call cannot be, or asked for something else than the recorded one.
    #[error("the call cannot be replayed: {reason}")]
    Replay {
        /// Why.
        reason: String,
    },
}

impl Error {
    /// True when the plugin is to blame, and the failure counts against its version.
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

    /// The same with the plugin's last words, where they help to understand it.
    pub(crate) fn with_words(mut self, last: impl FnOnce() -> String) -> Self {
        if let Self::Trapped { words, .. }
        | Self::Deadline { words, .. }
        | Self::OutOfMemory { words, .. }
        | Self::Excess { words, .. } = &mut self
        {
            *words = last();
        }
        self
    }

    /// The failure in one word, for metrics and codes.
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

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("; its last words: {words}") }
}
