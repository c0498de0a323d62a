//! Inbound files: whole interchanges, with each transaction set read by the module of its kind.
//!
//! A file is read as a whole or not at all: an error in one set sets the file aside with the segment, and nothing of it
//! is acknowledged.

mod acknowledgement;
mod article;
mod codes;
mod confirmation;
mod context;
mod invoice;
mod number;
mod sent_order;
mod shipment;
mod stock;

use crossdock_sdk::prelude::*;

use self::context::Context;
use crate::acknowledge::Acknowledgements;
use crate::mapping::InboundMapping;
use crate::settings::Settings;
use crate::x12::{self, Interchange, Set};

/// Reads a file, and acknowledges it when configured.
///
/// # Errors
/// Why the file is set aside: a code of [`x12`], `wrong-partner`, `wrong-usage`, `transaction-set-unknown`, or an error
/// within a transaction set.
pub(crate) fn receive(file: &[u8]) -> Result<Vec<Event>, Problem> {
    let settings = Settings::read()?;
    let mapping = InboundMapping::read()?;
    let text = x12::text(file);
    let interchanges = x12::parse(&text)?;
    let mut events = Vec::new();
    let mut acknowledgements = Acknowledgements::default();
    for interchange in &interchanges {
        check_header(interchange, &settings)?;
        for (at, segment) in interchange.acknowledgements.iter().enumerate() {
            let context = Context::of_ta1(interchange, at, (&settings, &mapping))?;
            events.extend(acknowledgement::of_interchange(*segment, &context)?);
        }
        for group in &interchange.groups {
            for (at, set) in group.sets.iter().enumerate() {
                let context = Context::of_set(interchange, group, at, (&settings, &mapping))?;
                events.extend(read(set, &context)?);
            }
        }
        acknowledgements.add(interchange);
    }
    acknowledgements.send(&settings)?;
    Ok(events)
}

fn read(set: &Set<'_>, context: &Context<'_>) -> Result<Vec<Event>, Problem> {
    match set.kind() {
        "997" | "999" => acknowledgement::of_group(set, context),
        "855" => confirmation::read(set, context, confirmation::Layout::ORDER),
        "865" => confirmation::read(set, context, confirmation::Layout::CHANGE),
        "856" => shipment::read(set, context),
        "810" => invoice::read(set, context),
        "846" => stock::read(set, context),
        other => {
            let number = set.header.number;
            let message =
                format!("this connector does not read transaction set {other} (ST, segment {number})");
            Err(set.header.problem(1, "transaction-set-unknown", message))
        }
    }
}

/// Checks that the interchange is from the partner, for the retailer, and of the configured usage.
fn check_header(interchange: &Interchange<'_>, settings: &Settings) -> Result<(), Problem> {
    let header = interchange.header;
    let number = header.number;
    let sides = [
        (5, "is from", interchange.sender(), &settings.partner),
        (7, "is for", interchange.receiver(), &settings.own),
    ];
    for (at, verb, (qualifier, id), (expected_qualifier, expected_id)) in sides {
        if (qualifier, id) != (expected_qualifier.as_str(), expected_id.as_str()) {
            let message = format!(
                "the interchange {verb} {qualifier}/{id} (ISA, segment {number}), and the settings have {expected_qualifier}/{expected_id}"
            );
            return Err(header.problem(at + 1, "wrong-partner", message));
        }
    }
    let usage = header.raw(15);
    if usage != settings.usage {
        let message =
            format!("ISA15 (segment {number}) is {usage:?}, and the settings have {:?}", settings.usage);
        return Err(header.problem(15, "wrong-usage", message));
    }
    Ok(())
}
