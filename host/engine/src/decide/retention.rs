//! Retention and erasure: what leaves, in bounded parts.

use std::sync::Arc;

use crossdock_model::time::Millis;

use crate::applied::{Applied, Tally};
use crate::changes::Append;
use crate::command::Retention;
use crate::database::{Answer, Pass, Question};
use crate::rows::History;
use crate::state::{Decision, State};

/// How many keys of a person one command destroys.
const ERASED_AT_ONCE: u32 = 256;

impl State<'_> {
    /// Destroys the keys of a person's data: their own, and those of orders that name them. A refund or a shipment
    /// names no customer: its data rests under the key of its order.
    pub(super) fn erase(&mut self, subject: &str, by: &str, now: Millis) -> Decision<Applied> {
        let question = Question::SubjectsOf { subject: subject.into(), limit: ERASED_AT_ONCE };
        let subjects = self.ask_names(question)?;
        let count = u64::try_from(subjects.len()).unwrap_or(u64::MAX);
        let more = count >= u64::from(ERASED_AT_ONCE);
        if !more {
            self.audit(by, "person.erase", subject, "", now);
        }
        self.append(Append::EraseSubjects { subjects, at: now });
        Ok(Applied::Tally(Tally { count, more, ..Tally::default() }))
    }

    /// Drops a bounded part of what is older than its retention.
    pub(super) fn retain(&mut self, retention: &Retention) -> Decision<Applied> {
        let settled = self.prune(Pass::Settled, retention)?;
        let events = self.prune(Pass::Events, retention)?;
        self.append(Append::Expire { retention: retention.clone() });
        Ok(Applied::Tally(Tally {
            count: settled.0 + events.0,
            more: settled.1 || events.1,
            ..Tally::default()
        }))
    }

    /// Goes on with a pass: prunes the histories that are over. Answers how many rows leave, and whether the pass has
    /// more to look at.
    fn prune(&mut self, pass: Pass, retention: &Retention) -> Decision<(u64, bool)> {
        let from = self.positions(&pass)?.copied().unwrap_or((i64::MIN, 0));
        let before = retention.orders_before;
        let question = Question::Histories { pass, from, before, limit: retention.limit };
        let Answer::Histories(histories, next) = self.ask(question)? else { return Ok((0, false)) };
        let (over, next): (Vec<History>, _) =
            (histories.iter().filter(|history| is_over(history, before)).cloned().collect(), *next);
        if let Some(next) = next {
            self.set_position(pass, Some(next));
        }
        if over.is_empty() {
            return Ok((0, next.is_some()));
        }
        let events: Vec<i64> = over.iter().flat_map(|history| &history.events).map(|(id, _)| *id).collect();
        let deliveries: Vec<i64> =
            over.iter().flat_map(|history| &history.deliveries).map(|(id, ..)| *id).collect();
        let roots: Vec<Arc<str>> = over.into_iter().map(|history| history.root).collect();
        let count = u64::try_from(events.len() + deliveries.len()).unwrap_or(u64::MAX);
        self.append(Append::Prune { events, deliveries, roots });
        Ok((count, next.is_some()))
    }
}

/// Whether nothing of a history is open, and its last movement is older than that.
fn is_over(history: &History, before: Millis) -> bool {
    history.events.iter().all(|(_, recorded_at)| *recorded_at < before)
        && history.deliveries.iter().all(|(_, settled, since)| *settled && *since < before)
}
