//! Confirmations: what a target says later about a message that it had received. Received and posted are two states.
//!
//! A target that exchanges files answers with documents: an acknowledgement (the message can be read), then a sales
//! order (how it booked the message, line by line). Each answers one delivery: the one whose receipt named the
//! message, else the oldest delivery of the order that nothing has confirmed.

use crossdock_model::common::{LineReference, Reference};
use crossdock_model::connector::Problem;
use crossdock_model::document::{Document, DocumentKind, DocumentState, LineState};
use crossdock_model::event::{Event, Fact};

use crate::code;
use crate::lane::DeliveryState;

/// The kind of reference that names a message in a receipt.
pub const MESSAGE: &str = "message";

/// The kind of reference by which the host records that a target refused a message: its id is the serial number of
/// the delivery and the fence of its claim (`7/2`).
pub const REFUSED: &str = "refused";

/// The kind of reference by which the host records which message a confirming document answered: its id is the
/// message's.
pub const ANSWERED: &str = "answered";

/// A target's answer to a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmation {
    /// The identity of the order. Absent when the document names none.
    pub order: Option<String>,
    /// The message, by the id of its reference. Absent when the document does not say.
    pub answers: Option<String>,
    /// What it says about the message.
    pub statement: Statement,
}

/// What a target says about a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// It arrived and can be read. Its content is not confirmed yet.
    Acknowledged {
        /// The acknowledgement, in words for a person.
        note: String,
    },
    /// It is booked, under these references.
    Posted(Vec<Reference>),
    /// It is refused as a whole: nothing was done.
    Refused(Problem),
    /// It is booked without some of its lines.
    LinesRejected(Problem, Vec<Reference>),
}

impl Confirmation {
    /// The confirmation that an event carries. None for all events but documents that confirm or refuse a message.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Fact::DocumentUpdated(document) = &event.fact else { return None };
        let order = event.parent.as_ref().or(document.order.as_ref()).map(ToString::to_string);
        let answers = document.answers.clone();
        if order.is_none() && answers.is_none() {
            return None;
        }
        Some(Self { order, answers, statement: statement(event, document)? })
    }
}

fn statement(event: &Event, document: &Document) -> Option<Statement> {
    use DocumentState::{Cancelled, Draft, Quoted, Refused};
    let name = document.number.as_deref().unwrap_or(&event.entity.id);
    match (document.kind, document.state) {
        (DocumentKind::Acknowledgement | DocumentKind::SalesOrder, Refused | Cancelled) => {
            let message =
                document.reason.clone().unwrap_or_else(|| format!("the target refused it with {name}"));
            Some(Statement::Refused(problem(code::REFUSED, message)))
        }
        (DocumentKind::Acknowledgement, _) => {
            Some(Statement::Acknowledged { note: format!("acknowledged with {name}, not confirmed yet") })
        }
        (DocumentKind::SalesOrder, Draft | Quoted) => None,
        (DocumentKind::SalesOrder, _) => {
            let mut references = vec![reference(event, document)];
            references.extend(document.answers.clone().map(answered));
            Some(match rejected(document) {
                None => Statement::Posted(references),
                Some(message) => Statement::LinesRejected(problem(code::LINES_REJECTED, message), references),
            })
        }
        (DocumentKind::Invoice | DocumentKind::CreditMemo, _) => None,
    }
}

/// The target's reference for the order.
fn reference(event: &Event, document: &Document) -> Reference {
    let reference = |line: &crossdock_model::document::DocumentLine| {
        line.line.clone().map(|order| LineReference { line: order, id: line.id.clone() })
    };
    Reference {
        kind: "sales-order".to_owned(),
        id: event.entity.id.clone(),
        number: document.number.clone(),
        lines: document.lines.iter().filter_map(reference).collect(),
    }
}

fn answered(message: String) -> Reference {
    Reference { kind: ANSWERED.to_owned(), id: message, number: None, lines: Vec::new() }
}

/// The lines that the target rejects, with its reasons. None when it accepts all.
fn rejected(document: &Document) -> Option<String> {
    let lines: Vec<String> = document
        .lines
        .iter()
        .filter(|line| line.state == Some(LineState::Rejected))
        .map(|line| {
            let name = line.sku.as_deref().or(line.line.as_deref()).unwrap_or(&line.id);
            let reason = line.reason.as_deref().unwrap_or("no reason given");
            format!("{name} × {}: {reason}", line.quantity)
        })
        .collect();
    (!lines.is_empty()).then(|| format!("the target rejects {}", lines.join("; ")))
}

