//! What the targets answer, and what goes wrong on the way.

use crossdock_model::connector::{Failure, Found, Outcome, Receipt, Throttle, Unmapped};
use crossdock_rules::outcome::{Answer, Fault};
use rand::Rng as _;

use super::super::samples::*;
use super::super::target::{Content, Request, Violation, half, receipt};
use super::{Call, Game, SINKS};

impl Game {
    pub(super) fn reply(&mut self, call: &Call) -> Result<Answer, Violation> {
        if call.find { Ok(self.find_reply(call)) } else { self.send_reply(call) }
    }

    /// Whether a call can fail without becoming a person's matter. At the shop nothing does: what a person has to decide
    /// is awaited by no echo.
    fn may_fail(call: &Call) -> bool {
        SINKS[call.sink] == ERP || call.claimed.attempts + call.claimed.failures == 0
    }

    fn find_reply(&mut self, call: &Call) -> Answer {
        let failed = |failure| Answer::Found(Found::Failed(failure));
        match self.dice.random_range(0..20) {
            _ if !Self::may_fail(call) => self.found(call),
            0 => failed(Failure::Unavailable(problem("down", "it is down"))),
            1 => Answer::Found(Found::Pending),
            2 => Answer::Failed { fault: Fault::Trap, problem: problem("plugin-failed", "it trapped") },
            _ => self.found(call),
        }
    }

    pub(super) fn found(&mut self, call: &Call) -> Answer {
        self.targets[call.sink].note_certain(&call.request);
        Answer::Found(match self.targets[call.sink].find(&call.request) {
            Found::Present(_) => Found::Present(self.receipt(&call.request)),
            found => found,
        })
    }

    fn receipt(&self, request: &Request) -> Receipt {
        let written = self.deck.writes.iter().filter(|(key, _)| *key == request.key);
        Receipt { written: written.map(|(_, written)| written.clone()).collect(), ..receipt() }
    }

    pub(super) fn truth(&mut self, call: &Call) -> Result<Answer, Violation> {
        let outcome = match self.targets[call.sink].deliver(&call.request)? {
            Outcome::Posted(_) => Outcome::Posted(self.receipt(&call.request)),
            outcome => outcome,
        };
        Ok(Answer::Outcome(outcome))
    }

    fn send_reply(&mut self, call: &Call) -> Result<Answer, Violation> {
        let (sink, request) = (call.sink, &call.request);
        let is_erp = SINKS[sink] == ERP;
        let outcome = match self.dice.random_range(0..40) {
            _ if !Self::may_fail(call) => return self.truth(call),
            0..3 => {
                self.meet(sink, request)?;
                Outcome::Unknown(problem("no-answer", "the connection broke"))
            }
            3 => {
                self.meet(sink, request)?;
                let fault = if self.dice.random() { Fault::Trap } else { Fault::Deadline };
                return Ok(Answer::Failed { fault, problem: problem("plugin-failed", "it failed") });
            }
            4 => Outcome::Unavailable(problem("down", "it is down")),
            5 => Outcome::Throttled(Throttle { after_ms: Some(3000), message: "it is busy".into() }),
            6 if is_erp => Outcome::Rejected(problem("refuses", "it refuses")),
            7 if is_erp => {
                let value = request.key.replace('/', "-");
                Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value }])
            }
            8 if is_erp && self.targets[sink].would_book(request) && !request.resumed => {
                self.targets[sink].carry_out_in_part(request);
                Outcome::Partial(half())
            }
            9 if is_erp && self.targets[sink].would_book(request) => {
                self.targets[sink].carry_out(request)?;
                Outcome::Received(receipt())
            }
            10 if is_erp && request.content == Content::Refund => {
                Outcome::NotYet(request.order.parse().expect("a lane is the identity of an order"))
            }
            11 if is_erp && self.dice.random_range(0..10) == 0 => {
                Outcome::Unauthorized(problem("401", "it does not let us in"))
            }
            _ => return self.truth(call),
        };
        Ok(Answer::Outcome(outcome))
    }
}
