//! Stores a polled page: its events and the move of its cursor, at once.
//!
//! Where the store refuses a page for the content of an event, or fails at it again and again, the events are admitted
//! one by one: those that it still refuses are set aside, the others are admitted, and the cursor moves on. So one event
//! never stops a source.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::{Accept, Admit, CursorMove, Error, NewEvent, Request};
use crossdock_model::connector::Problem;
use crossdock_model::time::Clock;
use crossdock_rules::retry::Backoff;

use crate::admissions::Admissions;
use crate::pending::PendingInbounds;
use crate::problem::problem;
use crate::randomness::Randomness;
use crate::read::POLLED;
use crate::trace;

/// How often the store may fail at a single event before the event is set aside.
const MAX_STORE_FAULTS: u32 = 3;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(2) };

/// How long a set-aside event is leased between its acceptance and its quarantine, so that no reader claims it.
const QUARANTINE_LEASE: Duration = Duration::from_secs(60);

/// A polled event: as it came, and ready for admission, or why it cannot be admitted.
pub(super) struct PolledEvent {
    pub body: Vec<u8>,
    pub prepared: Result<NewEvent, Problem>,
}

/// How the events of a page are admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// In one transaction.
    Together,
    /// Each in its own: the store has failed at this page again and again.
    OneByOne,
}

/// Stores polled pages.
pub(crate) struct Pages {
    pub admissions: Arc<Admissions>,
    pub inbounds: Arc<dyn PendingInbounds>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
}

impl Pages {
    /// Stores the events of a page and moves the cursor. An event that cannot be admitted is set aside as a quarantined
    /// request of its own. Returns how many were admitted.
    ///
    /// # Errors
    /// When the store failed; then the cursor has not moved, and the page can be stored again.
    pub(super) async fn store(
        &self,
        events: Vec<PolledEvent>,
        cursor: CursorMove,
        mode: Mode,
    ) -> Result<usize, Error> {
        let mut sound = Vec::with_capacity(events.len());
        for PolledEvent { body, prepared } in events {
            match prepared {
                Ok(event) => sound.push((body, event)),
                Err(why) => self.set_aside(&cursor.connector, body, why).await?,
            }
        }
        if mode == Mode::Together {
            let events = sound.iter().map(|(_, event)| event.clone()).collect();
            match self.admit(events, Some(cursor.clone())).await {
                Ok(()) => return Ok(sound.len()),
                Err(error) if error.is_fault() || matches!(error, Error::CursorMoved { .. }) => {
                    return Err(error);
                }
                Err(error) => tracing::warn!(
                    connector = cursor.connector, %error, "a polled page is refused: its events are admitted one by one"
                ),
            }
        }
        let mut admitted = 0;
        for (body, event) in sound {
            match self.admit_alone(event).await {
                Ok(()) => admitted += 1,
                Err(why) => self.set_aside(&cursor.connector, body, why).await?,
            }
        }
        self.admit(Vec::new(), Some(cursor)).await?;
        Ok(admitted)
    }

    async fn admit(&self, events: Vec<NewEvent>, cursor: Option<CursorMove>) -> Result<(), Error> {
        let admit = Admit { cursor, events, now: self.clock.now(), ..Admit::default() };
        self.admissions.admit(admit).await?;
        Ok(())
    }

    /// Admits one event, in a few attempts where the store fails. The problem with which it is to be set aside otherwise.
    async fn admit_alone(&self, event: NewEvent) -> Result<(), Problem> {
        let mut faults = 0;
        loop {
            let error = match self.admit(vec![event.clone()], None).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.is_fault() {
                return Err(problem("refused", error.to_string()));
            }
            faults += 1;
            if faults >= MAX_STORE_FAULTS {
                return Err(problem("store-fault", format!("storing it failed again and again: {error}")));
            }
            tokio::time::sleep(BACKOFF.delay(faults, self.randomness.number())).await;
        }
    }

    /// Stores an event as a request of its own, and quarantines it.
    async fn set_aside(&self, connector: &str, body: Vec<u8>, why: Problem) -> Result<(), Error> {
        let accept = Accept {
            connector: connector.to_owned(),
            dedupe: format!("{POLLED} {}", trace::digest(&body)),
            request: Request { method: POLLED.into(), body, ..Request::default() },
            received_at: self.clock.now(),
            trace: self.randomness.trace(),
            lease: None,
        };
        let accepted = self.inbounds.accept(accept, Some(QUARANTINE_LEASE)).await?;
        if !accepted.duplicate {
            tracing::warn!(connector, code = why.code, "quarantined: {}", why.message);
            self.inbounds.quarantine(accepted.inbound, why).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crossdock_model::time::SystemClock;

    use super::*;
    use crate::gate::{self, Gate};
    use crate::testing::{MemoryInbounds, TestAdmissions, new_event};

    struct Fixture {
        pages: Pages,
        admissions: Arc<TestAdmissions>,
        inbounds: Arc<MemoryInbounds>,
    }

    fn fixture(refused: Option<&'static str>, fault: Option<&'static str>) -> Fixture {
        let (admissions, inbounds) =
            (TestAdmissions::new(refused, fault), Arc::new(MemoryInbounds::default()));
        let options = gate::Options { limit: 10, max_wait: Duration::ZERO };
        let gate = Arc::new(Gate::new(options, []));
        let pages = Pages {
            admissions: Arc::new(Admissions::new(Arc::clone(&admissions) as _, gate)),
            inbounds: Arc::clone(&inbounds) as _,
            clock: Arc::new(SystemClock),
            randomness: Arc::new(Randomness::seeded(0)),
        };
        Fixture { pages, admissions, inbounds }
    }

    fn page() -> Vec<PolledEvent> {
        let event = |id: &str| PolledEvent { body: id.into(), prepared: Ok(new_event(id)) };
        ["1", "2", "3"].map(event).into()
    }

    fn cursor() -> CursorMove {
        CursorMove { connector: "erp".into(), from: None, to: "end".into() }
    }

    fn admitted(fixture: &Fixture) -> (Vec<String>, Vec<String>) {
        fixture.admissions.admitted.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn a_page_is_admitted_together_with_its_cursor() {
        let fixture = fixture(None, None);
        assert_eq!(fixture.pages.store(page(), cursor(), Mode::Together).await.unwrap(), 3);
        assert_eq!(admitted(&fixture), (["1", "2", "3"].map(Into::into).into(), vec!["end".into()]));
    }

    #[tokio::test]
    async fn an_event_that_the_store_refuses_is_set_aside_and_the_others_are_admitted() {
        let fixture = fixture(Some("2"), None);
        assert_eq!(fixture.pages.store(page(), cursor(), Mode::Together).await.unwrap(), 2);
        assert_eq!(admitted(&fixture), (["1", "3"].map(Into::into).into(), vec!["end".into()]));
        assert_eq!(fixture.inbounds.quarantined(), [("erp".to_owned(), "refused".to_owned())]);
    }

    #[tokio::test]
    async fn a_page_that_the_store_fails_at_is_stored_again_and_in_the_end_one_by_one() {
        let fixture = fixture(None, Some("2"));
        assert!(fixture.pages.store(page(), cursor(), Mode::Together).await.unwrap_err().is_fault());
        assert_eq!(admitted(&fixture), (vec![], vec![]));
        assert_eq!(fixture.pages.store(page(), cursor(), Mode::OneByOne).await.unwrap(), 2);
        assert_eq!(admitted(&fixture), (["1", "3"].map(Into::into).into(), vec!["end".into()]));
        assert_eq!(fixture.inbounds.quarantined(), [("erp".to_owned(), "store-fault".to_owned())]);
    }
}
