//! The connector's settings. The manifest describes each of them and defines its default.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

/// The connector's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The shop's domain, in lower case.
    pub shop: String,
    /// The address of its Admin API.
    pub url: String,
    /// The prefix of the status tags of an order. None: no tags.
    pub tag_prefix: Option<String>,
    /// The namespace of the metafields with document numbers. None: no metafields.
    pub metafield_namespace: Option<String>,
    /// The states of a sales order that cancel the shop's order, in addition to a cancellation in the source.
    pub cancel_on: Vec<CancelOn>,
    /// How an order is cancelled.
    pub cancel: Cancel,
    /// Whether customers are notified of shipments.
    pub notify_customer: bool,
    /// Which quantity of a level is written.
    pub quantity: Quantity,
    /// Whether an article is activated at a location when its first count arrives.
    pub activate_stock: bool,
    /// How a SKU that the shop does not have is handled.
    pub unknown_sku: UnknownSku,
    /// The fields of an article that are written.
    pub product_fields: Vec<ProductField>,
    /// Whether articles that the shop does not have are created.
    pub create_products: bool,
}

/// A state of a sales order that cancels the shop's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelOn {
    /// The ERP cancelled its sales order.
    Cancelled,
    /// The ERP refused it.
    Refused,
}

/// How an order is cancelled.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cancel {
    /// Refund to the original payment methods.
    pub refund: bool,
    /// Restock the goods in the shop.
    pub restock: bool,
    /// Notify the customer.
    pub notify: bool,
}

/// Which quantity of a level is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// The quantity available for sale.
    Available,
    /// The quantity on hand.
    OnHand,
}

impl Quantity {
    /// Shopify's name of the quantity.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::OnHand => "on_hand",
        }
    }
}

/// How a SKU that the shop does not have is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownSku {
    /// As missing in the table `sku`: the work waits.
    Unmapped,
    /// As not sold in this shop: the work is ignored.
    Ignore,
}

/// A field of an article that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ProductField {
    Title,
    Description,
    Gtin,
    Weight,
    Active,
}

impl Settings {
    /// Reads the settings from the host.
    ///
    /// # Errors
    /// When a setting is missing or has another type.
    pub fn read() -> Result<Self, Problem> {
        use ProductField::{Active, Description, Gtin, Title, Weight};
        let shop = shop()?;
        let non_empty = |name| {
            let text = config::find::<String>(name)?;
            Ok::<_, Problem>(text.filter(|text| !text.is_empty()))
        };
        Ok(Self {
            url: non_empty("url")?.unwrap_or_else(|| format!("https://{shop}")),
            shop,
            tag_prefix: config::find("tag-prefix")?.map_or_else(
                || Some("erp:".to_owned()),
                |prefix: String| Some(prefix).filter(|p| !p.is_empty()),
            ),
            metafield_namespace: config::find("metafield-namespace")?.map_or_else(
                || Some("crossdock".to_owned()),
                |name: String| Some(name).filter(|n| !n.is_empty()),
            ),
            cancel_on: config::find("cancel-on")?.unwrap_or_default(),
            cancel: config::find("cancel")?.unwrap_or_default(),
            notify_customer: config::find("notify-customer")?.unwrap_or_default(),
            quantity: config::find("stock-quantity")?.unwrap_or(Quantity::Available),
            activate_stock: config::find("activate-stock")?.unwrap_or(true),
            unknown_sku: config::find("unknown-sku")?.unwrap_or(UnknownSku::Unmapped),
            product_fields: config::find("product-fields")?
                .unwrap_or_else(|| vec![Title, Description, Gtin, Weight, Active]),
            create_products: config::find("create-products")?.unwrap_or_default(),
        })
    }

    /// Whether a field of an article is written.
    #[must_use]
    pub fn writes(&self, field: ProductField) -> bool {
        self.product_fields.contains(&field)
    }
}

/// The shop's domain, in lower case.
///
/// # Errors
/// The setting is missing.
pub fn shop() -> Result<String, Problem> {
    Ok(config::get::<String>("shop")?.to_ascii_lowercase())
}
