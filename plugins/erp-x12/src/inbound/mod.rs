//! What the partner tells: whole interchanges, each transaction set by the room that reads its kind.
//!
//! A file is read as a whole or not at all: what is wrong with one set of it sets the file aside, with the segment
//! named, and nothing of it is acknowledged.

mod acknowledgement;
mod article;
mod codes;
mod confirmation;
mod dispatch;
mod invoice;
mod order;
mod stock;

use crossdock_sdk::prelude::*;

use crate::reply::Reply;
use crate::settings::Settings;
use crate::tables::Words;
use crate::time;
use crate::x12::{self, Group, Interchange, Set};

/// Reads a file, and answers it with a 997 where one is wanted.
///
/// # Errors
/// Why it is set aside: a code of [`x12`], `wrong-partner`, `wrong-usage`, `transaction-set-unknown`, or what is wrong
/// within a transaction set.
pub(crate) fn receive(file: &[u8]) -> Result<Vec<Event>, Problem> {
    let settings = Settings::read()?;
    let words = Words::read()?;
    let text = x12::text(file);
    let interchanges = x12::parse(&text)?;
    let mut events = Vec::new();
    let mut reply = Reply::default();
    for interchange in &interchanges {
        ours(interchange, &settings)?;
        for (at, segment) in interchange.acknowledgements.iter().enumerate() {
            let told = Told::by_interchange(interchange, at, (&settings, &words))?;
            events.extend(acknowledgement::of_interchange(*segment, &told)?);
        }
        for group in &interchange.groups {
            for (at, set) in group.sets.iter().enumerate() {
                let told = Told::by_set(interchange, group, at, (&settings, &words))?;
                events.extend(read(set, &told)?);
            }
        }
        reply.to(interchange);
    }
    reply.send(&settings)?;
    Ok(events)
}

fn read(set: &Set<'_>, told: &Told<'_>) -> Result<Vec<Event>, Problem> {
    match set.kind() {
        "997" | "999" => acknowledgement::of_group(set, told),
        "855" => confirmation::read(set, told, confirmation::Form::ORDER),
        "865" => confirmation::read(set, told, confirmation::Form::CHANGE),
        "856" => dispatch::read(set, told),
        "810" => invoice::read(set, told),
        "846" => stock::read(set, told),
        other => {
            let number = set.header.number;
            let message =
                format!("this connector does not read transaction set {other} (ST, segment {number})");
            Err(set.header.problem(1, "transaction-set-unknown", message))
        }
    }
}

/// The interchange is from the partner, for the retailer, and of the kind that is booked.
fn ours(interchange: &Interchange<'_>, settings: &Settings) -> Result<(), Problem> {
    let header = interchange.header;
    let number = header.number;
    let sides = [
        (5, "is from", interchange.sender(), &settings.partner),
        (7, "is for", interchange.receiver(), &settings.own),
    ];
    for (at, verb, (qualifier, id), (own_qualifier, own_id)) in sides {
        if (qualifier, id) != (own_qualifier.as_str(), own_id.as_str()) {
            let message = format!(
                "the interchange {verb} {qualifier}/{id} (ISA, segment {number}), and the settings say {own_qualifier}/{own_id}"
            );
            return Err(header.problem(at + 1, "wrong-partner", message));
        }
    }
    let usage = header.raw(15);
    if usage != settings.usage {
        let message =
            format!("ISA15 (segment {number}) says {usage:?}, and the settings say {:?}", settings.usage);
        return Err(header.problem(15, "wrong-usage", message));
    }
    Ok(())
}

/// Where something is told, and when.
pub(crate) struct Told<'a> {
    pub settings: &'a Settings,
    pub words: &'a Words,
    /// ISA13, as it is written.
    pub interchange: &'a str,
    /// When the group was made; the interchange, for what stands in no group.
    pub at: String,
    /// Rises with each set that the partner sends.
    pub sequence: u64,
}

impl<'a> Told<'a> {
    fn by_set(
        interchange: &'a Interchange<'_>,
        group: &Group<'_>,
        at: usize,
        (settings, words): (&'a Settings, &'a Words),
    ) -> Result<Self, Problem> {
        let number: u64 = group.header.value(6).parse().unwrap_or_default();
        let moment = time::moment(group.header, 4, 5, &settings.zone)?;
        Ok(Self {
            settings,
            words,
            interchange: interchange.control(),
            at: moment,
            sequence: sequence(number, at),
        })
    }

    fn by_interchange(
        interchange: &'a Interchange<'_>,
        at: usize,
        (settings, words): (&'a Settings, &'a Words),
    ) -> Result<Self, Problem> {
        let number: u64 = interchange.control().parse().unwrap_or_default();
        let moment = time::moment(interchange.header, 9, 10, &settings.zone)?;
        Ok(Self {
            settings,
            words,
            interchange: interchange.control(),
            at: moment,
            sequence: sequence(number, at),
        })
    }

    /// An event that is told here.
    pub(crate) fn event(&self, kind: EntityKind, id: String, parent: Option<Entity>, fact: Fact) -> Event {
        let version = Version { at: self.at.clone(), sequence: Some(self.sequence) };
        Event {
            entity: self.settings.entity(kind, id),
            parent,
            version: Some(version),
            occurred_at: self.at.clone(),
            fact,
        }
    }
}

/// A million sets are in a group at most: GE01 has six digits.
fn sequence(control: u64, at: usize) -> u64 {
    let at = u64::try_from(at).unwrap_or(u64::MAX).min(999_999);
    (control % 1_000_000_000_000).saturating_mul(1_000_000).saturating_add(at)
}
