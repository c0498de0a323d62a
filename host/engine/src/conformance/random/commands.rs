//! The next command, drawn by chance.

use std::collections::BTreeMap;

use crossdock_rules::code;
use crossdock_rules::outcome::{Answer, Fault, mapping_key, settle};
use rand::Rng as _;

use super::super::deck::SHOP;
use super::super::samples::*;
use super::super::target::Violation;
use super::{ALL, Call, Game, LEASE, SINKS, Then};
use crate::view::DeliveryRow;
use crate::{Attempt, AttemptKind, Claim, Command, MappingChange, PutMappings, Settle};

impl Game {
    pub(super) fn draw(&mut self) -> Result<Option<(Command, Then)>, Violation> {
        let now = self.now();
        Ok(Some(match self.dice.random_range(0..100) {
            0..30 => {
                let Some(card) = self.deck.deal(&self.targets) else { return Ok(None) };
                (self.admit(card), Then::Nothing)
            }
            30..45 => {
                let sink = usize::from(self.dice.random_range(0..4) == 0);
                let limit = self.dice.random_range(1..20);
                let claim = Claim {
                    connector: SINKS[sink].to_owned(),
                    limit,
                    now,
                    lease: LEASE,
                    keys: self.policy.keys,
                };
                (Command::Claim(claim), Then::Claimed(sink))
            }
            45..85 => {
                let nth = self.dice.random_range(0..=self.calls.len());
                let Some(delivery) = self.calls.keys().nth(nth).copied() else { return Ok(None) };
                let Some(call) = self.calls.remove(&delivery) else { return Ok(None) };
                let answer = self.reply(&call)?;
                (self.settle(&call, answer), Then::Settled(call.sink))
            }
            85..88 => {
                let (lost, calls) = std::mem::take(&mut self.calls)
                    .into_iter()
                    .partition(|(_, it)| it.claimed.lease_until <= now);
                self.calls = calls;
                BTreeMap::into_values(lost).try_for_each(|call| self.lose(call))?;
                (Command::Expire { now, limit: ALL }, Then::Nothing)
            }
            88..90 => {
                let wait_limit = self.policy.parent_wait_limit;
                let connector = ERP.to_owned();
                (Command::Overdue { connector, now, wait_limit, limit: ALL }, Then::Nothing)
            }
            90..93 => {
                let nth = self.dice.random_range(0..=self.lost.len());
                let Some((delivery, fence)) = self.lost.get(nth).copied() else { return Ok(None) };
                // Whoever lost the claim still answers.
                let Some(call) = self.calls.values().next() else { return Ok(None) };
                let problem = problem("late", "a late answer");
                let answer = Answer::Failed { fault: Fault::Lost, problem };
                let Command::Settle(settle) = self.settle(call, answer) else { return Ok(None) };
                (Command::Settle(Box::new(Settle { delivery, fence, ..*settle })), Then::Fenced)
            }
            93..96 => {
                let Some(sink) = self.paused.pop_first() else { return Ok(None) };
                (
                    Command::Resume { connector: SINKS[sink].to_owned(), by: "person".into(), now },
                    Then::Nothing,
                )
            }
            _ => {
                let nth = self.dice.random_range(0..=self.exceptions.len());
                if nth == self.exceptions.len() {
                    return Ok(None);
                }
                let row = self.exceptions.swap_remove(nth);
                let discards = self.dice.random_range(0..10) == 0;
                (self.decide(&row, discards), Then::Maybe)
            }
        }))
    }

    pub(super) fn settle(&self, call: &Call, answer: Answer) -> Command {
        let now = self.now();
        let context = call.claimed.call_context(call.find, false);
        let random = self.clock.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let attempt = Attempt {
            kind: if call.find { AttemptKind::Find } else { AttemptKind::Send },
            started: call.started,
            ended: now,
            outcome: "any".into(),
            message: String::new(),
            exchange: None,
        };
        Command::Settle(Box::new(Settle {
            delivery: call.claimed.delivery,
            fence: call.claimed.fence,
            settlement: settle(answer, &context, &self.policy, now, random),
            attempt,
            now,
        }))
    }

    /// What a person does about an exception.
    pub(super) fn decide(&mut self, row: &DeliveryRow, discards: bool) -> Command {
        let (delivery, by, now) = (row.id, "person".to_owned(), self.now());
        let sink = usize::from(row.connector == SHOP);
        let code = row.reason.as_ref().map_or("", |reason| reason.code.as_str());
        if code == code::REFERENT_MISSING {
            self.targets[sink].book(&row.lane).forced = true;
        }
        if let (code::UNMAPPED, Some(value)) = (code, &row.waits_for) {
            let value = value.trim_start_matches(&mapping_key("sku", "")).to_owned();
            if !self.mapped.insert(value.clone()) {
                // It is mapped already: whoever sees that has it tried again.
                return Command::Retry { delivery, by, now };
            }
            let change = MappingChange {
                connector: ERP.into(),
                table: "sku".into(),
                value,
                target: Some("mapped".into()),
            };
            return Command::PutMappings(PutMappings {
                changes: vec![change],
                by,
                now,
                ..PutMappings::default()
            });
        }
        if !discards {
            return Command::Retry { delivery, by, now };
        }
        // Whatever is given up of an order, the rest of it is only looked at for duplicates.
        let order = row.lane.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        if let Some(reported) = order.and_then(|order| self.deck.reported.get_mut(order - 1)) {
            reported.give_up(None);
        }
        Command::Discard { delivery, why: "given up".into(), by, now }
    }
}
