//! Writes the status of an order in other systems as tags of the order, and the numbers of its documents as metafields.
//! An order's webhooks do not contain metafields, so these are not reported back.
//!
//! | tags | set by |
//! |---|---|
//! | `accepted`, `processing`, `done`, `cancelled`, `refused` | the ERP's sales order; the last one counts |
//! | `allocated`, `packed` | shipments; removed when goods are shipped |
//! | `invoiced`, `credited` | posted invoices and credit memos |

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{cancel, lookup, order};
use crate::admin::response::{UserError, check_user_errors};
use crate::admin::{Admin, id, operations};
use crate::settings::CancelOn;

/// The states of a sales order, which exclude each other.
const SALES_ORDER_TAGS: &[&str] = &["accepted", "processing", "done", "cancelled", "refused"];
/// The states of goods before shipment, which exclude each other.
const PREPARATION_TAGS: &[&str] = &["allocated", "packed"];

/// The status that an order is to have.
#[derive(Default)]
struct Status {
    /// The tag to be set.
    tag: Option<&'static str>,
    /// The tags to be removed.
    obsolete: Vec<&'static str>,
    /// The key of a metafield, and the document number to be added to it.
    number: Option<(&'static str, String)>,
}

/// The payload of a mutation of tags.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagsPayload {
    node: Option<Tags>,
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<String>,
}

impl TagsPayload {
    /// All tags of the order after the mutation.
    #[must_use]
    pub fn tags(self) -> Option<Vec<String>> {
        Some(self.node?.tags)
    }
}

/// Delivers a document of an ERP.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver_document(work: &Work, document: &Document, admin: &Admin) -> Result<Outcome, Outcome> {
    let order = order::order_id(work, document.order.as_ref(), admin)?;
    if let Some(note) = cancellation_note(document, admin) {
        return cancel::cancel(&order, work.resume.as_deref(), cancel::Reason::Other, &note, admin);
    }
    write(&order, &Status::of(document)?, admin)
}

/// Looks up whether a document was written.
///
/// # Errors
/// None; an early result is returned as a success.
pub fn find_document(work: &Work, document: &Document, admin: &Admin) -> Result<Found, Found> {
    let outcome = order::order_id(work, document.order.as_ref(), admin).and_then(|order| {
        if cancellation_note(document, admin).is_some() {
            return cancel::check(&order, admin);
        }
        check(&order, &Status::of(document)?, admin)
    });
    Ok(lookup::from_outcome(outcome.unwrap_or_else(|outcome| outcome)))
}

/// Delivers the state of a shipment that is not shipped yet.
///
/// # Errors
/// The outcome, where it could not be delivered.
pub fn deliver_preparation(state: ShipmentState, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    write(order, &Status::preparation(state), admin)
}

/// Checks whether the state of a shipment was written: `already-there` if it was.
///
/// # Errors
/// `ignored` when it was not, or a request failed.
pub fn check_preparation(state: ShipmentState, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    check(order, &Status::preparation(state), admin)
}

/// The tags of preparation among the tags of an order.
#[must_use]
pub fn preparation_tags(tags: &[String], admin: &Admin) -> Vec<String> {
    let is_preparation =
        |tag: &&String| PREPARATION_TAGS.iter().any(|name| Some(*tag) == prefixed(name, admin).as_ref());
    tags.iter().filter(is_preparation).cloned().collect()
}

/// The staff's note for the cancellation, where a document cancels its order in the shop.
fn cancellation_note(document: &Document, admin: &Admin) -> Option<String> {
    let on = match (document.kind, document.state) {
        (DocumentKind::SalesOrder, DocumentState::Cancelled) => CancelOn::Cancelled,
        (DocumentKind::SalesOrder, DocumentState::Refused) => CancelOn::Refused,
        _ => return None,
    };
    let number = document.number.as_deref().unwrap_or("its sales order");
    let reason = document.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let state = if on == CancelOn::Refused { "refused" } else { "cancelled" };
    admin.settings.cancel_on.contains(&on).then(|| format!("{number} was {state} in the ERP{reason}"))
}

