//! The partner's acknowledgements of messages: `TA1` of an interchange, 997 (and 999) of a group. They state whether a
//! message can be read, not whether its content is accepted.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::codes;
use super::context::Context;
use crate::interchange::{group_numbers, message_id};
use crate::reference_kind::MESSAGE;
use crate::x12::{Segment, Set};

/// The maximum number of messages that are looked up in a group.
const MAX_MESSAGES: usize = 1_000;

/// Segments with names and addresses of people. Their rejected values are not repeated in reasons.
const PERSONAL: [&str; 6] = ["N1", "N2", "N3", "N4", "PER", "MSG"];

/// The events of a TA1. A refused interchange refuses each of its messages. An accepted one has no events: the 997 that
/// follows has.
pub(crate) fn of_interchange(segment: Segment<'_>, context: &Context<'_>) -> Result<Vec<Event>, Problem> {
    let control = segment.require(1, "the control number of the interchange that is acknowledged")?;
    let number = segment.number;
    let Ok(control) = control.parse() else {
        let message = format!("TA101 (segment {number}) is not a control number");
        return Err(segment.problem(1, "invalid-number", message));
    };
    if segment.require(4, "whether the interchange is accepted")? != "R" {
        return Ok(Vec::new());
    }
    let code = segment.value(5);
    let reason = format!(
        "the partner refuses the interchange {control:09}: {} (TA1 note {code})",
        codes::interchange_error(code)
    );
    let mut events = Vec::new();
    for group in group_numbers(control) {
        let ids = (1..=MAX_MESSAGES).map(|position| (position, message_id(group, position)));
        let sent = ids.map_while(|(position, id)| {
            let order = references::resolve(MESSAGE, &id)?;
            Some(AcknowledgedMessage { group, position, order: Some(order), id })
        });
        for message in sent {
            events.push(message.event("TA1", Err(reason.clone()), context));
        }
    }
    if events.is_empty() {
        log::warn(format!(
            "the TA1 at segment {number} refuses the interchange {control:09}, which was not sent"
        ));
    }
    Ok(events)
}

/// The events of a 997 or 999 of a group of orders or changes. There are none of other groups.
pub(crate) fn of_group(set: &Set<'_>, context: &Context<'_>) -> Result<Vec<Event>, Problem> {
    let ak1 = set.require("AK1")?;
    let kind = ak1.require(1, "the kind of the group that is acknowledged")?;
    let control = ak1.require(2, "the control number of the group that is acknowledged")?;
    if !["PO", "PC"].contains(&kind) {
        return Ok(Vec::new());
    }
    let Ok(group) = control.parse::<u64>() else {
        let message = format!("AK102 (segment {}) is not a control number", ak1.number);
        return Err(ak1.problem(2, "invalid-number", message));
    };
    let verdicts = verdicts(set)?;
    let ak9 = set.require("AK9")?;
    let is_group_refused = !matches!(ak9.require(1, "whether the group is accepted")?, "A" | "E" | "P");
    let errors: Vec<&str> = (5..=9).filter_map(|at| ak9.get(at)).map(codes::group_error).collect();
    let group_refusal = || {
        let reason = if errors.is_empty() { "no reason given".to_owned() } else { errors.join("; ") };
        Err(format!("the partner refuses the group {group}: {reason}"))
    };
    let included: usize = ak9.value(2).parse().unwrap_or_default();
    let last_listed = verdicts.keys().copied().max().unwrap_or_default();
    let mut events = Vec::new();
    for position in 1..=MAX_MESSAGES {
        let is_covered = position <= included.max(last_listed);
        if !is_covered && !is_group_refused {
            break;
        }
        let id = message_id(group, position);
        let order = references::resolve(MESSAGE, &id);
        // A refused group refuses all its messages, however many of them the partner has counted.
        if !is_covered && order.is_none() {
            break;
        }
        let verdict = match verdicts.get(&position) {
            Some(Err(reason)) => Err(reason.clone()),
            // Messages that the partner does not list are those that were sent in the group.
            None if order.is_none() && position > last_listed => break,
            None if order.is_none() => continue,
            _ if is_group_refused => group_refusal(),
            Some(Ok(())) | None => Ok(()),
        };
        let message = AcknowledgedMessage { group, position, order, id };
        events.push(message.event(set.kind(), verdict, context));
    }
    Ok(events)
}

/// The verdict on each listed set by its position in the group, with the reason of a refusal.
fn verdicts(set: &Set<'_>) -> Result<BTreeMap<usize, Result<(), String>>, Problem> {
    let mut verdicts = BTreeMap::new();
    let mut position: Option<usize> = None;
    let mut reasons: Vec<String> = Vec::new();
    let mut segment_id = "";
    for segment in &set.body {
        match segment.id {
            "AK2" => {
                let control = segment.require(2, "the control number of the message that is acknowledged")?;
                position = control.parse().ok();
                reasons.clear();
            }
            "AK3" | "IK3" => {
                segment_id = segment.value(1);
                let error = codes::segment_error(segment.value(4));
                reasons.push(format!("{segment_id} (segment {} of the message) {error}", segment.value(2)));
            }
            "AK4" | "IK4" => {
                let error = codes::element_error(segment.value(3));
                let value = segment.get(4).filter(|_| !PERSONAL.contains(&segment_id));
                let value = value.map(|value| format!(": {value:?}")).unwrap_or_default();
                reasons.push(format!("{segment_id}{:0>2} {error}{value}", segment.value(1)));
            }
            "AK5" | "IK5" => {
                let is_accepted = matches!(segment.require(1, "whether the message is accepted")?, "A" | "E");
                reasons.extend(
                    (2..=6).filter_map(|at| segment.get(at)).map(|code| codes::set_error(code).to_owned()),
                );
                if let Some(position) = position.take() {
                    let reason =
                        if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
                    let refusal = || format!("the partner cannot read the message: {reason}");
                    verdicts.insert(position, if is_accepted { Ok(()) } else { Err(refusal()) });
                }
                reasons.clear();
            }
            _ => {}
        }
    }
    Ok(verdicts)
}

/// A message that an acknowledgement covers.
struct AcknowledgedMessage {
    group: u64,
    position: usize,
    /// Absent when no such message was sent.
    order: Option<Entity>,
    id: String,
}

impl AcknowledgedMessage {
    /// The event of its acknowledgement by a TA1, 997 or 999.
    fn event(self, by: &str, verdict: Result<(), String>, context: &Context<'_>) -> Event {
        let state = if verdict.is_ok() { DocumentState::Accepted } else { DocumentState::Refused };
        let document = Document {
            kind: DocumentKind::Acknowledgement,
            number: Some(format!("{by} {}", context.interchange)),
            order: self.order.clone(),
            state,
            date: None,
            reason: verdict.err(),
            answers: Some(self.id),
            untaxed: None,
            tax: None,
            total: None,
            lines: Vec::new(),
            at: context.at.clone(),
            extensions: None,
        };
        let id = format!("acknowledgement-{}-{}", self.group, self.position);
        context.event(EntityKind::Document, id, self.order, Fact::DocumentUpdated(document))
    }
}
