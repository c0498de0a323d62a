//! Interchanges of our own, and how what is said about them is found again.
//!
//! A `TA1` knows only the interchange (ISA13), a 997 the group and the set in it (GS06 and ST02), and an 865 the
//! change (BCH05). So the groups' numbers follow from the interchange's: interchange 12 has its orders in group 23
//! and its changes in group 24, and the sets of a group are 0001, 0002, … A message's id is `23/1`.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::outbound::bytes;
use crate::settings::Settings;
use crate::time;
use crate::x12::{self, Envelope, GroupDraft};

/// The next interchange's control number. It rises, and is never used again.
pub(crate) fn control(settings: &Settings) -> u64 {
    settings.first_number.saturating_sub(1).saturating_add(numbers::next("isa"))
}

/// The control numbers of an interchange's groups: orders, or what else there is, and changes.
pub(crate) fn group_numbers(control: u64) -> [u64; 2] {
    let last = control.saturating_mul(2) % 1_000_000_000;
    [last.saturating_sub(1), last]
}

/// Empty groups for orders and changes.
pub(crate) fn order_groups(control: u64) -> [GroupDraft; 2] {
    let [orders, changes] = group_numbers(control);
    let group = |kind, control| GroupDraft { kind, control, sets: Vec::new() };
    [group("PO", orders), group("PC", changes)]
}

/// The id of a message: its group's control number, and its place in it from 1.
pub(crate) fn message_id(group: u64, set: usize) -> String {
    format!("{group}/{set}")
}

/// The id of a message that is a change, by the change's number.
pub(crate) fn change_id(number: &str) -> String {
    format!("change/{}", number.trim_start_matches('0'))
}

/// The bytes of an interchange.
pub(crate) fn write(
    settings: &Settings,
    control: u64,
    now: Timestamp,
    before: &[Vec<String>],
    groups: &[GroupDraft],
) -> Vec<u8> {
    let (date, time) = time::stamp(now, &settings.zone);
    let envelope = Envelope {
        separators: settings.separators,
        line_breaks: settings.line_breaks,
        sender: pair(&settings.own),
        receiver: pair(&settings.partner),
        applications: pair(&settings.applications),
        date: &date,
        time: &time,
        version: &settings.version,
        control,
        acknowledge: settings.ask_for_ta1,
        usage: &settings.usage,
    };
    bytes(&x12::interchange(&envelope, before, groups), settings.characters)
}

fn pair(two: &(String, String)) -> (&str, &str) {
    (&two.0, &two.1)
}
