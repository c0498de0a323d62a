//! What time does to deliveries: leases run out, waiting ends, confirmations become overdue.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::lane::DeliveryState;

use super::lanes::reason;
use crate::applied::{Applied, Tally};
use crate::changes::Append;
use crate::command::AttemptKind;
use crate::database::Question;
use crate::delivery::{AWAITS_IN_FLIGHT_WRITE, Delivery};
use crate::mapping::EVERY_CONNECTOR;
use crate::rows::AttemptRecord;
use crate::state::{Decision, State};

/// How many overdue deliveries one command moves to other connectors: each of them reads several rows.
const MOVED_AT_ONCE: u32 = 64;

pub(super) fn is_full(ids: &[i64], limit: u32) -> bool {
    u32::try_from(ids.len()).unwrap_or(u32::MAX) >= limit
}

impl State<'_> {
    /// The answer to a command that moved so many.
    pub(super) fn tally(&mut self, count: u64) -> Tally {
        Tally { count, ready: self.take_ready(), ..Tally::default() }
    }

    pub(super) fn expire(&mut self, now: Millis, limit: u32) -> Decision<Applied> {
        let lost = self.ask_deliveries(Question::ExpiredLeases { now, limit })?;
        let waiting = self.ask_deliveries(Question::DueWaiting { now, limit })?;
        let more = is_full(&lost, limit) || is_full(&waiting, limit);
        self.read_ahead_lanes(&waiting)?;
        let mut count = 0;
        for id in lost {
            let delivery = self.delivery(id)?;
            if delivery.state == DeliveryState::Sending && delivery.lease_until <= now {
                self.lose(id, now)?;
                count += 1;
            }
        }
        for id in waiting {
            let delivery = self.delivery(id)?;
            if delivery.state == DeliveryState::Waiting && delivery.due_at <= now {
                self.stop_waiting(id, now)?;
                count += 1;
            }
        }
        Ok(Applied::Tally(Tally { more, ..self.tally(count) }))
    }

    /// The waiting time of a delivery is over: it is tried, or decided about.
    fn stop_waiting(&mut self, id: i64, now: Millis) -> Decision<()> {
        let delivery = self.delivery(id)?;
        if delivery.reason_is(AWAITS_IN_FLIGHT_WRITE)
            && let Some(wait) = self.in_flight_waits(&id)?.cloned()
        {
            self.set_in_flight_wait(id, None);
            return self.decide_waiting(id, &wait, now).map(|_| ());
        }
        let (lane, awaits, since) = (delivery.lane_key(), delivery.awaits.clone(), delivery.waiting_since);
        self.return_to_lane(id, now)?;
        if self.delivery(id)?.state == DeliveryState::Queued {
            // It is only tried: as far as is known, it has been waiting for its parent since it first did.
            self.change(id, |delivery| {
                delivery.awaits = awaits;
                delivery.waiting_since = since;
            })?;
        }
        self.promote(&lane, now).map(|_| ())
    }

    pub(super) fn recover_claims(&mut self, now: Millis, limit: u32) -> Decision<Applied> {
        let claimed = self.ask_deliveries(Question::Claimed { limit })?;
        let (mut count, more_leased) = self.end_leases(now, limit)?;
        let more = is_full(&claimed, limit) || more_leased;
        for id in claimed {
            if self.delivery(id)?.state == DeliveryState::Sending {
                self.lose(id, now)?;
                count += 1;
            }
        }
        Ok(Applied::Tally(Tally { more, ..self.tally(count) }))
    }

    /// Takes a claim away from a caller that did not settle it. Until this very moment it may have sent.
    fn lose(&mut self, id: i64, now: Millis) -> Decision<()> {
        let delivery = self.delivery(id)?;
        let (fence, number, looked_up) = (delivery.fence, delivery.attempts + 1, delivery.look_up);
        let connector = Arc::clone(&delivery.connector);
        let may_be_sent = self.safeguards().claim_record();
        self.change(id, |delivery| {
            delivery.state = DeliveryState::Ready;
            delivery.fence += 1;
            delivery.lease_until = Millis(0);
            delivery.due_at = now;
            delivery.since = now;
            if !looked_up && may_be_sent {
                delivery.sent = delivery.sent.claimed();
                delivery.sent_at = delivery.sent_at.max(now);
                delivery.finds = 0;
            }
            delivery.look_up = may_be_sent;
            let message = "the host stopped, or took too long, before the answer was recorded";
            delivery.reason = reason("lost", message);
        })?;
        self.note_ready(&connector);
        self.append(Append::Attempt(AttemptRecord {
            delivery: id,
            fence,
            number,
            kind: if looked_up { AttemptKind::Find } else { AttemptKind::Send },
            started: now,
            ended: now,
            outcome: "lost".into(),
            message: "".into(),
            exchange: None,
        }));
        Ok(())
    }

    pub(super) fn overdue(
        &mut self,
        connector: &str,
        now: Millis,
        wait_limit: Duration,
        limit: u32,
    ) -> Decision<Applied> {
        let connector: Arc<str> = connector.into();
        let before = Millis(now.0.saturating_sub(i64::try_from(wait_limit.as_millis()).unwrap_or(i64::MAX)));
        let waiting = Question::WaitingSince { connector: Arc::clone(&connector), before, limit };
        let unconfirmed = Question::Unconfirmed { connector, now, limit };
        let (waiting, unconfirmed) = (self.ask_deliveries(waiting)?, self.ask_deliveries(unconfirmed)?);
        let mut more = is_full(&waiting, limit) || is_full(&unconfirmed, limit);
        self.read_ahead_owners(&waiting)?;
        let (mut raised, mut moved) = (Vec::new(), 0);
        for id in waiting {
            let delivery = self.delivery(id)?;
            if delivery.state != DeliveryState::Waiting || delivery.waiting_since.is_none_or(|at| at > before)
            {
                continue;
            }
            if moved == MOVED_AT_ONCE {
                more = true;
                break;
            }
            if self.move_to_owner_of_awaited(id, now)? {
                moved += 1;
                continue;
            }
            let awaits = self.delivery(id)?.awaits.clone();
            let parent = awaits.as_deref().unwrap_or("what it refers to");
            let problem = problem(format!("{parent} did not come in time"));
            self.raise(id, code::REFERENT_MISSING, Some(problem), now)?;
            raised.push(self.raised(id)?);
        }
        for id in unconfirmed {
            let delivery = self.delivery(id)?;
            if delivery.state != DeliveryState::Received || delivery.due_at > now {
                continue;
            }
            let problem = problem(unconfirmed_message(delivery));
            self.raise(id, code::OVERDUE, Some(problem), now)?;
            raised.push(self.raised(id)?);
        }
        let count = u64::try_from(raised.len()).unwrap_or(u64::MAX).saturating_add(moved.into());
        Ok(Applied::Tally(Tally { raised, more, ..self.tally(count) }))
    }

    /// Releases more of the deliveries that await what is there by now.
    pub(super) fn release_pending(&mut self, now: Millis, limit: u32) -> Decision<Applied> {
        let pending = self.ask_pairs(Question::PendingReleases { limit: 1 })?;
        let mut count = 0;
        for (connector, key) in &pending {
            // The release notes anew that there is more, where there is.
            let release = (Arc::clone(connector), Arc::clone(key));
            self.releases(&release)?;
            self.set_release(release, None);
            let of = Some(connector).filter(|connector| ***connector != *EVERY_CONNECTOR);
            count += self.release_some(key, of, limit, now)?.1;
        }
        Ok(Applied::Tally(Tally { more: !pending.is_empty(), ..self.tally(count) }))
    }
}

fn problem(message: String) -> Problem {
    Problem { code: String::new(), message, field: None }
}

fn unconfirmed_message(delivery: &Delivery) -> String {
    let (at, since) = (delivery.due_at, delivery.since);
    let note = delivery.reason.as_ref().map(|reason| format!(" ({})", reason.message)).unwrap_or_default();
    format!("{} received it at {since}{note} and has not confirmed it by {at}", delivery.connector)
}
