//! Cancels an order in the shop that was cancelled in another system.
//!
//! Shopify cancels asynchronously: the request starts a job. The outcome is partial until the order is cancelled.

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{lookup, order};
use crate::admin::response::{UserError, check_user_errors, require_payload};
use crate::admin::{Admin, id, operations};

/// The resume token once the shop has started the job.
const CANCELLING: &str = "cancelling";
/// The longest note for the staff, in characters.
const MAX_NOTE_CHARS: usize = 255;

/// Shopify's reasons.
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
    fn of(reason: Option<&str>) -> Self {
        match reason.map(str::to_ascii_lowercase).as_deref() {
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

/// Delivers the cancellation of an order.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver(work: &Work, change: &OrderChange, admin: &Admin) -> Result<Outcome, Outcome> {
    let order = order::order_id(work, None, admin)?;
    let reason = Reason::of(change.order.cancel_reason.as_deref());
    let note = format!("cancelled by {}", work.event.entity.system);
    cancel(&order, work.resume.as_deref(), reason, &note, admin)
}

/// Looks up whether the order is cancelled.
///
/// # Errors
/// None; an early result is returned as a success.
pub fn find(work: &Work, admin: &Admin) -> Result<Found, Found> {
    let outcome = order::order_id(work, None, admin).and_then(|order| check(&order, admin));
    Ok(lookup::from_outcome(outcome.unwrap_or_else(|outcome| outcome)))
}

/// Checks whether an order is cancelled: `already-there` if it is.
///
/// # Errors
/// `ignored` when it is not, or a request failed.
pub fn check(order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    if is_cancelled(order, admin)? {
        return Ok(Outcome::AlreadyThere(receipt(order, admin)));
    }
    Err(Outcome::Ignored("the order is not cancelled".into()))
}

/// Cancels an order.
///
/// # Errors
/// The outcome, where it could not be cancelled.
pub fn cancel(
    order: &str,
    resume: Option<&str>,
    reason: Reason,
    note: &str,
    admin: &Admin,
) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        order_cancel: Option<CancelPayload>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CancelPayload {
        job: Option<Job>,
        order_cancel_user_errors: Vec<UserError>,
    }
    #[derive(Deserialize)]
    struct Job {
        done: bool,
    }
    if is_cancelled(order, admin)? {
        let receipt = receipt(order, admin);
        let by_this_work = resume == Some(CANCELLING);
        return Ok(if by_this_work { Outcome::Posted(receipt) } else { Outcome::AlreadyThere(receipt) });
    }
    let cancelling = || {
        let references = vec![Reference::new("order", id::local(order))];
        Outcome::Partial(Progress { resume: CANCELLING.into(), references })
    };
    if resume == Some(CANCELLING) {
        return Ok(cancelling());
    }
    let settings = admin.settings.cancel;
    let refund = if settings.refund { json!({ "originalPaymentMethodsRefund": true }) } else { Value::Null };
    let variables = json!({
        "id": order,
        "reason": reason.name(),
        "restock": settings.restock,
        "refund": refund,
        "notify": settings.notify,
        "note": note.chars().take(MAX_NOTE_CHARS).collect::<String>(),
    });
    let data: Data = admin.run(&operations::CANCEL_ORDER, variables)?;
    let payload = require_payload(data.order_cancel, &operations::CANCEL_ORDER)?;
    check_user_errors(&payload.order_cancel_user_errors)?;
    if payload.job.is_none_or(|job| job.done) {
        return Ok(Outcome::Posted(receipt(order, admin)));
    }
    Ok(cancelling())
}

fn is_cancelled(order: &str, admin: &Admin) -> Result<bool, Outcome> {
    #[derive(Deserialize)]
    struct Data {
        order: Option<OrderState>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct OrderState {
        cancelled_at: Option<String>,
    }
    let data: Data = admin.run(&operations::ORDER_CANCELLED, json!({ "id": order }))?;
    Ok(data.order.ok_or_else(order::not_found)?.cancelled_at.is_some())
}

fn receipt(order: &str, admin: &Admin) -> Receipt {
    let mut receipt = Receipt::of(Reference::new("order", id::local(order)));
    receipt.written.push(order::written(order, "order.cancelled", "true", admin));
    receipt
}
