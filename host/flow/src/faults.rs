//! Crash points, for the tests that kill the host at a chosen moment.
//!
//! Without the cargo feature `faults` a point does nothing. With it, `CROSSDOCK_CRASH_AT=NAME:N` kills the process
//! with SIGKILL when the point NAME is passed for the Nth time: no destructor runs, and nothing is flushed.

/// A point in the processing of an event where a crash must lose nothing and duplicate nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A request was authenticated and is not yet durable.
    AfterAuthentication,
    /// It is durable and not yet answered.
    AfterCommit,
    /// It was read into events that are not yet durable.
    AfterParse,
    /// A delivery was claimed and nothing was sent.
    AfterClaim,
    /// The target answered and nothing was recorded.
    AfterAnswer,
    /// The outcome is about to be recorded.
    BeforeSettle,
    /// A file was stored as a request and is not archived.
    AfterFile,
    /// A file was written to the exchange folder, and that is not recorded.
    AfterFileOut,
}

/// Passes a point.
#[inline]
#[cfg(not(feature = "faults"))]
pub fn pass(_: Point) {}

/// Passes a point; kills the process when it is the chosen one.
#[cfg(feature = "faults")]
pub fn pass(point: Point) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicI64, Ordering};

    static CHOSEN: OnceLock<Option<(String, AtomicI64)>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let text = std::env::var("CROSSDOCK_CRASH_AT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicI64::new(count.parse().unwrap_or(1))))
    });
    if let Some((name, left)) = chosen
        && *name == point.name()
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal is delivered before the next instruction that matters, but not before this one.
        std::thread::park();
    }
}

#[cfg(feature = "faults")]
impl Point {
    fn name(self) -> &'static str {
        match self {
            Self::AfterAuthentication => "after-authentication",
            Self::AfterCommit => "after-commit",
            Self::AfterParse => "after-parse",
            Self::AfterClaim => "after-claim",
            Self::AfterAnswer => "after-answer",
            Self::BeforeSettle => "before-settle",
            Self::AfterFile => "after-file",
            Self::AfterFileOut => "after-hand-over",
        }
    }
}
