//! What time and operators do to deliveries.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::outcome;
use crossdock_rules::outcome::code;

use super::batch::Batch;
use super::delivery::{Delivery, Purpose, columns};
use super::replay;
use super::sql::{Args, Cells, execute, fetch};
use crate::command::{Applied, Command, Moved, Replay, Retain};
use crate::view::Pause;
use crate::{Error, Result};

impl Batch<'_> {
    /// The commands that are rare.
    pub(super) async fn operate(&mut self, command: &Command) -> Result<Applied> {
        // They look at the database itself, so it has to know what the group has done so far.
        self.flush().await?;
        match command {
            Command::Quarantine { inbound, problem } => self.quarantine(*inbound, problem).await,
            Command::Reread { inbound, by, now } => self.reread(*inbound, by, *now).await,
            Command::Confirm { delivery, references, now } => self.confirm(*delivery, references, *now).await,
            Command::Expire { now } => self.expire(*now).await,
            Command::TakeOver { now } => self.take_over_all(*now).await,
            Command::Overdue { connector, now, waiting } => self.overdue(connector, *now, *waiting).await,
            Command::Retry { delivery, by, now } => self.retry(*delivery, by, *now).await,
            Command::Discard { delivery, why, by, now } => self.discard(*delivery, why, by, *now).await,
            Command::Replay(replay) => self.replay(replay).await,
            Command::Pause { connector, why, by, now } => {
                self.audit(by, "connector.pause", connector, &why.message, *now).await?;
                let pause = Pause { code: why.code.clone(), message: why.message.clone(), since: *now };
                self.pause(&Arc::from(connector.as_str()), pause);
                Ok(Applied::Done)
            }
            Command::Resume { connector, by, now } => self.resume(connector, by, *now).await,
            Command::ErasePerson { subject, by, now } => self.erase(subject, by, *now).await,
            Command::Retain(retain) => self.retain(retain).await,
            Command::PutToken { name, hash, by, now } => {
                let text = "INSERT INTO token (name, hash, created_at) VALUES (?, ?, ?) \
                            ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at";
                self.execute("keeping a token", text, |args| {
                    args.add(name.as_str()).add(hash.as_slice()).add(now.0);
                })
                .await?;
                self.audit(by, "token.put", name, "", *now).await?;
                Ok(Applied::Done)
            }
            Command::RevokeToken { name, by, now } => {
                let text = "DELETE FROM token WHERE name = ?";
                let gone = self.execute("revoking a token", text, |args| {
                    args.add(name.as_str());
                });
                if gone.await? == 0 {
                    return Err(Error::Unknown { what: "token", id: name.clone() });
                }
                self.audit(by, "token.revoke", name, "", *now).await?;
                Ok(Applied::Done)
            }
            Command::Audit { by, action, subject, detail, now } => {
                self.audit(by, action, subject, detail, *now).await?;
                Ok(Applied::Done)
            }
            Command::BumpIncarnation { incarnation, skip, now } => {
                self.bump(&incarnation.to_string(), *skip, *now).await
            }
            Command::PutMappings(put) => self.put_mappings(put).await,
            Command::PutStores(put) => self.put_stores(put).await,
            Command::PutSecret { name, value, expected, by, now } => {
                self.put_secret(name, value, *expected, by, *now).await
            }
            Command::RemoveSecret { name, by, now } => self.remove_secret(name, by, *now).await,
            Command::Rekey { to, by, now } => self.rekey(to, by, *now).await,
            Command::Choose { connector, plugin, previous, by, now } => {
                self.choose(connector, plugin.as_deref(), previous.as_deref(), by, *now).await
            }
            Command::HandedOver { file, now } => self.handed_over(*file, *now).await,
            Command::Accept(_)
            | Command::Admit(_)
            | Command::Claim(_)
            | Command::Settle(_)
            | Command::SettleAll(_)
            | Command::PutFiles(_) => Ok(Applied::Done),
        }
    }

    pub(super) async fn execute(
        &mut self,
        doing: &'static str,
        text: &'static str,
        fill: impl FnOnce(&mut Args),
    ) -> Result<u64> {
        execute(self.connection, doing, text, fill).await
    }

    pub(super) async fn audit(
        &mut self,
        by: &str,
        action: &str,
        subject: &str,
        detail: &str,
        now: Millis,
    ) -> Result<()> {
        let text = "INSERT INTO audit (at, by, action, subject, detail) VALUES (?, ?, ?, ?, ?)";
        self.execute("writing the audit", text, |args| {
            args.add(now.0).add(by).add(action).add(subject).add(detail);
        })
        .await?;
        Ok(())
    }

    async fn quarantine(&mut self, inbound: i64, problem: &Problem) -> Result<Applied> {
        let text = "UPDATE inbound SET state = 2, problem_code = ?, problem_message = ?, problem_field = ? \
                    WHERE id = ? AND state = 0";
        let done = self.execute("setting an inbound aside", text, |args| {
            args.add(problem.code.as_str())
                .add(problem.message.as_str())
                .add(problem.field.as_deref())
                .add(inbound);
        });
        if done.await? == 0 {
            return Err(self.why_not_pending(inbound).await?);
        }
        self.memory.pending.remove(&inbound);
        Ok(Applied::Done)
    }

    async fn reread(&mut self, inbound: i64, by: &str, now: Millis) -> Result<Applied> {
        let text = "UPDATE inbound SET state = 0, problem_code = NULL, problem_message = NULL, \
                    problem_field = NULL WHERE id = ? AND state = 2 \
                    AND EXISTS (SELECT 1 FROM inbound_body WHERE inbound = inbound.id)";
        let done = self.execute("reading an inbound again", text, |args| {
            args.add(inbound);
        });
        if done.await? == 0 {
            return Err(self.why_not_pending(inbound).await?);
        }
        self.memory.pending.insert(inbound);
        self.audit(by, "inbound.reread", &inbound.to_string(), "", now).await?;
        Ok(Applied::Done)
    }

    /// Reads deliveries into memory and answers their ids. Everything changed has been written before.
    async fn select(&mut self, text: &'static str, fill: impl FnOnce(&mut Args)) -> Result<Vec<i64>> {
        let mut ids = Vec::new();
        for row in fetch(self.connection, "looking for deliveries", text, fill).await? {
            let row = Delivery::take(&mut Cells::of(&row))?;
            ids.push(row.id);
            self.memory.deliveries.entry(row.id).or_insert(row);
        }
        let places: Vec<_> =
            ids.iter().filter_map(|id| self.memory.deliveries.get(id)).map(Delivery::place).collect();
        self.load_lanes(places).await?;
        Ok(ids)
    }

    async fn expire(&mut self, now: Millis) -> Result<Applied> {
        const LEASED: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM delivery WHERE state = 2 AND lease_until <= ? ORDER BY id LIMIT 1000"
        );
        const WAITING: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM delivery WHERE state = 3 AND due_at <= ? ORDER BY id LIMIT 1000"
        );
        let lost = self.select(LEASED, |args| {
            args.add(now.0);
        });
        let lost = lost.await?;
        let mut count = lost.len();
        for id in lost {
            self.lose(id, now).await?;
        }
        let patient = self.select(WAITING, |args| {
            args.add(now.0);
        });
        let patient = patient.await?;
        count += patient.len();
        for id in patient {
            if let Some(held) = self.let_go(id) {
                self.landed(id, held, now).await?;
                continue;
            }
            let row = self.delivery(id).await?;
            let (place, referent, since) = (row.place(), row.waits_for.clone(), row.waiting_since);
            self.back_in_line(id, now).await?;
            let row = self.change(id)?;
            if row.state == DeliveryState::Queued {
                // It is only tried: until it is told otherwise, it waits for its referent since it first did.
                row.waits_for = referent;
                row.waiting_since = since;
            }
            self.promote(&place, now)?;
        }
        Ok(self.moved(count))
    }

    async fn take_over_all(&mut self, now: Millis) -> Result<Applied> {
        const SENDING: &str = concat!("SELECT ", columns!(), " FROM delivery WHERE state = 2 ORDER BY id");
        let lost = self.select(SENDING, |_| {}).await?;
        let count = lost.len();
        for id in lost {
            self.lose(id, now).await?;
        }
        Ok(self.moved(count))
    }

    /// Takes a claim away from somebody who did not settle it. Until this very moment they may have sent.
    async fn lose(&mut self, id: i64, now: Millis) -> Result<()> {
        let row = self.change(id)?;
        let (fence, number, find) = (row.fence, row.attempt + 1, row.find);
        row.state = DeliveryState::Ready;
        row.fence += 1;
        row.lease_until = 0;
        row.due_at = now.0;
        row.since = now.0;
        if !find {
            row.sent = row.sent.claimed();
            row.sent_at = row.sent_at.max(now.0);
            row.finds = 0;
        }
        row.find = true;
        row.reason = Some(Problem {
            code: "lost".into(),
            message: "the host stopped, or took too long, before the answer was recorded".into(),
            field: None,
        });
        let connector = Arc::clone(&row.connector);
        self.ready.insert(connector.to_string());
        self.piles.attempt.row(|args| {
            args.add(id)
                .add(fence)
                .add(number)
                .add(i64::from(find))
                .add(now.0)
                .add(now.0)
                .add("lost")
                .add("");
        });
        Ok(())
    }

    async fn overdue(
        &mut self,
        connector: &str,
        now: Millis,
        waiting: std::time::Duration,
    ) -> Result<Applied> {
        const WAITING: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM delivery WHERE state = 3 AND connector = ? AND waiting_since <= ? ORDER BY id LIMIT 1000"
        );
        const RECEIVED: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM delivery WHERE state = 4 AND connector = ? AND due_at <= ? ORDER BY id LIMIT 1000"
        );
        let since = now.0.saturating_sub(i64::try_from(waiting.as_millis()).unwrap_or(i64::MAX));
        let missing = self.select(WAITING, |args| {
            args.add(connector).add(since);
        });
        let missing = missing.await?;
        let late = self.select(RECEIVED, |args| {
            args.add(connector).add(now.0);
        });
        let late = late.await?;
        let count = missing.len() + late.len();
        let mut raised = Vec::with_capacity(count);
        for id in missing {
            let row = self.change(id)?;
            let referent = row.waits_for.as_deref().unwrap_or("what it refers to").to_owned();
            let message = format!("{referent} did not come in time");
            let problem = Problem { code: String::new(), message, field: None };
            self.except(id, code::REFERENT_MISSING, Some(problem), now)?;
            raised.push(self.raised(id)?);
        }
        for id in late {
            let row = self.change(id)?;
            let (at, since) = (Millis(row.due_at), Millis(row.since));
            let said = row.reason.as_ref().map(|reason| format!(" ({})", reason.message)).unwrap_or_default();
            let message =
                format!("{} received it at {since}{said} and has not confirmed it by {at}", row.connector);
            let problem = Problem { code: String::new(), message, field: None };
            self.except(id, code::OVERDUE, Some(problem), now)?;
            raised.push(self.raised(id)?);
        }
        let Applied::Moved(moved) = self.moved(count) else { return Ok(Applied::Done) };
        Ok(Applied::Moved(Moved { raised, ..moved }))
    }

    /// A delivery that is an exception, with its lane at hand.
    async fn exception(&mut self, id: i64) -> Result<&Delivery> {
        let row = self.delivery(id).await?;
        match row.state {
            DeliveryState::Exception => Ok(row),
            state => Err(Error::WrongState { what: "delivery", id, state: state.to_string() }),
        }
    }

    async fn retry(&mut self, id: i64, by: &str, now: Millis) -> Result<Applied> {
        let row = self.exception(id).await?;
        let (place, sent) = (row.place(), row.sent);
        let why = row.reason.as_ref().map_or_else(String::new, |reason| reason.code.clone());
        self.back_in_line(id, now).await?;
        let row = self.change(id)?;
        row.attempt = 0;
        row.failures = 0;
        row.finds = 0;
        // Who retries what nobody can look up has looked, and says: send it.
        let looked = why == outcome::code::OUTCOME_UNKNOWN;
        row.sent = if looked { Sent::No } else { sent };
        row.find = row.sent != Sent::No;
        self.promote(&place, now)?;
        self.audit(by, "exception.retry", &id.to_string(), &why, now).await?;
        Ok(self.moved(1))
    }

    async fn discard(&mut self, id: i64, why: &str, by: &str, now: Millis) -> Result<Applied> {
        let row = self.exception(id).await?;
        let (place, entity, advances) = (row.place(), Arc::clone(row.entity()), row.effect.advances());
        let reason = Problem { code: "discarded".into(), message: why.to_owned(), field: None };
        self.retire(id, Ending::Discarded, Some(reason), now)?;
        if advances {
            self.ended(&place, &entity, Ending::Discarded, now).await?;
        }
        self.promote(&place, now)?;
        self.audit(by, "exception.discard", &id.to_string(), why, now).await?;
        Ok(self.moved(1))
    }

    async fn replay(&mut self, replay: &Replay) -> Result<Applied> {
        let fit = replay::select(self.connection, &replay.filter, replay.generation).await?;
        let (mut count, skipped) = (0, fit.skipped);
        for id in fit.deliveries {
            self.load_deliveries([id]).await?;
            let Some(row) = self.memory.deliveries.get(&id) else { continue };
            let place = row.place();
            self.load_lanes([place.clone()]).await?;
            match replay.generation {
                None => self.again(id, replay.now)?,
                Some(generation) => self.on_purpose(id, generation, replay.now)?,
            }
            self.promote(&place, replay.now)?;
            count += 1;
        }
        for id in fit.exceptions {
            self.retry(id, &replay.by, replay.now).await?;
            count += 1;
        }
        let filter = serde_json::to_string(&replay.filter).unwrap_or_default();
        let what =
            replay.generation.map_or_else(|| "replay".to_owned(), |it| format!("replay, generation {it}"));
        self.audit(&replay.by, "events.replay", &what, &filter, replay.now).await?;
        let Applied::Moved(moved) = self.moved(count) else { return Ok(Applied::Done) };
        Ok(Applied::Moved(Moved { skipped, ..moved }))
    }

    /// Opens a settled delivery again, under its key: the target is asked first if it may have it.
    fn again(&mut self, id: i64, now: Millis) -> Result<()> {
        self.requeue(id, now)?;
        let row = self.change(id)?;
        row.ending = None;
        row.attempt = 0;
        row.failures = 0;
        row.finds = 0;
        row.find = row.sent != Sent::No;
        let (place, connector) = (row.place(), Arc::clone(&row.connector));
        self.memory.lanes.entry(place).or_default().insert(id);
        *self.settled.entry(connector).or_default() -= 1;
        Ok(())
    }

    /// Makes another delivery of the same event, with a key of its own.
    fn on_purpose(&mut self, id: i64, generation: u32, now: Millis) -> Result<()> {
        let unknown = || Error::Unknown { what: "delivery", id: id.to_string() };
        let old = self.memory.deliveries.get(&id).ok_or_else(unknown)?;
        let purpose = Purpose {
            id: self.memory.ids.delivery + 1,
            event: old.event,
            generation: i64::from(generation),
            place: old.place(),
            entity: Arc::clone(old.entity()),
        };
        // It carries what the old one carried: a newer event's content where that joined.
        let row = Delivery {
            payload_event: old.payload_event,
            holds: old.holds,
            ..Delivery::new(purpose, old.effect, old.at, now.0, now)
        };
        self.memory.ids.delivery = row.id;
        self.add(row);
        Ok(())
    }

    async fn resume(&mut self, connector: &str, by: &str, now: Millis) -> Result<Applied> {
        if self.memory.paused.remove(connector).is_some() {
            let text = "DELETE FROM paused WHERE connector = ?";
            self.execute("resuming a connector", text, |args| {
                args.add(connector);
            })
            .await?;
            self.audit(by, "connector.resume", connector, "", now).await?;
        }
        self.ready.insert(connector.to_owned());
        Ok(self.moved(0))
    }

    async fn erase(&mut self, subject: &str, by: &str, now: Millis) -> Result<Applied> {
        // A refund or a shipment names no customer: its data rests under the key of its order.
        let text = "UPDATE subject_key SET wrapped = NULL, erased_at = ?2 WHERE wrapped IS NOT NULL AND \
                    (subject = ?1 OR subject IN \
                    (SELECT coalesce(root, entity) FROM event WHERE event.subject = ?1))";
        let gone = self.execute("erasing a person", text, |args| {
            args.add(subject).add(now.0);
        });
        let gone = gone.await?;
        self.erased = true;
        self.subject_of.clear();
        self.memory.forget_people();
        self.audit(by, "person.erase", subject, "", now).await?;
        Ok(Applied::Moved(Moved { count: gone, ..Moved::default() }))
    }

    async fn retain(&mut self, retain: &Retain) -> Result<Applied> {
        let text = "DELETE FROM inbound_body WHERE day < ? \
                    AND inbound NOT IN (SELECT id FROM inbound WHERE state <> 1)";
        let day = retain.bodies_before.day();
        let bodies = self.execute("dropping bodies", text, |args| {
            args.add(day);
        });
        let count = bodies.await?;
        self.execute("dropping exchanges", "DELETE FROM exchange WHERE ended < ?", |args| {
            args.add(retain.exchanges_before.0);
        })
        .await?;
        self.retain_files(retain.bodies_before).await?;
        let text = "DELETE FROM day_key WHERE day < ? AND day NOT IN (SELECT day FROM inbound_body) \
                    AND day NOT IN (SELECT day FROM exchange WHERE day IS NOT NULL) \
                    AND day NOT IN (SELECT day FROM out_file_body)";
        self.execute("dropping days' keys", text, |args| {
            args.add(day);
        })
        .await?;
        // The keys of later days stay known: those who come after in this very group count on them.
        self.memory.days.retain(|known, _| *known >= day);
        self.erased = true;
        Ok(Applied::Moved(Moved { count, ..Moved::default() }))
    }

    async fn bump(&mut self, incarnation: &str, skip: u64, now: Millis) -> Result<Applied> {
        let text = "UPDATE delivery SET sent = 1, find = 1, sent_at = max(sent_at, ?1), finds = 0, \
                    fence = fence + iif(state = 2, 1, 0), lease_until = 0, \
                    state = iif(state = 2, 1, state) WHERE state <> 5";
        let count = self.execute("starting a new incarnation", text, |args| {
            args.add(now.0);
        });
        let count = count.await?;
        let skip = i64::try_from(skip).unwrap_or(i64::MAX);
        self.execute("skipping serial numbers", "UPDATE serial SET last = last + ?", |args| {
            args.add(skip);
        })
        .await?;
        self.execute("skipping sequence numbers", "UPDATE sequence SET last = last + ?", |args| {
            args.add(skip);
        })
        .await?;
        for last in self.memory.serials.values_mut() {
            *last = last.saturating_add(skip);
        }
        let text = "UPDATE meta SET value = ? WHERE name = 'incarnation'";
        self.execute("starting a new incarnation", text, |args| {
            args.add(incarnation);
        })
        .await?;
        self.memory.forget_deliveries();
        self.memory.landscape.flights.clear();
        self.memory.landscape.held.clear();
        self.execute("forgetting what waits", "DELETE FROM held", |_| {}).await?;
        self.audit("host", "database.restored", incarnation, "", now).await?;
        Ok(Applied::Moved(Moved { count, ..Moved::default() }))
    }

    /// The answer to a command that moved so many.
    fn moved(&mut self, count: usize) -> Applied {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Applied::Moved(Moved { count, ready: self.take_ready(), ..Moved::default() })
    }
}
