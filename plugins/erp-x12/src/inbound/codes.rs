//! Descriptions of X12's codes.

use crossdock_sdk::prelude::*;

/// The state of a line (element 668) and its description. Absent for unknown codes.
pub(crate) fn line(code: &str) -> Option<(LineState, &'static str)> {
    use LineState::{Accepted, Backordered, Changed, Rejected, Substituted};
    Some(match code {
        "IA" => (Accepted, "accepted"),
        "AC" => (Accepted, "accepted and shipped"),
        "AR" => (Accepted, "accepted and released for shipment"),
        "AA" => (Accepted, "accepted, forwarded to another location of the supplier"),
        "IE" => (Accepted, "accepted, price pending"),
        "SP" => (Accepted, "accepted, delivery date pending"),
        "IP" => (Changed, "price changed"),
        "IQ" => (Changed, "quantity changed"),
        "IC" => (Changed, "changed"),
        "DR" => (Changed, "delivery date changed"),
        "IB" => (Backordered, "backordered"),
        "BP" => (Backordered, "shipped in part, the rest is backordered"),
        "IF" => (Backordered, "on hold: the description is incomplete"),
        "IH" => (Backordered, "on hold"),
        "IW" => (Backordered, "on hold: waiver required"),
        "IS" => (Substituted, "substituted"),
        "IR" => (Rejected, "rejected"),
        "ID" => (Rejected, "deleted"),
        "R1" => (Rejected, "rejected: no contract item"),
        "R2" => (Rejected, "rejected: invalid article number"),
        "R3" => (Rejected, "rejected: invalid unit"),
        "R4" => (Rejected, "rejected: the contract item is not available"),
        "R5" => (Rejected, "rejected: reorder as a case"),
        "R6" => (Rejected, "rejected: the quantity is too large"),
        "DEL" => (Rejected, "deleted"),
        _ => return None,
    })
}

/// The state of an order (element 587), with a description when it is refused.
pub(crate) fn order(code: &str) -> (DocumentState, Option<&'static str>) {
    match code {
        "RJ" => (DocumentState::Refused, Some("the partner rejects the order")),
        "RD" => (DocumentState::Refused, Some("the partner rejects the order, line by line")),
        "RF" => (DocumentState::Refused, Some("the partner rejects the order, with exceptions")),
        "RO" => (DocumentState::Refused, Some("the partner rejects the order, with a counter offer")),
        // On hold: the partner has not decided yet.
        "AH" | "AP" => (DocumentState::Draft, None),
        _ => (DocumentState::Accepted, None),
    }
}

/// The error of a segment (element 720).
pub(crate) fn segment_error(code: &str) -> &'static str {
    match code {
        "1" => "is unknown",
        "2" => "was not expected",
        "3" => "is missing",
        "4" => "repeats its loop too often",
        "5" => "is repeated too often",
        "6" => "does not belong in this message",
        "7" => "is out of order",
        "8" => "has invalid elements",
        _ => "is invalid",
    }
}

/// The error of an element (element 723).
pub(crate) fn element_error(code: &str) -> &'static str {
    match code {
        "1" => "is missing",
        "2" => "is missing, and another element requires it",
        "3" => "is surplus",
        "4" => "is too short",
        "5" => "is too long",
        "6" => "has an invalid character",
        "7" => "is an unknown code",
        "8" => "is not a date",
        "9" => "is not a time",
        "10" => "is excluded by another element",
        _ => "is invalid",
    }
}

/// The error of a transaction set (element 718).
pub(crate) fn set_error(code: &str) -> &'static str {
    match code {
        "1" => "the transaction set is not supported",
        "2" => "its trailer is missing",
        "3" => "its control numbers do not match",
        "4" => "its count of segments is wrong",
        "5" => "one or more segments are invalid",
        "6" => "its kind is missing or wrong",
        "7" => "its control number is missing or wrong",
        "23" => "its control number is not unique in the group",
        _ => "it is invalid",
    }
}

/// The error of a functional group (element 716).
pub(crate) fn group_error(code: &str) -> &'static str {
    match code {
        "1" => "the functional group is not supported",
        "2" => "its version is not supported",
        "3" => "its trailer is missing",
        "4" => "its control numbers do not match",
        "5" => "its count of transaction sets is wrong",
        "6" => "its control number is wrong",
        _ => "the functional group is invalid",
    }
}

/// The error of an interchange (element I18).
pub(crate) fn interchange_error(code: &str) -> &'static str {
    match code {
        "001" => "the control numbers of header and trailer do not match",
        "002" => "the standard is not supported",
        "003" => "the version is not supported",
        "004" => "the segment terminator is wrong",
        "005" => "the sender's qualifier is wrong",
        "006" => "the sender's id is wrong",
        "007" => "the receiver's qualifier is wrong",
        "008" => "the receiver's id is wrong",
        "009" => "the receiver's id is unknown",
        "010" | "011" => "the authorization is wrong",
        "012" | "013" => "the security information is wrong",
        "014" => "the date is wrong",
        "015" => "the time is wrong",
        "016" => "the standard's id is wrong",
        "017" => "the version's id is wrong",
        "018" => "the control number is wrong",
        "019" => "the acknowledgement request is wrong",
        "020" => "the usage indicator is wrong",
        "021" => "the count of groups is wrong",
        "022" => "the control structure is wrong",
        "023" => "the file ends too early",
        "024" => "the content is invalid",
        "025" => "the control number was used before",
        "026" | "027" => "the separators are wrong",
        _ => "the envelope is invalid",
    }
}
