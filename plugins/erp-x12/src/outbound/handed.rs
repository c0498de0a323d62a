//! What was handed over before: the same work again (a replay, a retry) hands nothing over, unless the partner refused
//! what it was told.
//!
//! A receipt names its delivery by a reference of this kind, whose number says how many tries had been refused by
//! then and which message it was: `0/order`, or `0/change/7` by the change's number. The host notes each refusal as a
//! reference `refused`, whose id begins with the serial number of the delivery (`7/2`), and what confirms a message as a
//! reference `answered` of that message.

use crossdock_sdk::prelude::*;

/// The kinds of reference.
const DELIVERY: &str = "delivery";
const REFUSED: &str = "refused";
const ANSWERED: &str = "answered";
/// What the host knows the partner's own order by, once the partner has confirmed it.
const SALES_ORDER: &str = "sales-order";

/// The message that orders.
pub(crate) const ORDER: &str = "order";

/// What became of the work when it was handed over before. None when it was not, or when the partner refused it since.
pub(crate) fn before(work: &Work) -> Option<Outcome> {
    let (refusals, message) = told(work)?;
    if refusals != self::refusals(work) {
        return None;
    }
    let note = Some("it was handed over before".to_owned());
    let receipt = Receipt { references: Vec::new(), written: Vec::new(), note };
    // What the partner has confirmed is there. Of everything else the answer may still come.
    let there = match message {
        ORDER => work.reference(SALES_ORDER).is_some(),
        change => work.references.iter().any(|one| one.kind == ANSWERED && one.id == change),
    };
    Some(if there { Outcome::AlreadyThere(receipt) } else { Outcome::Received(receipt) })
}

/// The reference that says so of this message: [`ORDER`], or the id of a change.
pub(crate) fn reference(work: &Work, message: &str) -> Reference {
    let number = Some(format!("{}/{message}", refusals(work)));
    Reference { number, ..Reference::new(DELIVERY, work.serial.to_string()) }
}

/// How many tries had been refused when it was handed over, and as which message it was.
fn told(work: &Work) -> Option<(usize, &str)> {
    let serial = work.serial.to_string();
    let known = work.references.iter().find(|one| one.kind == DELIVERY && one.id == serial)?;
    let (refusals, message) = known.number.as_deref()?.split_once('/')?;
    Some((refusals.parse().ok()?, message))
}

/// How many of its tries the partner has refused.
fn refusals(work: &Work) -> usize {
    let serial = work.serial.to_string();
    let of = |id: &str| id.split_once('/').is_some_and(|(of, _)| of == serial);
    work.references.iter().filter(|one| one.kind == REFUSED && of(&one.id)).count()
}
