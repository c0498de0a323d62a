//! ANSI X12 as it lies in a file: interchanges, groups, transaction sets, segments, and how they are written.
//!
//! This room knows envelopes and nothing of what is in a transaction set. Whatever bytes it is given, it answers
//! with interchanges whose envelopes are right in every count and number, or with a [`Problem`] that has a
//! stable code and names the segment. Segments are counted over the whole file, the first `ISA` is segment 1.
//!
//! | code | what is wrong |
//! |---|---|
//! | `empty-file` | there is nothing in it |
//! | `edifact-refused`, `idoc-refused`, `tradacoms-refused`, `not-x12` | it is something else |
//! | `isa-malformed` | the header is not the 106 characters that it has to be |
//! | `separators-unusable` | what the header names as separators cannot separate |
//! | `segment-malformed` | a segment has no name |
//! | `segment-misplaced` | a segment stands where it must not |
//! | `interchange-truncated` | the file ends before the interchange does |
//! | `control-number-mismatch` | a trailer has another control number than its header |
//! | `control-number-repeated` | two groups, or two sets of a group, have one control number |
//! | `count-mismatch` | a trailer counts other than what is there |
//! | `wrong-functional-group` | a transaction set is in a group of another kind |
//!
//! [`Problem`]: crossdock_sdk::connector::Problem

mod decode;
mod envelope;
mod foreign;
mod header;
mod segment;
mod separators;
#[cfg(test)]
mod tests;
mod write;

pub use decode::text;
pub use envelope::{Group, Interchange, Set, parse};
pub use segment::Segment;
pub use separators::Separators;
pub use write::{Draft, Envelope, GroupDraft, interchange};

/// The functional group that a transaction set belongs in. Absent for sets that are not known here.
#[must_use]
pub fn group_of(set: &str) -> Option<&'static str> {
    Some(match set {
        "810" => "IN",
        "820" => "RA",
        "824" => "AG",
        "832" => "SC",
        "846" => "IB",
        "850" => "PO",
        "855" => "PR",
        "856" => "SH",
        "860" => "PC",
        "865" => "CA",
        "997" | "999" => "FA",
        _ => return None,
    })
}
