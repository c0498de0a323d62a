//! Replays: what was settled is delivered again, under its key or on purpose.

use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::effect::Effect;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};

use crate::applied::{Applied, Tally};
use crate::command::Replay;
use crate::database::{Answer, Question};
use crate::delivery::{Delivery, Purpose};
use crate::error::Error;
use crate::rows::ReplayCandidate;
use crate::state::{Decision, State};

/// What a replay does with a delivery that its filter means.
enum Act {
    /// It is delivered again.
    Deliver,
    /// It is an exception and is tried again.
    Retry,
    /// It is left alone.
    Skip,
    /// Its content has gone with its retention.
    Pruned,
}

impl State<'_> {
    pub(super) fn replay(&mut self, replay: &Replay) -> Decision<Applied> {
        let filter = &replay.filter;
        if let Some(state) = &filter.state
            && state.parse::<DeliveryState>().is_err()
        {
            return Err(Error::Unknown { what: "state", id: state.clone() }.into());
        }
        let text = serde_json::to_string(filter).unwrap_or_default();
        let question = Question::Replay {
            filter: text.as_str().into(),
            generation: replay.generation,
            after: replay.after.unwrap_or_default(),
            limit: replay.page,
        };
        let Answer::Replay(found) = self.ask(question)? else {
            return Ok(Applied::Tally(Tally::default()));
        };
        let candidates: Vec<ReplayCandidate> = found.iter().map(|(_, candidate)| candidate.clone()).collect();
        let deliveries: Vec<i64> = candidates.iter().map(|candidate| candidate.delivery).collect();
        self.read_ahead_lanes(&deliveries)?;
        let full = u32::try_from(candidates.len()).unwrap_or(u32::MAX) >= replay.page;
        let most = u64::from(filter.limit.unwrap_or(u32::MAX));
        let mut tally = Tally::default();
        let mut next = candidates.last().map(|candidate| candidate.delivery).filter(|_| full);
        for candidate in candidates {
            if tally.count >= most {
                next = None;
                break;
            }
            match self.act(&candidate, replay)? {
                Act::Deliver => {
                    self.deliver_again(candidate.delivery, replay)?;
                    tally.count += 1;
                }
                Act::Retry => {
                    self.retry(candidate.delivery, &replay.by, replay.now)?;
                    tally.count += 1;
                }
                Act::Skip => tally.skipped += 1,
                Act::Pruned => {
                    tally.skipped += 1;
                    tally.pruned += 1;
                }
            }
        }
        if replay.after.is_none() {
            let what = match replay.generation {
                Some(generation) => format!("replay, generation {generation}"),
                None => "replay".to_owned(),
            };
            self.audit(&replay.by, "events.replay", &what, &text, replay.now);
        }
        tally.more = next.is_some();
        tally.next = next;
        tally.ready = self.take_ready();
        Ok(Applied::Tally(tally))
    }

    /// Left alone is what is not settled, what was not sent because something else was, a state of an entity of
    /// which a newer one was enqueued, and what was already posted under the generation; and, unless it is
    /// named by its number, what a person discarded: it may be booked by hand. Exceptions are tried again where the
    /// filter asks for them, but none, unless it is named, that would be sent although its outcome is unknown.
    fn act(&self, candidate: &ReplayCandidate, replay: &Replay) -> Decision<Act> {
        let delivery = self.delivery(candidate.delivery)?;
        let named = replay.filter.event.is_some() || replay.filter.delivery.is_some();
        let exceptions = Some(DeliveryState::Exception.into()) == replay.filter.state.as_deref()
            && replay.generation.is_none();
        match delivery.state {
            DeliveryState::Exception if exceptions => {
                let unknown = delivery.reason_is(code::OUTCOME_UNKNOWN);
                Ok(if named || !unknown { Act::Retry } else { Act::Skip })
            }
            DeliveryState::Settled if delivery.generation == 0 => {
                let needless = delivery.ending.is_some_and(was_not_needed);
                let discarded = delivery.ending == Some(Ending::Discarded) && !named;
                if needless || discarded || candidate.repeated || self.is_overtaken(delivery)? {
                    Ok(Act::Skip)
                } else if candidate.has_content {
                    Ok(Act::Deliver)
                } else {
                    Ok(Act::Pruned)
                }
            }
            _ => Ok(Act::Skip),
        }
    }

    fn is_overtaken(&self, delivery: &Delivery) -> Decision<bool> {
        if !matches!(delivery.effect, Effect::Create | Effect::Change | Effect::Cancel) {
            return Ok(false);
        }
        let newest = self.entities(&delivery.entity_key())?.and_then(|state| state.enqueued_at());
        Ok(newest.is_some_and(|newest| newest.at != delivery.moment.at))
    }

    fn deliver_again(&mut self, id: i64, replay: &Replay) -> Decision<()> {
        let lane = self.delivery(id)?.lane_key();
        match replay.generation {
            None => self.reopen(id, replay.now)?,
            Some(generation) => self.post_on_purpose(id, generation, replay.now)?,
        }
        self.promote(&lane, replay.now).map(|_| ())
    }

    /// Opens a settled delivery again, under its key: the target is asked first if it may have it.
    fn reopen(&mut self, id: i64, now: Millis) -> Decision<()> {
        self.requeue(id, now)?;
        self.change(id, |delivery| {
            (delivery.due_at, delivery.not_before) = (now, Millis(0));
            delivery.ending = None;
            (delivery.attempts, delivery.failures, delivery.finds) = (0, 0, 0);
            delivery.look_up = delivery.sent != Sent::No;
        })
    }

    /// Makes another delivery of the same event, with a key of its own. It carries what the old one carried: a newer
    /// event's content where that joined.
    fn post_on_purpose(&mut self, id: i64, generation: u32, now: Millis) -> Decision<()> {
        let number = self.next_delivery()?;
        let old = self.delivery(id)?;
        let purpose = Purpose {
            id: number,
            event: old.event,
            generation,
            lane: old.lane_key(),
            entity: Arc::clone(&old.entity),
            effect: old.effect,
            moment: old.moment,
        };
        let delivery = Delivery {
            carries: old.carries,
            follows_books: old.follows_books,
            until_posted: old.until_posted,
            ..Delivery::new(purpose, Millis(0), now)
        };
        self.add(delivery);
        Ok(())
    }
}

/// True for deliveries that were never sent, because something else was.
fn was_not_needed(ending: Ending) -> bool {
    use Ending::{Annulled, Conflict, Echo, Joined, SameSale, Stale};
    matches!(ending, Stale | Joined | Annulled | Echo | Conflict | SameSale)
}
