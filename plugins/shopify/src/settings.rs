//! What the operator wrote. The manifest describes each setting and gives its default.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

/// The connector's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The shop's domain, in lower case.
    pub shop: String,
    /// Where its Admin API is.
    pub url: String,
    /// Before every tag that tells how far an order has come. None: no tags.
    pub tag_prefix: Option<String>,
    /// The namespace of the metafields that hold document numbers. None: no metafields.
    pub metafields: Option<String>,
    /// What cancels an order beside an order that was cancelled elsewhere.
    pub cancel_on: Vec<CancelOn>,
    /// How an order is cancelled.
    pub cancel: Cancel,
    /// Whether customers are told of what leaves.
    pub notify: bool,
    /// Which quantity is set.
    pub quantity: Quantity,
    /// Whether an article is stocked at a location when its first count arrives.
    pub activate: bool,
    /// What a SKU that the shop does not have means.
    pub unknown_sku: UnknownSku,
    /// What of an article is kept in the shop.
    pub product_fields: Vec<ProductField>,
    /// Whether articles that the shop does not have are made.
    pub create_products: bool,
}

/// A document's state that cancels its order.
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
    /// Give the money back by the way it came.
    pub refund: bool,
    /// Put the goods back into the shop's stock.
    pub restock: bool,
    /// Tell the customer.
    pub notify: bool,
}

/// Which quantity of a level is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// What can be sold.
    Available,
    /// What lies on the shelf.
    OnHand,
}

impl Quantity {
    /// As Shopify calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::OnHand => "on_hand",
        }
    }
}

/// What a SKU that the shop does not have means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownSku {
    /// It is missing in the table `sku`: the work waits.
    Unmapped,
    /// It is not sold in this shop.
    Ignore,
}

/// A part of an article that is kept in the shop.
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
    /// Reads them.
    ///
    /// # Errors
    /// The setting that is missing or has another type.
    pub fn read() -> Result<Self, Problem> {
        use ProductField::{Active, Description, Gtin, Title, Weight};
        let shop = shop()?;
        let filled = |name| {
            let text = config::find::<String>(name)?;
            Ok::<_, Problem>(text.filter(|text| !text.is_empty()))
        };
        Ok(Self {
            url: filled("url")?.unwrap_or_else(|| format!("https://{shop}")),
            shop,
            tag_prefix: config::find("tag-prefix")?.map_or_else(
                || Some("erp:".to_owned()),
                |prefix: String| Some(prefix).filter(|p| !p.is_empty()),
            ),
            metafields: config::find("metafield-namespace")?.map_or_else(
                || Some("crossdock".to_owned()),
                |name: String| Some(name).filter(|n| !n.is_empty()),
            ),
            cancel_on: config::find("cancel-on")?.unwrap_or_default(),
            cancel: config::find("cancel")?.unwrap_or_default(),
            notify: config::find("notify-customer")?.unwrap_or_default(),
            quantity: config::find("stock-quantity")?.unwrap_or(Quantity::Available),
            activate: config::find("activate-stock")?.unwrap_or(true),
            unknown_sku: config::find("unknown-sku")?.unwrap_or(UnknownSku::Unmapped),
            product_fields: config::find("product-fields")?
                .unwrap_or_else(|| vec![Title, Description, Gtin, Weight, Active]),
            create_products: config::find("create-products")?.unwrap_or_default(),
        })
    }

    /// Whether a part of an article is kept in the shop.
    #[must_use]
    pub fn keeps(&self, field: ProductField) -> bool {
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
