//! Shipments become fulfilments.
//!
//! A shipment is one fulfilment, or one for each of the shop's locations that its goods leave by the shop's
//! books. Shopify keeps no key of a fulfilment, so one whose outcome is unknown is looked for: by the numbers of
//! its parcels, and by its goods among those fulfilments of the order that the host does not know as another
//! shipment's. One that somebody made by hand is found the same way, and is the shipment's from then on.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::goods::{Fulfilment, Goods, Load, Told};
use super::want::Wants;
use super::{place, status};
use crate::admin::answer::{UserError, accepted};
use crate::admin::{Admin, id, operations};

/// Tells the shop of a shipment.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn deliver(work: &Work, shipment: &Shipment, admin: &Admin) -> Result<Outcome, Outcome> {
    let order = super::order(work, Some(&shipment.order), admin)?;
    match shipment.state {
        ShipmentState::Shipped | ShipmentState::Delivered => ship(work, shipment, &order, admin),
        ShipmentState::Cancelled => take_back(work, shipment, &order, admin),
        ShipmentState::Allocated | ShipmentState::Packed => status::progress(shipment.state, &order, admin),
        ShipmentState::Planned => Ok(Outcome::Ignored("nothing was done for it yet".into())),
        ShipmentState::Returned => Ok(Outcome::Ignored("what came back is told by the refund".into())),
    }
}

/// Looks for what the shop was told of a shipment.
///
/// # Errors
/// The shop could not be asked.
pub fn find(work: &Work, shipment: &Shipment, admin: &Admin) -> Result<Found, Found> {
    look(work, shipment, admin).or_else(|outcome| Ok(super::found(outcome)))
}

fn look(work: &Work, shipment: &Shipment, admin: &Admin) -> Result<Found, Outcome> {
    let order = super::order(work, Some(&shipment.order), admin)?;
    match shipment.state {
        ShipmentState::Shipped | ShipmentState::Delivered => {
            let mut wants = Wants::of(shipment)?;
            let mut made = known(work, &mut wants, admin)?;
            if !wants.is_empty() {
                let goods = Goods::of(&order, admin)?;
                made.extend(search(work, shipment, &goods, &mut wants, &made, admin)?);
            }
            Ok(if made.is_empty() {
                Found::Absent
            } else if !wants.is_empty() {
                Found::Partial(rest(&made))
            } else if made.iter().any(|one| differs(one, shipment)) {
                // The goods have left; their parcels are still to be told.
                Found::Partial(rest(&made))
            } else {
                Found::Present(receipt(&made, &order, admin))
            })
        }
        ShipmentState::Cancelled => {
            let made = named(work, admin)?;
            let gone = made.iter().all(|one| !one.stands());
            Ok(if made.is_empty() || !gone {
                Found::Absent
            } else {
                Found::Present(receipt(&made, &order, admin))
            })
        }
        state => Ok(super::found(status::planned(state, &order, admin)?)),
    }
}

fn ship(work: &Work, shipment: &Shipment, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    let mut wants = Wants::of(shipment)?;
    let mut made = known(work, &mut wants, admin)?;
    if wants.is_empty() {
        return agree(shipment, made, order, admin);
    }
    let goods = Goods::of(order, admin)?;
    if made.is_empty() {
        for brief in goods.fulfillments.iter().filter(|one| one.carries(&shipment.tracking)) {
            if let Some(one) = Fulfilment::of(&brief.id, admin)? {
                // The same parcel is the same goods, whatever else the shop has in it.
                wants.less(&one.lines);
                made.push(one);
            }
        }
        if wants.is_empty() {
            return agree(shipment, made, order, admin);
        }
    }
    let preferred = place::maybe(&work.event.entity.system, shipment.location.as_deref(), admin);
    let loads = match goods.loads(&mut wants.clone(), preferred.as_deref()) {
        Ok(loads) => loads,
        // Less is left than leaves: somebody else may have told the shop.
        Err(shortage) => {
            let others = search(work, shipment, &goods, &mut wants, &made, admin)?;
            if others.is_empty() {
                return Err(shortage);
            }
            made.extend(others);
            if wants.is_empty() {
                return agree(shipment, made, order, admin);
            }
            goods.loads(&mut wants, preferred.as_deref())?
        }
    };
    let (before, mut written) = (made.len(), Vec::new());
    for load in loads {
        match fulfil(shipment, load, order, &goods, &mut written, admin) {
            Ok(one) => made.push(one),
            // What was made before it is found again by its goods.
            Err(Outcome::Unknown(problem)) => return Err(Outcome::Unknown(problem)),
            Err(_) if made.len() > before => return Ok(Outcome::Partial(rest(&made))),
            Err(outcome) => return Err(outcome),
        }
    }
    let mut receipt = receipt(&made, order, admin);
    receipt.written.extend(written);
    Ok(Outcome::Posted(receipt))
}

