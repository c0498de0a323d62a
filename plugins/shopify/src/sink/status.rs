//! How far an order has come elsewhere, told as tags of the order, and the numbers of its documents, told as
//! metafields. A metafield is no part of what the order's webhooks tell, so it does not come back.
//!
//! | tags | set by |
//! |---|---|
//! | `accepted`, `processing`, `done`, `cancelled`, `refused` | the ERP's sales order; the last one counts |
//! | `allocated`, `packed` | shipments; taken away when goods leave, which the fulfilment tells |
//! | `invoiced`, `credited` | invoices and credit memos that are posted |

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cancel;
use crate::admin::answer::{UserError, accepted};
use crate::admin::{Admin, id, operations};
use crate::settings::CancelOn;

/// What a sales order can be; only one of them at a time.
const BOOKED: &[&str] = &["accepted", "processing", "done", "cancelled", "refused"];
/// How far goods are that have not left; only one of them at a time.
const PREPARED: &[&str] = &["allocated", "packed"];

/// What is to be said of an order.
#[derive(Default)]
struct Word {
    /// The tag that is to be there.
    tag: Option<&'static str>,
    /// The tags that are not to be there.
    over: Vec<&'static str>,
    /// The metafield that a number belongs into, and the number.
    number: Option<(&'static str, String)>,
}

/// What tagging answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Labelled {
    node: Option<Tags>,
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<String>,
}

impl Labelled {
    /// All tags that the order has now.
    #[must_use]
    pub fn tags(self) -> Option<Vec<String>> {
        Some(self.node?.tags)
    }
}

/// Tells what an ERP says of its document.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn document(work: &Work, document: &Document, admin: &Admin) -> Result<Outcome, Outcome> {
    let order = super::order(work, document.order.as_ref(), admin)?;
    if let Some(why) = cancels(document, admin) {
        return cancel::order(&order, work.resume.as_deref(), cancel::Reason::Other, &why, admin);
    }
    say(&order, &Word::of(document)?, admin)
}

/// Looks for it.
///
/// # Errors
/// The shop could not be asked.
pub fn find_document(work: &Work, document: &Document, admin: &Admin) -> Result<Found, Found> {
    let seen = super::order(work, document.order.as_ref(), admin).and_then(|order| {
        if cancels(document, admin).is_some() {
            return cancel::look(&order, admin);
        }
        seen(&order, &Word::of(document)?, admin)
    });
    seen.map(super::found).or_else(|outcome| Ok(super::found(outcome)))
}

/// Tells how far a shipment is that has not left.
///
/// # Errors
/// The outcome, where something stood in the way.
pub fn progress(state: ShipmentState, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    say(order, &Word::prepared(state), admin)
}

/// What became of it: already there, or not.
///
/// # Errors
/// The shop could not be asked.
pub fn planned(state: ShipmentState, order: &str, admin: &Admin) -> Result<Outcome, Outcome> {
    seen(order, &Word::prepared(state), admin)
}

/// The tags among these that are over once goods leave.
#[must_use]
pub fn over(tags: &[String], admin: &Admin) -> Vec<String> {
    let own = |tag: &&String| PREPARED.iter().any(|name| Some(*tag) == label(name, admin).as_ref());
    tags.iter().filter(own).cloned().collect()
}

/// Why a document cancels its order in the shop, if it does.
fn cancels(document: &Document, admin: &Admin) -> Option<String> {
    let on = match (document.kind, document.state) {
        (DocumentKind::SalesOrder, DocumentState::Cancelled) => CancelOn::Cancelled,
        (DocumentKind::SalesOrder, DocumentState::Refused) => CancelOn::Refused,
        _ => return None,
    };
    let number = document.number.as_deref().unwrap_or("its sales order");
    let reason = document.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let what = if on == CancelOn::Refused { "refused" } else { "cancelled" };
    admin.settings.cancel_on.contains(&on).then(|| format!("{number} was {what} in the ERP{reason}"))
}

impl Word {
    fn of(document: &Document) -> Result<Self, Outcome> {
        use DocumentState::{Accepted, Cancelled, Done, Draft, Paid, Posted, Processing, Quoted, Refused};
        let ignored = |why: &str| Err(Outcome::Ignored(why.into()));
        let exclusive = |tag: &'static str| Self {
            tag: Some(tag),
            over: BOOKED.iter().copied().filter(|other| *other != tag).collect(),
            number: None,
        };
        let settled = |tag: &'static str, key: &'static str| Self {
            tag: Some(tag),
            number: document.number.clone().map(|number| (key, number)),
            ..Self::default()
        };
        Ok(match (document.kind, document.state) {
            (_, Draft | Quoted) => return ignored("the document is not settled yet"),
            (DocumentKind::Acknowledgement, _) => return ignored("it says nothing of the order"),
            (DocumentKind::SalesOrder, Accepted | Posted) => exclusive("accepted"),
            (DocumentKind::SalesOrder, Processing) => exclusive("processing"),
            (DocumentKind::SalesOrder, Done | Paid) => exclusive("done"),
            (DocumentKind::SalesOrder, Cancelled) => exclusive("cancelled"),
            (DocumentKind::SalesOrder, Refused) => exclusive("refused"),
            (DocumentKind::Invoice, Posted | Paid | Done) => settled("invoiced", "invoices"),
            (DocumentKind::CreditMemo, Posted | Paid | Done) => settled("credited", "credit_memos"),
            (DocumentKind::Invoice, Cancelled) => Self { over: vec!["invoiced"], ..Self::default() },
            (DocumentKind::CreditMemo, Cancelled) => Self { over: vec!["credited"], ..Self::default() },
            (_, Accepted | Processing | Refused) => return ignored("the document is not posted yet"),
        })
    }

    fn prepared(state: ShipmentState) -> Self {
        let tag = if state == ShipmentState::Packed { "packed" } else { "allocated" };
        let over = PREPARED.iter().copied().filter(|other| *other != tag).collect();
        Self { tag: Some(tag), over, number: None }
    }
}

