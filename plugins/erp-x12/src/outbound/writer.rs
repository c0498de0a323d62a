//! Writes the message of an event: an 850, an 860, or none.

use std::collections::BTreeSet;

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use super::batch::Message;
use super::duplicate;
use super::purchase::{self, PurchaseSettings};
use super::sent_state::SentState;
use super::transaction_set::{self, Header, LineNumbers};
use crate::encode;
use crate::interchange;
use crate::mapping::{MappingCache, OutboundMapping};
use crate::reference_kind::{MESSAGE, PURCHASE_ORDER};
use crate::settings::Settings;
use crate::time;

/// The value that an order's number at the partner is made of: the setting `po-number`.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PoNumber {
    /// The number shown to people.
    #[default]
    Number,
    /// The id in the order's source.
    Id,
    /// The serial number of the delivery of the order.
    Serial,
}

/// Writes messages by the settings and the mapping tables.
pub(crate) struct Writer {
    pub settings: Settings,
    purchase_settings: PurchaseSettings,
    order_type: String,
    po_prefix: String,
    po_number: PoNumber,
    mappings: MappingCache,
}

impl Writer {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting that is missing or cannot be used.
    pub(crate) fn new() -> Result<Self, Problem> {
        Ok(Self {
            settings: Settings::read()?,
            purchase_settings: PurchaseSettings::read()?,
            order_type: config::find("order-type")?.unwrap_or_else(|| "SA".to_owned()),
            po_prefix: config::find("po-prefix")?.unwrap_or_default(),
            po_number: config::find("po-number")?.unwrap_or_default(),
            mappings: MappingCache::default(),
        })
    }

    /// The message for a piece of work, or the outcome without one. `used` are the order numbers of this call.
    pub(crate) fn message(&self, work: &Work, used: &mut BTreeSet<String>) -> Result<Message, Outcome> {
        let change = match &work.event.fact {
            Fact::Order(change) => change,
            Fact::OrderEdited(_) => {
                let note = "an edit has neither article nor price: the order's snapshot follows, and is sent";
                return Err(Outcome::Ignored(note.into()));
            }
            other => return Err(Outcome::Ignored(format!("the partner is not sent {}", other.kind()))),
        };
        let order = &change.order;
        if order.test && self.settings.usage == "P" {
            return Err(Outcome::Ignored("test orders are not sent as production orders".into()));
        }
        if let Some(earlier) = duplicate::earlier_outcome(work) {
            return Err(earlier);
        }
        let existing = work.reference(PURCHASE_ORDER);
        let is_cancelled = change.is_cancelled();
        if is_cancelled && existing.is_none() {
            return Err(Outcome::Ignored("it was cancelled before it was sent".into()));
        }
        let is_new = change.operation == OrderOperation::Placed || existing.is_none();
        let has_left = matches!(order.fulfilment, FulfilmentState::Fulfilled | FulfilmentState::Restocked);
        if has_left && existing.is_some() && !is_new && !is_cancelled {
            return Err(Outcome::Ignored("the goods have left: there is nothing to change".into()));
        }
        let po = self.po_number(work, order, existing)?;
        if !used.insert(po.clone()) {
            let message = format!("another order in the same interchange has the order number {po}");
            return Err(Problem::new("po-number-taken", message).at("number").into());
        }
        let mapping = OutboundMapping::new(&self.mappings)?;
        let message = self.write(work, change, &po, !is_new || is_cancelled, &mapping);
        let unmapped = mapping.into_unmapped();
        if unmapped.is_empty() { message } else { Err(Outcome::Unmapped(unmapped)) }
    }

    /// An 860 when the partner has the order (`is_change`), else an 850.
    fn write(
        &self,
        work: &Work,
        change: &OrderChange,
        po: &str,
        is_change: bool,
        mapping: &OutboundMapping<'_>,
    ) -> Result<Message, Outcome> {
        let (settings, order) = (&self.settings, &change.order);
        let date = |text: &str| {
            time::x12_date_of(text)
                .ok_or_else(|| Problem::new("invalid-date", format!("\"{text}\" has no date")))
        };
        let ordered_on = date(order.business_date.as_deref().unwrap_or(&order.placed_at))?;
        let changed_on = date(&work.event.occurred_at)?;
        let header = |change| Header {
            order_type: &self.order_type,
            po,
            ordered_on: &ordered_on,
            changed_on: &changed_on,
            change,
        };
        if is_change && change.is_cancelled() {
            let Some(after) = SentState::cancelled(work) else {
                return Err(Outcome::Ignored("the cancellation was sent before".into()));
            };
            let number = next_change_number();
            let draft = transaction_set::cancel(&header(&number), &order.currency);
            let mut references = after.references(po, SentState::before(work));
            references.extend(change_references(work, &number));
            return Ok(Message { draft, references });
        }
        let purchase =
            purchase::purchase(&work.event.entity, order, settings, &self.purchase_settings, mapping)?;
        let mut lines = LineNumbers::of(work.reference(PURCHASE_ORDER));
        let (after, before) = (SentState::of(&purchase, work.serial), SentState::before(work));
        let mut references = Vec::new();
        let draft = if is_change {
            let number = next_change_number();
            references.extend(change_references(work, &number));
            transaction_set::change(&header(&number), &purchase, before.as_ref(), &after, &mut lines)?
                .ok_or_else(|| Outcome::Ignored("nothing changed that the partner is sent".into()))?
        } else {
            if purchase.items.iter().all(|item| item.quantity.is_zero()) {
                return Err(Outcome::Ignored("the order has no lines left".into()));
            }
            references.push(duplicate::delivery_reference(work, duplicate::ORDER));
            transaction_set::order(&header(""), &purchase, &mut lines)?
        };
        let number = Some(po.to_owned());
        let lines = lines.line_references();
        references.push(Reference { number, lines, ..Reference::new(PURCHASE_ORDER, po) });
        references.extend(after.references(po, before));
        Ok(Message { draft, references })
    }

    /// The number of the partner's order: the one that it has, else a new one.
    fn po_number(&self, work: &Work, order: &Order, existing: Option<&Reference>) -> Result<String, Problem> {
        if let Some(existing) = existing {
            return Ok(existing.id.clone());
        }
        let entity = &work.event.entity;
        let number = match self.po_number {
            PoNumber::Number => order.number.trim_start_matches('#').to_owned(),
            PoNumber::Id => entity.id.clone(),
            PoNumber::Serial => work.serial.to_string(),
        };
        let number = encode::text(&number, self.settings.characters, usize::MAX);
        let po = format!("{}{number}", self.po_prefix);
        if number.is_empty() || !encode::is_encodable_id(&po, 22, &self.settings) {
            let message = format!(
                "{po:?} cannot be an order number: it must not be empty, may have at most 22 characters, and no separator"
            );
            return Err(Problem::new("po-number-unusable", message).at("number"));
        }
        match references::resolve(PURCHASE_ORDER, &po) {
            Some(other) if other != *entity => {
                let message =
                    format!("{other} has the order number {po} already: set `po-prefix`, or `po-number`");
                Err(Problem::new("po-number-taken", message).at("number"))
            }
            _ => Ok(po),
        }
    }
}

/// BCH05: the number of a change. The partner's response to it has the same number.
fn next_change_number() -> String {
    (numbers::next("change") % 100_000_000).to_string()
}

fn change_references(work: &Work, number: &str) -> [Reference; 2] {
    let id = interchange::change_id(number);
    [Reference::new(MESSAGE, id.clone()), duplicate::delivery_reference(work, &id)]
}
