//! What is told to the partner: one interchange a call, with every message of the call.

mod charges;
mod handed;
mod message;
mod party;
mod purchase;
mod text;
mod told;

use std::collections::BTreeSet;

use crossdock_sdk::prelude::*;
use jiff::Timestamp;
use message::{Head, Numbers};
use purchase::Rules;
use serde::Deserialize;
use told::Told;

use crate::interchange;
use crate::settings::Settings;
use crate::tables::{Dictionary, Tables};
use crate::time;
use crate::x12::{Draft, GroupDraft};

pub(crate) use text::bytes;
pub(crate) use told::is_cancelled;

/// What the order is there, as the `kind` of a reference.
pub(crate) const PURCHASE_ORDER: &str = "purchase-order";
/// A message, as the `kind` of a reference.
pub(crate) const MESSAGE: &str = "message";

/// A message to be, and what its receipt will say.
struct Message {
    draft: Draft,
    references: Vec<Reference>,
}

/// Tells the partner: an outcome for each piece of work, and one file for those that are told.
pub(crate) fn deliver(work: &[Work]) -> Vec<Outcome> {
    let desk = match Desk::open() {
        Ok(desk) => desk,
        Err(problem) => return work.iter().map(|_| problem.clone().into()).collect(),
    };
    let mut numbers = BTreeSet::new();
    let answers: Vec<Result<Message, Outcome>> =
        work.iter().map(|work| desk.message(work, &mut numbers)).collect();
    desk.send(answers)
}

/// What is known of work without handing anything over.
pub(crate) fn find(work: &Work) -> Found {
    match handed::before(work) {
        Some(Outcome::AlreadyThere(receipt) | Outcome::Received(receipt)) => Found::Present(receipt),
        _ => Found::Absent,
    }
}

/// What an order's number at the partner is made of.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Called {
    /// The number that people see.
    #[default]
    Number,
    /// The id in the order's source.
    Id,
    /// The serial number of the delivery that orders it.
    Serial,
}

/// What is needed to write messages.
struct Desk {
    settings: Settings,
    rules: Rules,
    order_type: String,
    prefix: String,
    called: Called,
    dictionary: Dictionary,
}

impl Desk {
    fn open() -> Result<Self, Problem> {
        Ok(Self {
            settings: Settings::read()?,
            rules: Rules::read()?,
            order_type: config::find("order-type")?.unwrap_or_else(|| "SA".to_owned()),
            prefix: config::find("po-prefix")?.unwrap_or_default(),
            called: config::find("po-number")?.unwrap_or_default(),
            dictionary: Dictionary::default(),
        })
    }

    /// The message for a piece of work, or why there is none. `given` are the order numbers of this call.
    fn message(&self, work: &Work, given: &mut BTreeSet<String>) -> Result<Message, Outcome> {
        let change = match &work.event.fact {
            Fact::Order(change) => change,
            Fact::OrderEdited(_) => {
                let why =
                    "an edit tells neither article nor price: the order's snapshot follows, and is told";
                return Err(Outcome::Ignored(why.into()));
            }
            other => return Err(Outcome::Ignored(format!("the partner is not told of {}", other.kind()))),
        };
        let order = &change.order;
        if order.test && self.settings.usage == "P" {
            return Err(Outcome::Ignored("it is a test order, and the partner is told of real ones".into()));
        }
        if let Some(before) = handed::before(work) {
            return Err(before);
        }
        let known = work.reference(PURCHASE_ORDER);
        let cancelled = change.is_cancelled();
        if cancelled && known.is_none() {
            return Err(Outcome::Ignored("it was cancelled before it was ordered".into()));
        }
        let places = change.operation == OrderOperation::Placed || known.is_none();
        let left = matches!(order.fulfilment, FulfilmentState::Fulfilled | FulfilmentState::Restocked);
        if left && known.is_some() && !places && !cancelled {
            return Err(Outcome::Ignored("the goods have left: there is nothing to change".into()));
        }
        let po = self.number(work, order, known)?;
        if !given.insert(po.clone()) {
            let message = format!("the order number {po} is another order's in the same interchange");
            return Err(Problem::new("po-number-taken", message).at("number").into());
        }
        let tables = Tables::read(&self.dictionary)?;
        let written = self.write(work, change, &po, known.filter(|_| !places || cancelled), &tables);
        let missing = tables.missing();
        if missing.is_empty() { written } else { Err(Outcome::Unmapped(missing)) }
    }

