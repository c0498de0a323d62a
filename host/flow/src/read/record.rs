//! Records what reading a request led to: its events, its quarantine, or that it is read again later.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::{Admit, Error, NewEvent, OutboxEntries};
use crossdock_model::connector::Problem;
use crossdock_model::time::Clock;
use crossdock_rules::retry::Backoff;

use super::queue::ReadOutcome;
use super::store_faults::StoreFaults;
use crate::admissions::Admissions;
use crate::outbox::OutboxSignal;
use crate::pending::PendingInbounds;
use crate::problem::problem;
use crate::randomness::Randomness;

/// How the wait grows before a request is read again. It is jittered, and the minimum is added.
const REREAD_BACKOFF: Backoff = Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) };

/// The shortest wait before a request is read again.
const MIN_REREAD_DELAY: Duration = Duration::from_secs(1);

/// A request whose reading is recorded.
pub(super) struct InboundRef {
    pub id: i64,
    /// How often it was postponed before.
    pub attempts: u32,
    /// The name of the file that it was. None for requests that came by HTTP.
    pub file: Option<String>,
}

/// Records the outcome of reading.
pub(crate) struct Recorder {
    pub admissions: Arc<Admissions>,
    pub inbounds: Arc<dyn PendingInbounds>,
    pub outbox: Arc<OutboxSignal>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
    pub faults: StoreFaults,
}

impl Recorder {
    /// Stores the events of a request, with the files and numbers of the call that read it. Where the store refuses them
    /// for their content, or fails at them again and again, the request is quarantined with the reason.
    pub(super) async fn admit(
        &self,
        inbound: &InboundRef,
        events: Vec<NewEvent>,
        outbox: OutboxEntries,
    ) -> ReadOutcome {
        let writes_files = !outbox.files.is_empty();
        let outbox = (!outbox.is_empty()).then_some(outbox);
        let (id, now) = (inbound.id, self.clock.now());
        let admit = Admit { inbound: Some(id), events, outbox, now, ..Admit::default() };
        let error = match self.admissions.admit(admit).await {
            Ok(_) => {
                self.faults.forget(id);
                if writes_files {
                    self.outbox.files_added();
                }
                return ReadOutcome::Done;
            }
            Err(error) => error,
        };
        match error {
            // Two readers had it: the lease of the other one ended before it was done.
            Error::WrongState { what: "inbound", .. } => {
                tracing::debug!(inbound = id, "it was read already");
                ReadOutcome::AlreadyDone
            }
            Error::Taken { what: "file", id: answer } => {
                self.quarantine(id, repeated_answer(inbound.file.as_deref(), &answer)).await
            }
            error if error.is_fault() => self.store_fault(inbound, "storing its events", &error).await,
            error => self.quarantine(id, problem("refused", error.to_string())).await,
        }
    }

    /// The store failed at a request: it is read again later; once the store has failed too often, it is quarantined.
    pub(super) async fn store_fault(&self, inbound: &InboundRef, doing: &str, error: &Error) -> ReadOutcome {
        let id = inbound.id;
        if matches!(error, Error::Closed) {
            return ReadOutcome::Abandoned;
        }
        let why = problem("store-fault", format!("{doing} failed: {error}"));
        if self.faults.is_exhausted(id) {
            return self.quarantine(id, why).await;
        }
        tracing::error!(inbound = id, %error, "{doing} failed; the request is read again");
        self.postpone(inbound, why, None).await
    }

    /// Sets a request aside with the reason why it cannot be read.
    pub async fn quarantine(&self, inbound: i64, why: Problem) -> ReadOutcome {
        tracing::warn!(inbound, code = why.code, "quarantined: {}", why.message);
        match self.inbounds.quarantine(inbound, why).await {
            Ok(()) => {
                metrics::counter!("crossdock_quarantined_total").increment(1);
                self.faults.forget(inbound);
                ReadOutcome::Done
            }
            Err(Error::WrongState { .. }) => ReadOutcome::AlreadyDone,
            Err(error) => {
                tracing::error!(inbound, %error, "quarantining a request failed; it is read again");
                ReadOutcome::Abandoned
            }
        }
    }

