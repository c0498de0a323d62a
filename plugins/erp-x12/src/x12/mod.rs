//! ANSI X12 files: interchanges, groups, transaction sets and segments, read and written.
//!
//! This module knows envelopes, and nothing of the content of a transaction set. For any bytes it returns either
//! interchanges whose envelopes are correct in every count and number, or a [`Problem`] with a stable code and the
//! segment. Segments are numbered through the whole file; the first `ISA` is segment 1.
//!
//! | code | cause |
//! |---|---|
//! | `empty-file` | the file is empty |
//! | `edifact-refused`, `idoc-refused`, `tradacoms-refused`, `not-x12` | the file has another format |
//! | `isa-malformed` | the header does not have its 106 characters |
//! | `separators-unusable` | the separators in the header are not distinct, or occur in data |
//! | `segment-malformed` | a segment has no name |
//! | `segment-misplaced` | a segment is not allowed at its position |
//! | `interchange-truncated` | the file ends before the interchange does |
//! | `control-number-mismatch` | a trailer has another control number than its header |
//! | `control-number-repeated` | two groups, or two sets of a group, have the same control number |
//! | `count-mismatch` | the count in a trailer is not the number of elements counted |
//! | `wrong-functional-group` | a transaction set is in a group of another kind |
//!
//! [`Problem`]: crossdock_sdk::connector::Problem

mod checks;
mod decode;
mod envelope;
mod functional_group;
mod header;
mod other_format;
mod segment;
mod separators;
#[cfg(test)]
mod tests;
mod write;

pub use decode::text;
pub use envelope::{Group, Interchange, Set, parse};
pub use segment::Segment;
pub use separators::Separators;
pub use write::{Envelope, GroupDraft, SegmentDraft, SetDraft, interchange};
