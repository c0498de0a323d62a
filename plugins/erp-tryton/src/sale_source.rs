//! What a sale is made from: an order or a refund.

use crossdock_sdk::prelude::*;
use serde_json::{Map, Value};

use crate::erp::Erp;
use crate::lines::RequiredLine;

/// The fields of a sale without its lines.
pub struct Header {
    pub fields: Map<String, Value>,
    /// Whether the customer and the addresses are known, so that an existing sale is compared by them.
    pub compare_addresses: bool,
}

/// What a sale is made from.
pub trait SaleSource {
    /// The web id of the sale, which Tryton keeps unique within the web shop.
    fn web_id(&self) -> String;
    /// The ids in the shop of the sale's first lines, in their order.
    fn line_ids(&self) -> Vec<&str>;
    /// The total that the sale must have.
    ///
    /// # Errors
    /// The outcome that ends the booking.
    fn total(&self, erp: &Erp) -> Result<Decimal, Outcome>;
    /// The fields of the sale without its lines.
    ///
    /// # Errors
    /// The outcome that ends the booking, in particular values of the header, or of lines resolved before, that are
    /// unmapped.
    fn header(&self, erp: &Erp) -> Result<Header, Outcome>;
    /// The lines.
    ///
    /// # Errors
    /// The outcome that ends the booking.
    fn lines(&self, erp: &Erp) -> Result<Vec<RequiredLine>, Outcome>;
    /// Whether the goods have changed hands already, so that the sale's shipments are to be completed.
    fn goods_changed_hands(&self) -> bool;
}