/// Makes a fulfilment of what leaves one location.
fn fulfil(
    shipment: &Shipment,
    load: Load,
    order: &str,
    goods: &Goods,
    written: &mut Vec<Written>,
    admin: &Admin,
) -> Result<Fulfilment, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        fulfillment_create: Option<Made>,
        tags_remove: Option<status::Labelled>,
    }
    // What is on its way is no longer being packed.
    let over = status::over(&goods.tags, admin);
    let mut input = json!({ "lineItemsByFulfillmentOrder": load, "notifyCustomer": admin.settings.notify });
    if let (Some(tracking), Some(input)) = (tracking(shipment), input.as_object_mut()) {
        input.insert("trackingInfo".into(), tracking);
    }
    let variables = json!({ "fulfillment": input, "order": order, "untag": !over.is_empty(), "tags": over });
    let answer: Answer = admin.run(&operations::FULFIL, variables)?;
    let made = answer.fulfillment_create.ok_or_else(no_answer)?.accepted()?;
    if let Some(tags) = answer.tags_remove.and_then(status::Labelled::tags) {
        written.push(super::of_order(order, "order.tags", super::labels(&tags), admin));
    }
    Ok(made)
}

/// What a mutation answers that makes or changes a fulfilment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    fulfillment: Option<Told>,
    user_errors: Vec<UserError>,
}

impl Made {
    fn accepted(self) -> Result<Fulfilment, Outcome> {
        accepted(&self.user_errors)?;
        self.fulfillment.map(Fulfilment::from).ok_or_else(no_answer)
    }
}

/// The shop neither refused nor said what it did.
fn no_answer() -> Outcome {
    Outcome::Unknown(Problem::new("answer-empty", "the shop does not say what became of the fulfilment"))
}

/// Everything has left: its parcels have to be the shipment's.
fn agree(shipment: &Shipment, made: Vec<Fulfilment>, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        fulfillment_tracking_info_update: Option<Made>,
    }
    let mut changed = false;
    let mut agreed = Vec::with_capacity(made.len());
    for one in made {
        let Some(tracking) = tracking(shipment).filter(|_| differs(&one, shipment)) else {
            agreed.push(one);
            continue;
        };
        let variables = json!({ "id": one.id, "tracking": tracking, "notify": admin.settings.notify });
        let answer: Answer = admin.run(&operations::TRACK, variables)?;
        agreed.push(answer.fulfillment_tracking_info_update.ok_or_else(no_answer)?.accepted()?);
        changed = true;
    }
    let receipt = receipt(&agreed, order, admin);
    Ok(if changed { Outcome::Posted(receipt) } else { Outcome::AlreadyThere(receipt) })
}

/// The shipment will not leave: neither do its fulfilments.
fn take_back(work: &Work, shipment: &Shipment, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        fulfillment_cancel: Option<Made>,
    }
    let mut made = named(work, admin)?;
    if made.is_empty() && !shipment.tracking.is_empty() {
        let goods = Goods::of(order, admin)?;
        for brief in goods.fulfillments.iter().filter(|one| one.carries(&shipment.tracking)) {
            made.extend(Fulfilment::of(&brief.id, admin)?);
        }
    }
    if made.is_empty() {
        return Ok(Outcome::Ignored("the shop never knew of the shipment".into()));
    }
    let mut changed = false;
    for one in made.iter_mut().filter(|one| one.stands()) {
        let answer: Answer = admin.run(&operations::UNFULFIL, json!({ "id": one.id }))?;
        *one = answer.fulfillment_cancel.ok_or_else(no_answer)?.accepted()?;
        changed = true;
    }
    let receipt = receipt(&made, order, admin);
    Ok(if changed { Outcome::Posted(receipt) } else { Outcome::AlreadyThere(receipt) })
}