    /// Has a request read again: after the wait that its system asked for, or else after one that grows with its
    /// attempts.
    pub(super) async fn postpone(
        &self,
        inbound: &InboundRef,
        why: Problem,
        wait: Option<Duration>,
    ) -> ReadOutcome {
        let backoff = || {
            let jittered = REREAD_BACKOFF.delay(inbound.attempts, self.randomness.number());
            jittered.saturating_add(MIN_REREAD_DELAY)
        };
        let wait = wait.unwrap_or_else(backoff);
        let now = self.clock.now();
        match self.inbounds.postpone(inbound.id, now.plus(wait), why, now).await {
            Ok(()) => ReadOutcome::Postponed,
            Err(Error::WrongState { .. }) => ReadOutcome::AlreadyDone,
            Err(error) => {
                let id = inbound.id;
                tracing::error!(inbound = id, %error, "postponing a request failed; it is read when its lease ends");
                ReadOutcome::Abandoned
            }
        }
    }
}

/// The plugin answers a request with a file whose name it chooses after what it answers. A name that was used before
/// says that the request repeats an earlier one: in another file, or in the same one with other content.
fn repeated_answer(file: Option<&str>, answer: &str) -> Problem {
    let answer = answer.split_once('/').map_or(answer, |(_, name)| name);
    let subject = file.map_or_else(|| "it".to_owned(), |file| format!("`{file}`"));
    let message = format!(
        "{subject} repeats what was read before: its answer `{answer}` has been written already, so nothing of it is \
         stored"
    );
    Problem { field: Some(answer.to_owned()), ..problem("file-repeated", message) }
}

#[cfg(test)]
mod tests {
    use crossdock_model::time::SystemClock;

    use super::*;
    use crate::gate::{self, Gate};
    use crate::testing::{MemoryInbounds, TestAdmissions, new_event};
    use crossdock_engine::ClaimInbounds;

    fn recorder(inbounds: &Arc<MemoryInbounds>, admissions: Arc<TestAdmissions>) -> Recorder {
        let options = gate::Options { limit: 10, max_wait: Duration::ZERO };
        let gate = Arc::new(Gate::new(options, []));
        Recorder {
            admissions: Arc::new(Admissions::new(admissions, gate)),
            inbounds: Arc::clone(inbounds) as Arc<dyn PendingInbounds>,
            outbox: Arc::default(),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(Randomness::seeded(0)),
            faults: StoreFaults::default(),
        }
    }

    fn inbound(attempts: u32) -> InboundRef {
        InboundRef { id: 1, attempts, file: None }
    }

    #[tokio::test]
    async fn events_that_the_store_refuses_for_their_content_are_quarantined_at_once() {
        let inbounds = Arc::new(MemoryInbounds::default());
        inbounds.add("shop", 1);
        let recorder = recorder(&inbounds, TestAdmissions::new(Some("1"), None));
        let outcome = recorder.admit(&inbound(0), vec![new_event("1")], OutboxEntries::default()).await;
        assert_eq!(outcome, ReadOutcome::Done);
        assert_eq!(inbounds.quarantined(), [("shop".to_owned(), "refused".to_owned())]);
    }

    #[tokio::test]
    async fn events_that_the_store_fails_at_again_and_again_are_quarantined_in_the_end() {
        let inbounds = Arc::new(MemoryInbounds::default());
        inbounds.add("shop", 1);
        let recorder = recorder(&inbounds, TestAdmissions::new(None, Some("1")));
        let mut attempts = 0;
        loop {
            let outcome =
                recorder.admit(&inbound(attempts), vec![new_event("1")], OutboxEntries::default()).await;
            attempts += 1;
            if outcome != ReadOutcome::Postponed {
                assert_eq!(outcome, ReadOutcome::Done);
                break;
            }
        }
        assert!((3..20).contains(&attempts), "{attempts}");
        assert_eq!(inbounds.quarantined(), [("shop".to_owned(), "store-fault".to_owned())]);
    }

    #[tokio::test]
    async fn a_postponed_request_waits_longer_with_every_attempt_up_to_a_limit() {
        let inbounds = Arc::new(MemoryInbounds::default());
        inbounds.add("shop", 1);
        let recorder = recorder(&inbounds, TestAdmissions::new(None, None));
        for attempts in [0, 5, 50] {
            let before = SystemClock.now();
            recorder.postpone(&inbound(attempts), problem("unavailable", "down"), None).await;
            let due = inbounds.next_due().await.unwrap().remove(0).1;
            let limit = MIN_REREAD_DELAY + REREAD_BACKOFF.ceiling(attempts) + Duration::from_secs(1);
            let wait = due.since(before);
            assert!(wait >= MIN_REREAD_DELAY && wait <= limit, "{attempts}: {wait:?}");
        }
        let claim = ClaimInbounds {
            connector: "shop".into(),
            limit: 1,
            now: SystemClock.now(),
            lease: Duration::from_secs(1),
        };
        assert!(inbounds.claim(claim).await.unwrap().is_empty(), "it is not due yet");
    }
}
