//! How a game ends: everything comes to rest, and the books are compared.

use super::super::lane_rows::Lanes;
use super::super::samples::*;
use super::super::target::Violation;
use super::{ALL, Game, LEASE, ROUNDS, SINKS, Then};
use crate::{Claim, Command};

impl Game {
    /// Lets everything come to its end, and compares the books.
    pub(super) async fn drain(&mut self) -> Result<(), Violation> {
        for round in 0..ROUNDS {
            let calls = std::mem::take(&mut self.calls);
            for call in calls.into_values() {
                let answer = if call.find { self.found(&call) } else { self.truth(&call)? };
                let settle = self.settle(&call, answer);
                self.apply(vec![(settle, Then::Settled(call.sink))]).await?;
            }
            self.pass(40)?;
            let now = self.now();
            let lanes = self.look().await?;
            if self.deck_waits() && lanes.values().flatten().all(|row| row.state == "settled") {
                return self.compare(&lanes);
            }
            let mut group = Vec::new();
            while let Some(card) = self.deck.deal(&self.targets) {
                group.push((self.admit(card), Then::Nothing));
            }
            for sink in std::mem::take(&mut self.paused) {
                let connector = SINKS[sink].to_owned();
                group.push((Command::Resume { connector, by: "person".into(), now }, Then::Nothing));
            }
            for row in lanes.values().flatten().filter(|row| row.state == "received") {
                group.push((
                    Command::Confirm { delivery: row.id, references: Vec::new(), now },
                    Then::Nothing,
                ));
            }
            for row in std::mem::take(&mut self.exceptions) {
                // What has no order there after all is given up by a person.
                group.push((self.decide(&row, round > ROUNDS / 2), Then::Maybe));
            }
            group.push((Command::Expire { now, limit: ALL }, Then::Nothing));
            let (connector, wait_limit) = (ERP.to_owned(), self.policy.parent_wait_limit);
            group.push((Command::Overdue { connector, now, wait_limit, limit: ALL }, Then::Nothing));
            group.push((Command::ReleaseAwaiting { now, limit: ALL }, Then::Nothing));
            for (sink, connector) in SINKS.iter().enumerate() {
                let (connector, keys) = ((*connector).to_owned(), self.policy.keys);
                let claim = Claim { connector, limit: ALL, now, lease: LEASE, keys };
                group.push((Command::Claim(claim), Then::Claimed(sink)));
            }
            self.apply(group).await?;
        }
        let lanes = self.look().await?;
        let open: Vec<_> = lanes.values().flatten().filter(|row| row.state != "settled").collect();
        Err(format!("something never comes to rest: {open:#?}; still to arrive: {:?}", self.deck))
    }

    fn compare(&self, lanes: &Lanes) -> Result<(), Violation> {
        for (at, reported) in self.deck.reported.iter().enumerate() {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let order = order_id(number);
            let rows = lanes.get(&(ERP.to_owned(), order.clone())).map(Vec::as_slice).unwrap_or_default();
            let annulled = rows.iter().any(|row| row.ending.as_deref() == Some("annulled"));
            let book = self.targets[0].books.get(&order).cloned().unwrap_or_default();
            reported.compare(&book, annulled).map_err(|why| format!("{order}: {why}\n{rows:#?}"))?;
        }
        Ok(())
    }
}