impl Status {
    fn of(document: &Document) -> Result<Self, Outcome> {
        use DocumentState::{Accepted, Cancelled, Done, Draft, Paid, Posted, Processing, Quoted, Refused};
        let ignored = |reason: &str| Err(Outcome::Ignored(reason.into()));
        let sales_order = |tag: &'static str| Self {
            tag: Some(tag),
            obsolete: SALES_ORDER_TAGS.iter().copied().filter(|other| *other != tag).collect(),
            number: None,
        };
        let posted = |tag: &'static str, key: &'static str| Self {
            tag: Some(tag),
            number: document.number.clone().map(|number| (key, number)),
            ..Self::default()
        };
        Ok(match (document.kind, document.state) {
            (_, Draft | Quoted) => return ignored("the document is a draft"),
            (DocumentKind::Acknowledgement, _) => {
                return ignored("an acknowledgement is not a state of the order");
            }
            (DocumentKind::SalesOrder, Accepted | Posted) => sales_order("accepted"),
            (DocumentKind::SalesOrder, Processing) => sales_order("processing"),
            (DocumentKind::SalesOrder, Done | Paid) => sales_order("done"),
            (DocumentKind::SalesOrder, Cancelled) => sales_order("cancelled"),
            (DocumentKind::SalesOrder, Refused) => sales_order("refused"),
            (DocumentKind::Invoice, Posted | Paid | Done) => posted("invoiced", "invoices"),
            (DocumentKind::CreditMemo, Posted | Paid | Done) => posted("credited", "credit_memos"),
            (DocumentKind::Invoice, Cancelled) => Self { obsolete: vec!["invoiced"], ..Self::default() },
            (DocumentKind::CreditMemo, Cancelled) => Self { obsolete: vec!["credited"], ..Self::default() },
            (_, Accepted | Processing | Refused) => return ignored("the document is not posted yet"),
        })
    }

    fn preparation(state: ShipmentState) -> Self {
        let tag = if state == ShipmentState::Packed { "packed" } else { "allocated" };
        let obsolete = PREPARATION_TAGS.iter().copied().filter(|other| *other != tag).collect();
        Self { tag: Some(tag), obsolete, number: None }
    }
}

/// A tag with the configured prefix. None when tags are disabled.
fn prefixed(tag: &str, admin: &Admin) -> Option<String> {
    Some(format!("{}{tag}", admin.settings.tag_prefix.as_deref()?))
}

/// The current status of an order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CurrentStatus {
    tags: Vec<String>,
    metafield: Option<Metafield>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metafield {
    value: String,
    compare_digest: String,
}

/// The changes that give an order its status.
struct Changes {
    add: Vec<String>,
    remove: Vec<String>,
    metafields: Vec<Value>,
    /// The current tags.
    tags: Vec<String>,
}

impl Changes {
    fn of(order: &str, status: &Status, admin: &Admin) -> Result<Self, Outcome> {
        #[derive(Deserialize)]
        struct Data {
            order: Option<CurrentStatus>,
        }
        let prefixed = |tag: &&str| prefixed(tag, admin);
        let tag = status.tag.as_ref().and_then(prefixed);
        let number = admin.settings.metafield_namespace.as_deref().zip(status.number.as_ref());
        if tag.is_none()
            && number.is_none()
            && (status.obsolete.is_empty() || admin.settings.tag_prefix.is_none())
        {
            return Err(Outcome::Ignored("tags and metafields are disabled".into()));
        }
        let namespace = admin.settings.metafield_namespace.as_deref().unwrap_or("crossdock");
        let key = status.number.as_ref().map_or("invoices", |(key, _)| key);
        let variables = json!({ "id": order, "namespace": namespace, "key": key });
        let data: Data = admin.run(&operations::ORDER_STATUS, variables)?;
        let current = data.order.ok_or_else(order::not_found)?;
        let obsolete: Vec<String> = status.obsolete.iter().filter_map(prefixed).collect();
        let metafield = match number {
            Some((namespace, (key, number))) => {
                metafield_with(order, namespace, key, number, current.metafield)?
            }
            None => None,
        };
        Ok(Self {
            add: tag.into_iter().filter(|tag| !current.tags.contains(tag)).collect(),
            remove: current.tags.iter().filter(|tag| obsolete.contains(tag)).cloned().collect(),
            metafields: metafield.into_iter().collect(),
            tags: current.tags,
        })
    }

    fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && self.metafields.is_empty()
    }
}

/// The metafield with a number added. None when it already contains the number.
fn metafield_with(
    order: &str,
    namespace: &str,
    key: &str,
    number: &str,
    current: Option<Metafield>,
) -> Result<Option<Value>, Problem> {
    let (mut numbers, digest) = match current {
        Some(current) => {
            let numbers: Vec<String> = serde_json::from_str(&current.value).map_err(|_| {
                let message = format!("the order's metafield {namespace}.{key} is not a list of texts");
                Problem::new("metafield-taken", message).at("number")
            })?;
            (numbers, Some(current.compare_digest))
        }
        None => (Vec::new(), None),
    };
    if numbers.iter().any(|other| other == number) {
        return Ok(None);
    }
    numbers.push(number.to_owned());
    // With the digest, two documents of one order do not overwrite each other.
    let mut metafield = json!({
        "ownerId": order,
        "namespace": namespace,
        "key": key,
        "type": "list.single_line_text_field",
        "value": json!(numbers).to_string(),
    });
    if let (Some(object), Some(digest)) = (metafield.as_object_mut(), digest) {
        object.insert("compareDigest".into(), json!(digest));
    }
    Ok(Some(metafield))
}

fn check(order: &str, status: &Status, admin: &Admin) -> Result<Outcome, Outcome> {
    let changes = Changes::of(order, status, admin)?;
    if changes.is_empty() {
        return Ok(Outcome::AlreadyThere(receipt(order, &changes.tags, admin)));
    }
    Err(Outcome::Ignored("the status is not written".into()))
}

fn write(order: &str, status: &Status, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        metafields_set: Option<MetafieldsPayload>,
        tags_remove: Option<TagsPayload>,
        tags_add: Option<TagsPayload>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MetafieldsPayload {
        user_errors: Vec<UserError>,
    }
    let changes = Changes::of(order, status, admin)?;
    if changes.is_empty() {
        return Ok(Outcome::AlreadyThere(receipt(order, &changes.tags, admin)));
    }
    let variables = json!({
        "id": order,
        "adds": !changes.add.is_empty(), "add": changes.add,
        "removes": !changes.remove.is_empty(), "remove": changes.remove,
        "numbers": !changes.metafields.is_empty(), "metafields": changes.metafields,
    });
    let data: Data = admin.run(&operations::UPDATE_STATUS, variables)?;
    if let Some(payload) = &data.metafields_set {
        // The metafield was changed concurrently: a retry is safe.
        if let Some(error) =
            payload.user_errors.iter().find(|error| error.code.as_deref() == Some("STALE_OBJECT"))
        {
            return Err(Outcome::Unavailable(error.problem()));
        }
        check_user_errors(&payload.user_errors)?;
    }
    for payload in [&data.tags_remove, &data.tags_add].into_iter().flatten() {
        check_user_errors(&payload.user_errors)?;
    }
    // The mutations run in sequence: the last one returns all tags, and the shop reports the result of each.
    let (removed, added) =
        (data.tags_remove.and_then(TagsPayload::tags), data.tags_add.and_then(TagsPayload::tags));
    let intermediate = removed.clone().filter(|_| added.is_some());
    let mut receipt = receipt(order, &added.or(removed).unwrap_or(changes.tags), admin);
    if let (Some(tags), Some(_)) = (intermediate, &admin.settings.tag_prefix) {
        let written = order::written(order, "order.tags", order::joined_labels(&tags), admin);
        receipt.written.insert(0, written);
    }
    Ok(Outcome::Posted(receipt))
}

fn receipt(order: &str, tags: &[String], admin: &Admin) -> Receipt {
    let mut receipt = Receipt::of(Reference::new("order", id::local(order)));
    if admin.settings.tag_prefix.is_some() {
        receipt.written.push(order::written(order, "order.tags", order::joined_labels(tags), admin));
    }
    receipt
}
