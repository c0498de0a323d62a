//! The codes of exceptions that the host itself raises. Stable: stored, shown, and documented for operators.

/// All attempts are used up.
pub const OUT_OF_ATTEMPTS: &str = "out-of-attempts";
/// A request may have been sent, and the target cannot be asked about it.
pub const OUTCOME_UNKNOWN: &str = "outcome-unknown";
/// The target has the entity more than once.
pub const DUPLICATED: &str = "duplicated";
/// The parent entity did not appear within `Policy::parent_wait_limit`.
pub const REFERENT_MISSING: &str = "referent-missing";
/// The operator's mapping tables lack a value.
pub const UNMAPPED: &str = "unmapped";
/// The plugin failed at the delivery again and again.
pub const PLUGIN_FAILED: &str = "plugin-failed";
/// The target received the message and did not confirm it in time.
pub const OVERDUE: &str = "overdue";
/// The target received the message, and then refused it.
pub const REFUSED: &str = "refused";
/// The target received the message, and booked it without some of its lines.
pub const LINES_REJECTED: &str = "lines-rejected";
/// The store's day was closed before the event arrived.
pub const DAY_CLOSED: &str = "day-closed";

/// Those of the codes above that decide what becomes of a delivery. The others are for people.
pub const DECIDE: [&str; 5] = [OUTCOME_UNKNOWN, REFERENT_MISSING, UNMAPPED, OVERDUE, DAY_CLOSED];
