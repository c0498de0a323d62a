//! What the partner says of messages as such: `TA1` of an interchange, 997 (and 999) of a group. That a message
//! can be read says nothing of what is in it.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;

use super::{Told, codes};
use crate::interchange::{group_numbers, message_id};
use crate::outbound::MESSAGE;
use crate::x12::{Segment, Set};

/// The most messages that are looked for in one interchange of ours.
const MOST: usize = 1_000;

/// Segments whose elements are people's names and addresses: what was wrong in them is not repeated.
const PERSONAL: [&str; 6] = ["N1", "N2", "N3", "N4", "PER", "MSG"];

/// A TA1. That an interchange is accepted is said by the 997 that follows; one that is refused refuses every
/// message in it.
pub(crate) fn of_interchange(segment: Segment<'_>, told: &Told<'_>) -> Result<Vec<Event>, Problem> {
    let control = segment.need(1, "the control number of the interchange that is acknowledged")?;
    let number = segment.number;
    let Ok(control) = control.parse() else {
        let message = format!("TA101 (segment {number}) is no control number");
        return Err(segment.problem(1, "invalid-number", message));
    };
    if segment.need(4, "whether the interchange is accepted")? != "R" {
        return Ok(Vec::new());
    }
    let code = segment.value(5);
    let reason = format!(
        "the partner refuses the interchange {control:09}: {} (TA1 note {code})",
        codes::interchange_error(code)
    );
    let mut events = Vec::new();
    for group in group_numbers(control) {
        let messages = (1..=MOST).map(|set| (set, message_id(group, set)));
        let known =
            messages.map_while(|(set, id)| Some((set, id.clone(), references::resolve(MESSAGE, &id)?)));
        for (set, id, order) in known {
            let kept = Kept { group, set, order: Some(order), answers: id };
            events.push(kept.event("TA1", Err(reason.clone()), told));
        }
    }
    if events.is_empty() {
        log::warn(format!(
            "the TA1 at segment {number} refuses the interchange {control:09}, which is not known"
        ));
    }
    Ok(events)
}

/// A 997 or 999, of a group that holds orders or changes; of other groups there is nothing to be told.
pub(crate) fn of_group(set: &Set<'_>, told: &Told<'_>) -> Result<Vec<Event>, Problem> {
    let head = set.need("AK1")?;
    let kind = head.need(1, "the kind of the group that is acknowledged")?;
    let control = head.need(2, "the control number of the group that is acknowledged")?;
    if !["PO", "PC"].contains(&kind) {
        return Ok(Vec::new());
    }
    let Ok(group) = control.parse::<u64>() else {
        let message = format!("AK102 (segment {}) is no control number", head.number);
        return Err(head.problem(2, "invalid-number", message));
    };
    let verdicts = verdicts(set)?;
    let tail = set.need("AK9")?;
    let refused = !matches!(tail.need(1, "whether the group is accepted")?, "A" | "E" | "P");
    let errors: Vec<&str> = (5..=9).filter_map(|at| tail.get(at)).map(codes::group_error).collect();
    let whole = || {
        let why = if errors.is_empty() { "no reason given".to_owned() } else { errors.join("; ") };
        Err(format!("the partner refuses the group {group}: {why}"))
    };
    let included: usize = tail.value(2).parse().unwrap_or_default();
    let named = verdicts.keys().copied().max().unwrap_or_default();
    let mut events = Vec::new();
    for place in 1..=MOST {
        let said = place <= included.max(named);
        if !said && !refused {
            break;
        }
        let id = message_id(group, place);
        let order = references::resolve(MESSAGE, &id);
        // A group that is refused is refused whole, however many messages the partner found in it.
        if !said && order.is_none() {
            break;
        }
        let verdict = match verdicts.get(&place) {
            Some(Err(why)) => Err(why.clone()),
            // What the partner does not name one by one is what there was in the group.
            None if order.is_none() && place > named => break,
            None if order.is_none() => continue,
            _ if refused => whole(),
            Some(Ok(())) | None => Ok(()),
        };
        let kept = Kept { group, set: place, order, answers: id };
        events.push(kept.event(set.kind(), verdict, told));
    }
    Ok(events)
}

/// What is said of each set by its place in the group; the reasons of those that are refused.
fn verdicts(set: &Set<'_>) -> Result<BTreeMap<usize, Result<(), String>>, Problem> {
    let mut verdicts = BTreeMap::new();
    let mut open: Option<usize> = None;
    let mut reasons: Vec<String> = Vec::new();
    let mut within = "";
    for segment in &set.body {
        match segment.id {
            "AK2" => {
                let control = segment.need(2, "the control number of the message that is acknowledged")?;
                open = control.parse().ok();
                reasons.clear();
            }
            "AK3" | "IK3" => {
                within = segment.value(1);
                let words = codes::segment_error(segment.value(4));
                reasons.push(format!("{within} (segment {} of the message) {words}", segment.value(2)));
            }
            "AK4" | "IK4" => {
                let words = codes::element_error(segment.value(3));
                let bad = segment.get(4).filter(|_| !PERSONAL.contains(&within));
                let bad = bad.map(|bad| format!(": {bad:?}")).unwrap_or_default();
                reasons.push(format!("{within}{:0>2} {words}{bad}", segment.value(1)));
            }
            "AK5" | "IK5" => {
                let accepted = matches!(segment.need(1, "whether the message is accepted")?, "A" | "E");
                reasons.extend(
                    (2..=6).filter_map(|at| segment.get(at)).map(|code| codes::set_error(code).to_owned()),
                );
                if let Some(place) = open.take() {
                    let why =
                        if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
                    let refused = || format!("the partner cannot read the message: {why}");
                    verdicts.insert(place, if accepted { Ok(()) } else { Err(refused()) });
                }
                reasons.clear();
            }
            _ => {}
        }
    }
    Ok(verdicts)
}

/// A message of ours that is spoken of.
struct Kept {
    group: u64,
    set: usize,
    order: Option<Entity>,
    /// Its id.
    answers: String,
}

impl Kept {
    fn event(self, by: &str, verdict: Result<(), String>, told: &Told<'_>) -> Event {
        let state = if verdict.is_ok() { DocumentState::Accepted } else { DocumentState::Refused };
        let document = Document {
            kind: DocumentKind::Acknowledgement,
            number: Some(format!("{by} {}", told.interchange)),
            order: self.order.clone(),
            state,
            date: None,
            reason: verdict.err(),
            answers: Some(self.answers),
            untaxed: None,
            tax: None,
            total: None,
            lines: Vec::new(),
            at: told.at.clone(),
            extensions: None,
        };
        let id = format!("acknowledgement-{}-{}", self.group, self.set);
        told.event(EntityKind::Document, id, self.order, Fact::DocumentUpdated(document))
    }
}