/// A tag as it stands at the order. None when the operator wants no tags.
fn label(tag: &str, admin: &Admin) -> Option<String> {
    Some(format!("{}{tag}", admin.settings.tag_prefix.as_deref()?))
}

/// What an order says now.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    tags: Vec<String>,
    metafield: Option<Metafield>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metafield {
    value: String,
    compare_digest: String,
}

/// What is missing at an order.
struct Gap {
    add: Vec<String>,
    remove: Vec<String>,
    metafields: Vec<Value>,
    /// The tags that are there.
    tags: Vec<String>,
}

impl Gap {
    fn of(order: &str, word: &Word, admin: &Admin) -> Result<Self, Outcome> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<Now>,
        }
        let own = |tag: &&str| label(tag, admin);
        let wanted = word.tag.as_ref().and_then(own);
        let number = admin.settings.metafields.as_deref().zip(word.number.as_ref());
        if wanted.is_none()
            && number.is_none()
            && (word.over.is_empty() || admin.settings.tag_prefix.is_none())
        {
            return Err(Outcome::Ignored("the settings let nothing be said of it".into()));
        }
        let namespace = admin.settings.metafields.as_deref().unwrap_or("crossdock");
        let key = word.number.as_ref().map_or("invoices", |(key, _)| key);
        let variables = json!({ "id": order, "namespace": namespace, "key": key });
        let answer: Answer = admin.run(&operations::ORDER_STATUS, variables)?;
        let now = answer.order.ok_or_else(super::no_order)?;
        let over: Vec<String> = word.over.iter().filter_map(own).collect();
        let metafield = match number {
            Some((namespace, (key, number))) => listed(order, namespace, key, number, now.metafield)?,
            None => None,
        };
        Ok(Self {
            add: wanted.into_iter().filter(|tag| !now.tags.contains(tag)).collect(),
            remove: now.tags.iter().filter(|tag| over.contains(tag)).cloned().collect(),
            metafields: metafield.into_iter().collect(),
            tags: now.tags,
        })
    }

    fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && self.metafields.is_empty()
    }
}

/// The metafield with one number more. None when it has it.
fn listed(
    order: &str,
    namespace: &str,
    key: &str,
    number: &str,
    there: Option<Metafield>,
) -> Result<Option<Value>, Problem> {
    let (mut numbers, digest) = match there {
        Some(there) => {
            let numbers: Vec<String> = serde_json::from_str(&there.value).map_err(|_| {
                let message = format!("the order's metafield {namespace}.{key} is no list of texts");
                Problem::new("metafield-taken", message).at("number")
            })?;
            (numbers, Some(there.compare_digest))
        }
        None => (Vec::new(), None),
    };
    if numbers.iter().any(|known| known == number) {
        return Ok(None);
    }
    numbers.push(number.to_owned());
    // The digest keeps two documents of one order from writing over each other.
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

fn seen(order: &str, word: &Word, admin: &Admin) -> Result<Outcome, Outcome> {
    let gap = Gap::of(order, word, admin)?;
    if gap.is_empty() {
        return Ok(Outcome::AlreadyThere(receipt(order, &gap.tags, admin)));
    }
    Err(Outcome::Ignored("not told yet".into()))
}

fn say(order: &str, word: &Word, admin: &Admin) -> Result<Outcome, Outcome> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        metafields_set: Option<Set>,
        tags_remove: Option<Labelled>,
        tags_add: Option<Labelled>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Set {
        user_errors: Vec<UserError>,
    }
    let gap = Gap::of(order, word, admin)?;
    if gap.is_empty() {
        return Ok(Outcome::AlreadyThere(receipt(order, &gap.tags, admin)));
    }
    let variables = json!({
        "id": order,
        "adds": !gap.add.is_empty(), "add": gap.add,
        "removes": !gap.remove.is_empty(), "remove": gap.remove,
        "numbers": !gap.metafields.is_empty(), "metafields": gap.metafields,
    });
    let answer: Answer = admin.run(&operations::TELL_STATUS, variables)?;
    if let Some(set) = &answer.metafields_set {
        // Somebody wrote it in between: nothing is lost by trying again.
        if let Some(error) =
            set.user_errors.iter().find(|error| error.code.as_deref() == Some("STALE_OBJECT"))
        {
            return Err(Outcome::Unavailable(error.problem()));
        }
        accepted(&set.user_errors)?;
    }
    for labelled in [&answer.tags_remove, &answer.tags_add].into_iter().flatten() {
        accepted(&labelled.user_errors)?;
    }
    // The operations run one after the other, so the last one knows all tags; the shop tells of each.
    let (removed, added) =
        (answer.tags_remove.and_then(Labelled::tags), answer.tags_add.and_then(Labelled::tags));
    let passing = removed.clone().filter(|_| added.is_some());
    let mut receipt = receipt(order, &added.or(removed).unwrap_or(gap.tags), admin);
    if let (Some(tags), Some(_)) = (passing, &admin.settings.tag_prefix) {
        receipt.written.insert(0, super::of_order(order, "order.tags", super::labels(&tags), admin));
    }
    Ok(Outcome::Posted(receipt))
}

fn receipt(order: &str, tags: &[String], admin: &Admin) -> Receipt {
    let mut receipt = Receipt::of(Reference::new("order", id::local(order)));
    if admin.settings.tag_prefix.is_some() {
        receipt.written.push(super::of_order(order, "order.tags", super::labels(tags), admin));
    }
    receipt
}
