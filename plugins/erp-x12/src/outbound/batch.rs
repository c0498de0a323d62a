//! The interchange of a call: all its messages in one file.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::interchange;
use crate::reference_kind::MESSAGE;
use crate::settings::Settings;
use crate::x12::{GroupDraft, SetDraft};

/// A message to send, and the references of its receipt.
pub(crate) struct Message {
    pub draft: SetDraft,
    pub references: Vec<Reference>,
}

/// Writes the interchange and returns the outcome of each piece of work. When the host refuses the file as too large, the
/// first half of the messages is written, and the others are throttled.
pub(crate) fn send(settings: &Settings, results: Vec<Result<Message, Outcome>>) -> Vec<Outcome> {
    let mut count = results.iter().filter(|result| result.is_ok()).count();
    if count == 0 {
        return results.into_iter().filter_map(Result::err).collect();
    }
    let control = interchange::next_control_number(settings);
    // The ids of the first messages; the remaining messages have none.
    let ids: Vec<Result<String, Problem>> = loop {
        let messages = results.iter().filter_map(|result| result.as_ref().ok()).take(count);
        let (groups, ids) = groups(control, messages);
        let content = interchange::write(settings, control, Timestamp::now(), &[], &groups);
        match files::put(&format!("po-{control:09}.edi"), &content) {
            Ok(()) => break ids.into_iter().map(Ok).collect(),
            Err(files::Refusal::TooLarge(_)) if count > 1 => count /= 2,
            Err(refusal) => break vec![Err(refusal.into()); count],
        }
    };
    let mut ids = ids.into_iter();
    let mut outcome = |message: Message| match ids.next() {
        Some(Ok(id)) => {
            let mut references = message.references;
            references.push(Reference::new(MESSAGE, id));
            let note = Some(format!("interchange {control:09}"));
            Outcome::Received(Receipt { references, written: Vec::new(), note })
        }
        Some(Err(problem)) => problem.into(),
        None => Outcome::Throttled(Throttle {
            after_ms: None,
            message: "the interchange was full: it is sent with the next one".to_owned(),
        }),
    };
    results
        .into_iter()
        .map(|result| match result {
            Ok(message) => outcome(message),
            Err(early) => early,
        })
        .collect()
}

/// The functional groups of an interchange, and the ids of its messages in the order of the messages.
fn groups<'a>(control: u64, messages: impl Iterator<Item = &'a Message>) -> (Vec<GroupDraft>, Vec<String>) {
    let mut groups = interchange::order_groups(control);
    let mut ids = Vec::new();
    for message in messages {
        let [orders, changes] = &mut groups;
        let group = if message.draft.kind == "850" { orders } else { changes };
        group.sets.push(message.draft.clone());
        ids.push(interchange::message_id(group.control, group.sets.len()));
    }
    (groups.into_iter().filter(|group| !group.sets.is_empty()).collect(), ids)
}
