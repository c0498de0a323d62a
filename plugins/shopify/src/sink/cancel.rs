//! An order that is cancelled elsewhere is cancelled in the shop.
//!
//! Shopify cancels by a job: what it accepts is done a moment later. The work is kept until the order says that
//! it is cancelled.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::answer::{UserError, accepted};
use crate::admin::{Admin, id, operations};

/// What the resume token says once the shop has accepted.
const ACCEPTED: &str = "cancelling";
/// The longest note that staff may read, in characters.
const MAX_NOTE: usize = 255;

/// Why, in Shopify's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Customer,
    Declined,
    Fraud,
    Inventory,
    Staff,
    Other,
}

impl Reason {
    fn of(word: Option<&str>) -> Self {
        match word.map(str::to_ascii_lowercase).as_deref() {
            Some("customer") => Self::Customer,
            Some("declined") => Self::Declined,
            Some("fraud") => Self::Fraud,
            Some("inventory") => Self::Inventory,
            Some("staff") => Self::Staff,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Declined => "DECLINED",
            Self::Fraud => "FRAUD",
            Self::Inventory => "INVENTORY",
            Self::Staff => "STAFF",
            Self::Other => "OTHER",
        }
    }
}

/// Tells the shop of an order that was cancelled.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn deliver(work: &Work, change: &OrderChange, admin: &Admin) -> Result<Outcome, Outcome> {
    let order = super::order(work, None, admin)?;
    let reason = Reason::of(change.order.cancel_reason.as_deref());
    let why = format!("cancelled by {}", work.event.entity.system);
    self::order(&order, work.resume.as_deref(), reason, &why, admin)
}

/// Looks for it.
///
/// # Errors
/// The shop could not be asked.
pub fn find(work: &Work, admin: &Admin) -> Result<Found, Found> {
    let seen = super::order(work, None, admin).and_then(|order| look(&order, admin));
    seen.map(super::found).or_else(|outcome| Ok(super::found(outcome)))
}

/// Already there, or nothing to be found.
///
/// # Errors
/// It is not cancelled; or the shop could not be asked.
pub fn look(order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    if is_cancelled(order, admin)? {
        return Ok(Outcome::AlreadyThere(receipt(order, admin)));
    }
    Err(Outcome::Ignored("the order stands".into()))
}

/// Cancels an order.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn order(
    order: &str,
    resume: Option<&str>,
    reason: Reason,
    why: &str,
    admin: &Admin,
) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        order_cancel: Option<Cancelled>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Cancelled {
        job: Option<Job>,
        order_cancel_user_errors: Vec<UserError>,
    }
    #[derive(Deserialize)]
    struct Job {
        done: bool,
    }
    if is_cancelled(order, admin)? {
        let receipt = receipt(order, admin);
        let own = resume == Some(ACCEPTED);
        return Ok(if own { Outcome::Posted(receipt) } else { Outcome::AlreadyThere(receipt) });
    }
    let accepted_once = || {
        let references = vec![Reference::new("order", id::local(order))];
        Outcome::Partial(Progress { resume: ACCEPTED.into(), references })
    };
    if resume == Some(ACCEPTED) {
        return Ok(accepted_once());
    }
    let cancel = admin.settings.cancel;
    let refund = if cancel.refund { json!({ "originalPaymentMethodsRefund": true }) } else { Value::Null };
    let variables = json!({
        "id": order,
        "reason": reason.name(),
        "restock": cancel.restock,
        "refund": refund,
        "notify": cancel.notify,
        "note": why.chars().take(MAX_NOTE).collect::<String>(),
    });
    let answer: Answer = admin.run(&operations::CANCEL_ORDER, variables)?;
    let Some(cancelled) = answer.order_cancel else {
        let message = "the shop does not say what became of the cancellation";
        return Err(Outcome::Unknown(Problem::new("answer-empty", message)));
    };
    accepted(&cancelled.order_cancel_user_errors)?;
    if cancelled.job.is_none_or(|job| job.done) {
        return Ok(Outcome::Posted(receipt(order, admin)));
    }
    Ok(accepted_once())
}

fn is_cancelled(order: &str, admin: &Admin) -> Result<bool, Outcome> {
    #[derive(Deserialize)]
    struct Answer {
        order: Option<Now>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Now {
        cancelled_at: Option<String>,
    }
    let answer: Answer = admin.run(&operations::ORDER_CANCELLED, json!({ "id": order }))?;
    Ok(answer.order.ok_or_else(super::no_order)?.cancelled_at.is_some())
}

fn receipt(order: &str, admin: &Admin) -> Receipt {
    let mut receipt = Receipt::of(Reference::new("order", id::local(order)));
    receipt.written.push(super::of_order(order, "order.cancelled", "true", admin));
    receipt
}