/// The fulfilments that the host knows as this shipment's.
fn named(work: &Work, admin: &Admin) -> Result<Vec<Fulfilment>, Outcome> {
    let mut named = Vec::new();
    for reference in work.references.iter().filter(|reference| reference.kind == "fulfillment") {
        named.extend(Fulfilment::of(&reference.id, admin)?);
    }
    Ok(named)
}

/// Those of them that stand; what is in them is no longer wanted.
fn known(work: &Work, wants: &mut Wants, admin: &Admin) -> Result<Vec<Fulfilment>, Outcome> {
    let mut known = named(work, admin)?;
    known.retain(Fulfilment::stands);
    for one in &known {
        wants.less(&one.lines);
    }
    Ok(known)
}

/// The fulfilments of the order that can only be this shipment's, though the host does not know them so.
fn search(
    work: &Work,
    shipment: &Shipment,
    goods: &Goods,
    wants: &mut Wants,
    made: &[Fulfilment],
    admin: &Admin,
) -> Result<Vec<Fulfilment>, Outcome> {
    let mut found = Vec::new();
    let mut candidates: Vec<_> = goods.fulfillments.iter().filter(|one| one.status != "CANCELLED").collect();
    candidates.sort_by_key(|one| !one.carries(&shipment.tracking));
    for brief in candidates {
        let another = references::resolve("fulfillment", id::local(&brief.id))
            .is_some_and(|entity| entity != work.event.entity);
        if another || wants.is_empty() || made.iter().any(|one| one.id == brief.id) {
            continue;
        }
        let Some(one) = Fulfilment::of(&brief.id, admin)? else { continue };
        let carries = brief.carries(&shipment.tracking);
        let others_parcels = !carries && !one.numbers.is_empty() && !shipment.tracking.is_empty();
        if carries {
            wants.less(&one.lines);
            found.push(one);
        } else if !others_parcels && wants.take_all(&one.lines) {
            found.push(one);
        }
    }
    Ok(found)
}

/// Whether the shop has other parcels than the shipment says. A shipment that says nothing of parcels takes
/// none away.
fn differs(made: &Fulfilment, shipment: &Shipment) -> bool {
    let mut own: Vec<&str> = shipment.tracking.iter().map(|parcel| parcel.number.as_str()).collect();
    let mut there: Vec<&str> = made.numbers.iter().map(String::as_str).collect();
    own.sort_unstable();
    there.sort_unstable();
    !own.is_empty() && own != there
}

/// The parcels as Shopify takes them. The carrier is called what the table `carrier` says; a page for each
/// parcel is told when there is one for each.
fn tracking(shipment: &Shipment) -> Option<Value> {
    let first = shipment.tracking.first()?;
    let numbers: Vec<&str> = shipment.tracking.iter().map(|parcel| parcel.number.as_str()).collect();
    let pages: Option<Vec<&str>> = shipment.tracking.iter().map(|parcel| parcel.url.as_deref()).collect();
    let carrier = shipment.tracking.iter().find_map(|parcel| parcel.carrier.clone());
    let carrier = carrier.map(|carrier| mappings::get("carrier", &carrier).unwrap_or(carrier));
    let mut tracking = match numbers.as_slice() {
        [_] => json!({ "number": first.number }),
        several => json!({ "numbers": several }),
    };
    let object = tracking.as_object_mut()?;
    object.extend(carrier.map(|carrier| ("company".to_owned(), json!(carrier))));
    match pages.as_deref() {
        Some([page]) => object.extend([("url".to_owned(), json!(page))]),
        Some(pages) => object.extend([("urls".to_owned(), json!(pages))]),
        None => {}
    }
    Some(tracking)
}

/// A part has left: the rest goes on from here. The token says how much that is, so that each step is another.
fn rest(made: &[Fulfilment]) -> Progress {
    let resume = format!("made-{}", made.len());
    Progress { resume, references: made.iter().map(Fulfilment::reference).collect() }
}

fn receipt(made: &[Fulfilment], order: &str, admin: &Admin) -> Receipt {
    let mut written: Vec<Written> = Vec::new();
    for one in made.iter().flat_map(|one| one.written(order, admin)) {
        // Of the order, what was told last.
        written.retain(|known| known.entity != one.entity || known.attribute != one.attribute);
        written.push(one);
    }
    Receipt { references: made.iter().map(Fulfilment::reference).collect(), written, note: None }
}
