//! The words of X12's codes, as a person reads them.

use crossdock_sdk::prelude::*;

/// What the partner makes of a line (element 668), with the words for it. Absent for codes that are not known.
pub(crate) fn line(code: &str) -> Option<(LineState, &'static str)> {
    use LineState::{Accepted, Backordered, Changed, Rejected, Substituted};
    Some(match code {
        "IA" => (Accepted, "accepted"),
        "AC" => (Accepted, "accepted and shipped"),
        "AR" => (Accepted, "accepted and released for shipment"),
        "AA" => (Accepted, "accepted, forwarded to another location of the supplier's"),
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
        "R6" => (Rejected, "rejected: too many were ordered"),
        "DEL" => (Rejected, "deleted"),
        _ => return None,
    })
}

/// What the partner makes of an order (element 587): how far it is, and the words where it is refused.
pub(crate) fn order(code: &str) -> (DocumentState, Option<&'static str>) {
    match code {
        "RJ" => (DocumentState::Refused, Some("the partner rejects the order")),
        "RD" => (DocumentState::Refused, Some("the partner rejects the order, line by line")),
        "RF" => (DocumentState::Refused, Some("the partner rejects the order, with exceptions")),
        "RO" => (DocumentState::Refused, Some("the partner rejects the order, with a counter offer")),
        // On hold: the partner has not decided.
        "AH" | "AP" => (DocumentState::Draft, None),
        _ => (DocumentState::Accepted, None),
    }
}

/// Why a segment cannot be read (element 720).
pub(crate) fn segment_error(code: &str) -> &'static str {
    match code {
        "1" => "is not known",
        "2" => "was not expected",
        "3" => "is missing",
        "4" => "begins its loop too often",
        "5" => "is there too often",
        "6" => "does not belong in this message",
        "7" => "is out of order",
        "8" => "has elements that are wrong",
        _ => "is wrong",
    }
}

/// Why an element cannot be read (element 723).
pub(crate) fn element_error(code: &str) -> &'static str {
    match code {
        "1" => "is missing",
        "2" => "is missing beside another one",
        "3" => "is too many",
        "4" => "is too short",
        "5" => "is too long",
        "6" => "has a character that is not allowed",
        "7" => "is a code that is not known",
        "8" => "is no day",
        "9" => "is no time",
        "10" => "must not be there beside another one",
        _ => "is wrong",
    }
}

/// Why a message cannot be read (element 718).
pub(crate) fn set_error(code: &str) -> &'static str {
    match code {
        "1" => "the transaction set is not supported",
        "2" => "its trailer is missing",
        "3" => "its control numbers do not match",
        "4" => "its segments are not as many as it says",
        "5" => "one or more segments are wrong",
        "6" => "its kind is missing or wrong",
        "7" => "its control number is missing or wrong",
        "23" => "its control number is not unique in the group",
        _ => "it is wrong",
    }
}

/// Why a group cannot be read (element 716).
pub(crate) fn group_error(code: &str) -> &'static str {
    match code {
        "1" => "the functional group is not supported",
        "2" => "its version is not supported",
        "3" => "its trailer is missing",
        "4" => "its control numbers do not match",
        "5" => "its transaction sets are not as many as it says",
        "6" => "its control number is wrong",
        _ => "the functional group is wrong",
    }
}

/// Why an interchange cannot be read (element I18).
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
        "009" => "the receiver's id is not known",
        "010" | "011" => "the authorization is wrong",
        "012" | "013" => "the security information is wrong",
        "014" => "the day is wrong",
        "015" => "the time is wrong",
        "016" => "the standard's id is wrong",
        "017" => "the version's id is wrong",
        "018" => "the control number is wrong",
        "019" => "the wish for an acknowledgement is wrong",
        "020" => "the usage indicator is wrong",
        "021" => "the groups are not as many as it says",
        "022" => "the control structure is wrong",
        "023" => "the file ends too early",
        "024" => "the content is wrong",
        "025" => "the control number was used before",
        "026" | "027" => "the separators are wrong",
        _ => "the envelope is wrong",
    }
}
