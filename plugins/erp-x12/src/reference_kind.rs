//! The kinds of references that the host stores of an order.

/// The order at the partner: BEG03, with the number of each line.
pub(crate) const PURCHASE_ORDER: &str = "purchase-order";
/// A message: by its group and position, or by the number of the change.
pub(crate) const MESSAGE: &str = "message";
/// A delivery that was written to a file.
pub(crate) const DELIVERY: &str = "delivery";
/// A message of a delivery that the partner refused. Added by the host.
pub(crate) const REFUSED: &str = "refused";
/// A change that the partner confirmed. Added by the host.
pub(crate) const ANSWERED: &str = "answered";
/// The partner's own order. Added by the host when the partner confirms the order.
pub(crate) const SALES_ORDER: &str = "sales-order";
/// The state of the order as the last message sent it.
pub(crate) const LAST_SENT: &str = "last-sent";
/// The state of the order as the message before the last sent it.
pub(crate) const PREVIOUSLY_SENT: &str = "previously-sent";
