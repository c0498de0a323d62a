//! Raw requests: accepted once, claimed to be read, set aside when they cannot be.

use std::sync::Arc;

use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;

use super::time::is_full;
use crate::applied::{Accepted, Applied};
use crate::changes::Append;
use crate::command::{Accept, ClaimInbounds};
use crate::database::{Answer, Question, ReadSet};
use crate::error::Error;
use crate::rows::{InboundRow, InboundState};
use crate::state::{Decision, State};
use crate::view::Inbound;

/// How many postponed requests one command makes due.
const MADE_DUE_AT_ONCE: u32 = 1000;

impl State<'_> {
    pub(super) fn accept(&mut self, accept: &Accept) -> Decision<Applied> {
        let key = accept.dedupe_key();
        let known = self.inbound_keys(&key)?.copied();
        if let (true, Some(inbound)) = (self.safeguards().dedupe(), known) {
            return Ok(Applied::Accepted(Accepted { inbound, duplicate: true }));
        }
        let inbound = self.next_inbound()?;
        self.set_inbound(
            inbound,
            Some(InboundRow {
                connector: accept.connector.as_str().into(),
                received_at: accept.received_at,
                state: InboundState::Pending,
                due_at: accept.lease.map_or(accept.received_at, |lease| accept.received_at.plus(lease)),
                leased: accept.lease.is_some(),
                attempts: 0,
                trace: accept.trace.as_str().into(),
                has_body: true,
            }),
        );
        let request = Arc::new(accept.request.clone());
        self.append(Append::Body { inbound, day: accept.received_at.day(), request });
        if known.is_none() {
            self.set_inbound_key(key, Some(inbound));
        }
        Ok(Applied::Accepted(Accepted { inbound, duplicate: false }))
    }

    pub(super) fn claim_inbounds(&mut self, claim: &ClaimInbounds) -> Decision<Applied> {
        let connector = claim.connector.as_str().into();
        let question = Question::DueInbounds { connector, now: claim.now, limit: claim.limit };
        let Answer::Inbounds(due) = self.ask(question)? else { return Ok(Applied::Inbounds(Vec::new())) };
        let mut leased = Vec::with_capacity(due.len());
        for inbound in due.clone() {
            // An earlier command of the unit may have taken or finished it.
            let row = self.inbounds(&inbound.id)?.filter(|row| row.state == InboundState::Pending);
            if let Some(row) = row.filter(|row| row.due_at <= claim.now).cloned() {
                let due_at = claim.now.plus(claim.lease);
                self.set_inbound(inbound.id, Some(InboundRow { due_at, leased: true, ..row.clone() }));
                leased.push(Inbound { attempts: row.attempts, ..inbound });
            }
        }
        Ok(Applied::Inbounds(leased))
    }

    pub(super) fn postpone(&mut self, inbound: i64, due_at: Millis) -> Decision<Applied> {
        let row = self.pending(inbound)?;
        let attempts = row.attempts.saturating_add(1);
        self.set_inbound(inbound, Some(InboundRow { due_at, attempts, leased: false, ..row }));
        Ok(Applied::Done)
    }

    pub(super) fn quarantine(&mut self, inbound: i64, problem: &Problem) -> Decision<Applied> {
        let row = self.pending(inbound)?;
        let state = InboundState::Quarantined(problem.clone());
        self.set_inbound(inbound, Some(InboundRow { state, leased: false, ..row }));
        Ok(Applied::Done)
    }

    /// Makes postponed requests of a connector due at once. Answers whether there are more.
    pub(super) fn stop_postponing(&mut self, connector: &Arc<str>, now: Millis) -> Decision<bool> {
        let connector = Arc::clone(connector);
        let question = Question::InboundsDueLater { connector, now, limit: MADE_DUE_AT_ONCE };
        let Answer::Numbers(later) = self.ask(question)? else { return Ok(false) };
        let later = later.clone();
        self.want(ReadSet { inbounds: later.iter().copied().collect(), ..ReadSet::default() });
        let mut made_due = false;
        for inbound in &later {
            let row = self.known_inbound(*inbound)?;
            if row.state == InboundState::Pending && !row.leased && row.due_at > now {
                self.set_inbound(*inbound, Some(InboundRow { due_at: now, ..row }));
                made_due = true;
            }
        }
        // Where a part of that size holds leased ones alone, what follows is due when it would have been.
        Ok(made_due && is_full(&later, MADE_DUE_AT_ONCE))
    }

    /// Ends leases of a host that is no more: what it was reading is due at once. Answers how many, and whether there
    /// are more.
    pub(super) fn end_leases(&mut self, now: Millis, limit: u32) -> Decision<(u64, bool)> {
        let Answer::Numbers(leased) = self.ask(Question::LeasedInbounds { limit })? else {
            return Ok((0, false));
        };
        let leased = leased.clone();
        self.want(ReadSet { inbounds: leased.iter().copied().collect(), ..ReadSet::default() });
        let mut count = 0;
        for inbound in &leased {
            let row = self.known_inbound(*inbound)?;
            if row.leased {
                self.set_inbound(
                    *inbound,
                    Some(InboundRow { leased: false, due_at: row.due_at.min(now), ..row }),
                );
                count += 1;
            }
        }
        Ok((count, is_full(&leased, limit)))
    }

    pub(super) fn reread(&mut self, inbound: i64, by: &str, now: Millis) -> Decision<Applied> {
        let row = self.known_inbound(inbound)?;
        if !matches!(row.state, InboundState::Quarantined(_)) || !row.has_body {
            return Err(wrong_state(inbound, &row.state).into());
        }
        let state = InboundState::Pending;
        self.set_inbound(inbound, Some(InboundRow { state, due_at: now, attempts: 0, ..row }));
        self.audit(by, "inbound.reread", &inbound.to_string(), "", now);
        Ok(Applied::Done)
    }

    /// An inbound that has yet to be read.
    pub(super) fn pending(&self, inbound: i64) -> Decision<InboundRow> {
        let row = self.known_inbound(inbound)?;
        match row.state {
            InboundState::Pending => Ok(row),
            ref state => Err(wrong_state(inbound, state).into()),
        }
    }

    fn known_inbound(&self, inbound: i64) -> Decision<InboundRow> {
        let unknown = || Error::Unknown { what: "inbound", id: inbound.to_string() };
        Ok(self.inbounds(&inbound)?.cloned().ok_or_else(unknown)?)
    }
}

fn wrong_state(inbound: i64, state: &InboundState) -> Error {
    let state = match state {
        InboundState::Pending => "pending",
        InboundState::Read => "read",
        InboundState::Quarantined(_) => "quarantined",
    };
    Error::WrongState { what: "inbound", id: inbound, state: state.to_owned() }
}
