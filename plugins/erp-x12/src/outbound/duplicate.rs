//! Detects deliveries that were written to a file before: a replay or a retry writes nothing, unless the partner
//! refused the message.
//!
//! A receipt has a reference of its delivery, whose number is the count of refusals until then and the message: `0/order`,
//! or `0/change/7` with the change's number. The host adds a reference for each refusal, whose id begins with the serial
//! number of the delivery (`7/2`), and a reference for each change that the partner confirmed.

use crossdock_sdk::prelude::*;

use crate::reference_kind::{ANSWERED, DELIVERY, REFUSED, SALES_ORDER};

/// The name of the 850 in a reference of a delivery.
pub(crate) const ORDER: &str = "order";

/// The outcome of work that was written before. None when it was not, or when the partner has refused it since.
pub(crate) fn earlier_outcome(work: &Work) -> Option<Outcome> {
    let (refusals, message) = written(work)?;
    if refusals != count_refusals(work) {
        return None;
    }
    let note = Some("it was written to a file before".to_owned());
    let receipt = Receipt { references: Vec::new(), written: Vec::new(), note };
    // A message that the partner has not confirmed still awaits its response.
    let is_confirmed = match message {
        ORDER => work.reference(SALES_ORDER).is_some(),
        change => work.references.iter().any(|it| it.kind == ANSWERED && it.id == change),
    };
    Some(if is_confirmed { Outcome::AlreadyThere(receipt) } else { Outcome::Received(receipt) })
}

/// The reference of a delivery that was written as this message: [`ORDER`], or the id of a change.
pub(crate) fn delivery_reference(work: &Work, message: &str) -> Reference {
    let number = Some(format!("{}/{message}", count_refusals(work)));
    Reference { number, ..Reference::new(DELIVERY, work.serial.to_string()) }
}

/// The count of refusals when the delivery was written, and the message it was written as.
fn written(work: &Work) -> Option<(usize, &str)> {
    let serial = work.serial.to_string();
    let delivery = work.references.iter().find(|it| it.kind == DELIVERY && it.id == serial)?;
    let (refusals, message) = delivery.number.as_deref()?.split_once('/')?;
    Some((refusals.parse().ok()?, message))
}

/// The number of times that the partner has refused the delivery.
fn count_refusals(work: &Work) -> usize {
    let serial = work.serial.to_string();
    let is_of_delivery = |id: &str| id.split_once('/').is_some_and(|(of, _)| of == serial);
    work.references.iter().filter(|it| it.kind == REFUSED && is_of_delivery(&it.id)).count()
}