/// Whether a delivery can still be confirmed: it was received, and nothing was decided about it since. `reason` is the
/// code of the reason for its state.
#[must_use]
pub fn can_be_confirmed(state: DeliveryState, reason: Option<&str>) -> bool {
    match state {
        DeliveryState::Received => true,
        DeliveryState::Exception => reason == Some(code::OVERDUE),
        _ => false,
    }
}

fn problem(code: &str, message: String) -> Problem {
    Problem { code: code.to_owned(), message, field: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(kind: &str, state: &str, more: serde_json::Value) -> Event {
        let mut value = json!({
            "kind": kind, "state": state, "number": "4711", "at": "2026-11-23T10:00:00Z",
            "answers": "000000012",
            "order": { "system": "shopify", "tenant": "acme", "kind": "order", "id": "1" }
        });
        for (name, more) in more.as_object().unwrap() {
            value[name] = more.clone();
        }
        serde_json::from_value(json!({
            "entity": { "system": "x12", "tenant": "acme", "kind": "document", "id": "855-9" },
            "occurredAt": "2026-11-23T10:00:00Z",
            "fact": { "kind": "document.updated", "value": value }
        }))
        .unwrap()
    }

    fn stated(kind: &str, state: &str, more: serde_json::Value) -> Option<Statement> {
        Confirmation::of(&document(kind, state, more)).map(|confirmation| confirmation.statement)
    }

    #[test]
    fn an_acknowledgement_does_not_confirm_the_content() {
        let note = "acknowledged with 4711, not confirmed yet".to_owned();
        assert_eq!(stated("acknowledgement", "accepted", json!({})), Some(Statement::Acknowledged { note }));
    }

    #[test]
    fn a_refusal_carries_the_targets_own_words() {
        for kind in ["acknowledgement", "sales-order"] {
            let stated = stated(kind, "refused", json!({ "reason": "AK5*R: segment PO1 is missing" }));
            let Some(Statement::Refused(problem)) = stated else { panic!("{stated:?}") };
            assert_eq!(
                (problem.code.as_str(), problem.message.as_str()),
                ("refused", "AK5*R: segment PO1 is missing")
            );
        }
    }

    #[test]
    fn a_sales_order_confirms_and_references_its_lines() {
        let lines = json!({ "lines": [
            { "id": "10", "line": "a", "sku": "SKU-A", "quantity": "2", "state": "accepted" },
            { "id": "20", "sku": "FREIGHT", "quantity": "1" }
        ]});
        let Some(Statement::Posted(references)) = stated("sales-order", "accepted", lines) else { panic!() };
        let named = LineReference { line: "a".into(), id: "10".into() };
        assert_eq!(
            references,
            [
                Reference {
                    kind: "sales-order".into(),
                    id: "855-9".into(),
                    number: Some("4711".into()),
                    lines: vec![named]
                },
                answered("000000012".into())
            ]
        );
    }

    #[test]
    fn rejected_lines_are_listed_with_their_reasons() {
        let lines = json!({ "lines": [
            { "id": "10", "line": "a", "sku": "SKU-A", "quantity": "2", "state": "accepted" },
            { "id": "20", "line": "b", "sku": "SKU-B", "quantity": "3", "state": "rejected", "reason": "discontinued" },
            { "id": "30", "line": "c", "quantity": "1", "state": "rejected" }
        ]});
        let Some(Statement::LinesRejected(problem, references)) = stated("sales-order", "accepted", lines)
        else {
            panic!()
        };
        assert_eq!(problem.code, "lines-rejected");
        assert_eq!(problem.message, "the target rejects SKU-B × 3: discontinued; c × 1: no reason given");
        assert_eq!((references[0].lines.len(), references[1].kind.as_str()), (3, ANSWERED));
    }

    #[test]
    fn a_document_that_decides_nothing_is_not_a_confirmation() {
        assert_eq!(stated("sales-order", "draft", json!({})), None);
        assert_eq!(stated("invoice", "posted", json!({})), None);
        let unrelated = document("sales-order", "accepted", json!({ "order": null, "answers": null }));
        assert_eq!(Confirmation::of(&unrelated), None);
    }

    #[test]
    fn only_a_received_delivery_can_be_confirmed() {
        use DeliveryState::{Exception, Queued, Ready, Received, Sending, Settled, Waiting};
        assert!(can_be_confirmed(Received, None));
        assert!(can_be_confirmed(Exception, Some("overdue")));
        assert!(!can_be_confirmed(Exception, Some("refused")));
        for state in [Queued, Ready, Sending, Waiting, Settled] {
            assert!(!can_be_confirmed(state, None), "{state}");
        }
    }
}
