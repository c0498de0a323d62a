//! Operators' acts on deliveries and connectors, and their record.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use uuid::Uuid;

use crate::applied::{Applied, Tally};
use crate::changes::Append;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::plugin_choice::PluginChoice;
use crate::rows::AuditRecord;
use crate::state::{Decision, State};
use crate::view::Pause;

impl State<'_> {
    /// Records an operator's act.
    pub(super) fn audit(&mut self, by: &str, action: &str, subject: &str, detail: &str, now: Millis) {
        self.append(Append::Audit(AuditRecord {
            at: now,
            by: by.into(),
            action: action.into(),
            subject: subject.into(),
            detail: detail.into(),
        }));
    }

    fn exception(&self, id: i64) -> Decision<&Delivery> {
        let delivery = self.delivery(id)?;
        match delivery.state {
            DeliveryState::Exception => Ok(delivery),
            state => Err(Error::WrongState { what: "delivery", id, state: state.to_string() }.into()),
        }
    }

    pub(super) fn retry(&mut self, id: i64, by: &str, now: Millis) -> Decision<Tally> {
        let delivery = self.exception(id)?;
        let (lane, sent) = (delivery.lane_key(), delivery.sent);
        let why = delivery.reason.as_ref().map_or_else(String::new, |reason| reason.code.clone());
        // Whoever retries what no target can be asked about has looked, and says: it is not there.
        let sent = if why == code::OUTCOME_UNKNOWN { Sent::No } else { sent };
        // Whoever retries it wants it sent now.
        self.change(id, |delivery| delivery.not_before = Millis(0))?;
        // While it counts as sent, newer states stand behind it: what the person found to be lacking is sent first.
        self.return_to_lane(id, now)?;
        self.change(id, |delivery| {
            (delivery.attempts, delivery.failures, delivery.finds) = (0, 0, 0);
            delivery.sent = sent;
            delivery.look_up = sent != Sent::No;
        })?;
        self.promote(&lane, now)?;
        self.audit(by, "exception.retry", &id.to_string(), &why, now);
        Ok(self.tally(1))
    }

    pub(super) fn discard(&mut self, id: i64, why: &str, by: &str, now: Millis) -> Decision<Applied> {
        let delivery = self.exception(id)?;
        let (lane, entity) = (delivery.lane_key(), delivery.entity_key());
        let (advances, sent) = (delivery.effect.advances(), delivery.sent);
        let reason = Problem { code: "discarded".into(), message: why.to_owned(), field: None };
        self.retire(id, Ending::Discarded, Some(reason), now)?;
        match (advances, sent) {
            (false, _) => {}
            (true, Sent::No) => drop(self.ended(&lane, &entity.entity, Ending::Discarded, now)?),
            // It may be there: what comes after it is sent, and not cancelled out as if nothing had been sent.
            (true, Sent::Maybe | Sent::Yes) => {
                // Whoever lets the state be has let the differences be that it contains.
                self.end_needless(id, now)?;
                self.arrived(&entity, &lane, now)?;
            }
        }
        self.promote(&lane, now)?;
        self.resolve_in_flight(id, now)?;
        self.audit(by, "exception.discard", &id.to_string(), why, now);
        Ok(Applied::Tally(self.tally(1)))
    }

    pub(super) fn pause_by(
        &mut self,
        connector: &str,
        why: &Problem,
        by: &str,
        now: Millis,
    ) -> Decision<Applied> {
        let connector: Arc<str> = connector.into();
        self.pauses(&connector)?;
        self.audit(by, "connector.pause", &connector, &why.message, now);
        let pause = Pause { code: why.code.clone(), message: why.message.clone(), since: now };
        self.set_pause(connector, Some(pause));
        Ok(Applied::Done)
    }

    pub(super) fn resume(&mut self, connector: &str, by: &str, now: Millis) -> Decision<Applied> {
        let connector: Arc<str> = connector.into();
        if self.pauses(&connector)?.is_some() {
            self.set_pause(Arc::clone(&connector), None);
            self.audit(by, "connector.resume", &connector, "", now);
        }
        self.note_ready(&connector);
        let more = self.stop_postponing(&connector, now)?;
        Ok(Applied::Tally(Tally { more, ..self.tally(0) }))
    }

    pub(super) fn put_token(
        &mut self,
        name: &str,
        hash: &[u8; 32],
        by: &str,
        now: Millis,
    ) -> Decision<Applied> {
        let key: Arc<str> = name.into();
        self.tokens(&key)?;
        self.set_token(key, Some((*hash, now)));
        self.audit(by, "token.put", name, "", now);
        Ok(Applied::Done)
    }

    pub(super) fn revoke_token(&mut self, name: &str, by: &str, now: Millis) -> Decision<Applied> {
        let key: Arc<str> = name.into();
        if self.tokens(&key)?.is_none() {
            return Err(Error::Unknown { what: "token", id: name.to_owned() }.into());
        }
        self.set_token(key, None);
        self.audit(by, "token.revoke", name, "", now);
        Ok(Applied::Done)
    }

    pub(super) fn choose_plugin(
        &mut self,
        connector: &str,
        plugin: Option<&str>,
        previous: Option<&str>,
        by: &str,
        now: Millis,
    ) -> Decision<Applied> {
        self.append(Append::PluginChoice(PluginChoice {
            connector: connector.to_owned(),
            current: plugin.map(str::to_owned),
            previous: previous.map(str::to_owned),
            at: now,
            by: by.to_owned(),
        }));
        self.audit(by, "plugin.choose", connector, plugin.unwrap_or("as configured"), now);
        Ok(Applied::Done)
    }

    pub(super) fn start_incarnation(
        &mut self,
        incarnation: Uuid,
        skip: u64,
        now: Millis,
    ) -> Decision<Applied> {
        self.append(Append::StartIncarnation { incarnation, skip, at: now });
        self.audit("host", "database.restored", &incarnation.to_string(), "", now);
        Ok(Applied::Tally(Tally::default()))
    }
}
