//! Outbound interchanges: their control numbers, the ids of their messages, and their envelopes.
//!
//! A `TA1` refers to an interchange (ISA13), a 997 to a group and a set in it (GS06 and ST02), and an 865 to a change
//! (BCH05). So the group numbers derive from the interchange's number: interchange 12 has its orders in group 23 and its
//! changes in group 24, and the sets of a group are 0001, 0002, … The id of a message is `23/1`.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::encode;
use crate::settings::Settings;
use crate::time;
use crate::x12::{self, Envelope, GroupDraft};

/// The next control number of an interchange. It increases, and is never reused.
pub(crate) fn next_control_number(settings: &Settings) -> u64 {
    settings.first_number.saturating_sub(1).saturating_add(numbers::next("isa"))
}

/// The control numbers of an interchange's groups: the first is of orders or acknowledgements, the second of changes.
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

/// The id of a message: its group's control number, and its position in the group from 1.
pub(crate) fn message_id(group: u64, position: usize) -> String {
    format!("{group}/{position}")
}

/// The id of a message that is a change, by the change's number.
pub(crate) fn change_id(number: &str) -> String {
    format!("change/{}", number.trim_start_matches('0'))
}

/// The bytes of an interchange. `ta1` are the elements of its `TA1` segments.
pub(crate) fn write(
    settings: &Settings,
    control: u64,
    now: Timestamp,
    ta1: &[Vec<String>],
    groups: &[GroupDraft],
) -> Vec<u8> {
    let (date, time) = time::date_and_time(now, &settings.zone);
    let envelope = Envelope {
        separators: settings.separators,
        line_breaks: settings.line_breaks,
        sender: as_strs(&settings.own),
        receiver: as_strs(&settings.partner),
        applications: as_strs(&settings.applications),
        date: &date,
        time: &time,
        version: &settings.version,
        control,
        request_ta1: settings.request_ta1,
        usage: &settings.usage,
    };
    encode::bytes(&x12::interchange(&envelope, ta1, groups), settings.characters)
}

fn as_strs(pair: &(String, String)) -> (&str, &str) {
    (&pair.0, &pair.1)
}