    fn write(
        &self,
        work: &Work,
        change: &OrderChange,
        po: &str,
        changes: Option<&Reference>,
        tables: &Tables<'_>,
    ) -> Result<Message, Outcome> {
        let (settings, order) = (&self.settings, &change.order);
        let day =
            |text: &str| time::day_of(text).ok_or_else(|| Problem::new("invalid-date", "a day is none"));
        let ordered_on = day(order.business_date.as_deref().unwrap_or(&order.placed_at))?;
        let changed_on = day(&work.event.occurred_at)?;
        let head = |change| Head {
            order_type: &self.order_type,
            po,
            ordered_on: &ordered_on,
            changed_on: &changed_on,
            change,
        };
        if changes.is_some() && change.is_cancelled() {
            let Some(told) = Told::cancelled(work) else {
                return Err(Outcome::Ignored("the partner was told that it is cancelled".into()));
            };
            let number = change_number();
            let draft = message::cancel(&head(&number), &order.currency);
            let mut references = told.references(po, Told::before(work));
            references.push(change_reference(&number));
            references.push(handed::reference(work, &interchange::change_id(&number)));
            return Ok(Message { draft, references });
        }
        let purchase = purchase::purchase(&work.event.entity, order, settings, &self.rules, tables)?;
        let mut lines = Numbers::of(work.reference(PURCHASE_ORDER));
        let (now, before) = (Told::of(&purchase, work.serial), Told::before(work));
        let mut references = Vec::new();
        let draft = if changes.is_some() {
            let number = change_number();
            references.push(change_reference(&number));
            references.push(handed::reference(work, &interchange::change_id(&number)));
            message::change(&head(&number), &purchase, before.as_ref(), &now, &mut lines)?
                .ok_or_else(|| Outcome::Ignored("nothing that the partner is told of has changed".into()))?
        } else {
            if purchase.items.iter().all(|item| item.quantity.is_zero()) {
                return Err(Outcome::Ignored("nothing of it is left to be ordered".into()));
            }
            references.push(handed::reference(work, handed::ORDER));
            message::order(&head(""), &purchase, &mut lines)?
        };
        let number = Some(po.to_owned());
        references.push(Reference { number, lines: lines.lines(), ..Reference::new(PURCHASE_ORDER, po) });
        references.extend(now.references(po, before));
        Ok(Message { draft, references })
    }

    /// The number of the partner's order: the one that it has, else the one that it gets.
    fn number(&self, work: &Work, order: &Order, known: Option<&Reference>) -> Result<String, Problem> {
        if let Some(known) = known {
            return Ok(known.id.clone());
        }
        let entity = &work.event.entity;
        let own = match self.called {
            Called::Number => order.number.trim_start_matches('#').to_owned(),
            Called::Id => entity.id.clone(),
            Called::Serial => work.serial.to_string(),
        };
        let own = text::text(&own, self.settings.characters, usize::MAX);
        let po = format!("{}{own}", self.prefix);
        if own.is_empty() || !text::is_whole(&po, 22, &self.settings) {
            let message = format!(
                "{po:?} cannot be an order number: it may have 22 characters, must have one, and none that separates"
            );
            return Err(Problem::new("po-number-unusable", message).at("number"));
        }
        match references::resolve(PURCHASE_ORDER, &po) {
            Some(other) if other != *entity => {
                let message = format!(
                    "the order number {po} is that of {other} already: set `po-prefix`, or `po-number`"
                );
                Err(Problem::new("po-number-taken", message).at("number"))
            }
            _ => Ok(po),
        }
    }

    /// Writes the interchange and says what became of each piece. Of messages that are too many for the host to
    /// take at once, the first half is written, and the others come again.
    fn send(&self, answers: Vec<Result<Message, Outcome>>) -> Vec<Outcome> {
        let mut most = answers.iter().filter(|answer| answer.is_ok()).count();
        if most == 0 {
            return answers.into_iter().filter_map(Result::err).collect();
        }
        let control = interchange::control(&self.settings);
        // What becomes of the first messages; those behind them come again.
        let first: Vec<Result<String, Problem>> = loop {
            let told = answers.iter().filter_map(|answer| answer.as_ref().ok()).take(most);
            let (groups, ids) = groups(control, told);
            let content = interchange::write(&self.settings, control, Timestamp::now(), &[], &groups);
            match files::put(&format!("po-{control:09}.edi"), &content) {
                Ok(()) => break ids.into_iter().map(Ok).collect(),
                Err(files::Refusal::TooLarge(_)) if most > 1 => most /= 2,
                Err(refusal) => break vec![Err(refusal.into()); most],
            }
        };
        let mut first = first.into_iter();
        let mut outcome = |message: Message| match first.next() {
            Some(Ok(id)) => {
                let mut references = message.references;
                references.push(Reference::new(MESSAGE, id));
                let note = Some(format!("interchange {control:09}"));
                Outcome::Received(Receipt { references, written: Vec::new(), note })
            }
            Some(Err(problem)) => problem.into(),
            None => Outcome::Throttled(Throttle {
                after_ms: None,
                message: "the interchange was full: it goes with the next one".to_owned(),
            }),
        };
        answers
            .into_iter()
            .map(|answer| match answer {
                Ok(message) => outcome(message),
                Err(early) => early,
            })
            .collect()
    }
}

/// BCH05: which change it is. A partner's answer to it has the number again.
fn change_number() -> String {
    (numbers::next("change") % 100_000_000).to_string()
}

fn change_reference(number: &str) -> Reference {
    Reference::new(MESSAGE, interchange::change_id(number))
}

/// The functional groups of an interchange, and the ids of its messages in the order of the messages.
fn groups<'a>(control: u64, messages: impl Iterator<Item = &'a Message>) -> (Vec<GroupDraft>, Vec<String>) {
    let mut groups = interchange::order_groups(control);
    let mut ids = Vec::new();
    for message in messages {
        let [orders, changes] = &mut groups;
        let group = if message.draft.kind == "850" { orders } else { changes };
        group.sets.push(message.draft.clone());
        ids.push(interchange::message_id(group.control, group.sets.len()));
    }
    (groups.into_iter().filter(|group| !group.sets.is_empty()).collect(), ids)
}
