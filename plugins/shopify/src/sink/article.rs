//! The shop's article of a SKU.

use crossdock_sdk::prelude::*;

use crate::admin::Admin;
use crate::settings::UnknownSku;

/// The mapping table of SKUs. Its values are a SKU of the shop, a variant's global id, or [`NOT_IN_SHOP`].
pub const TABLE: &str = "sku";
/// The value of a mapping table for something that the shop does not have.
pub const NOT_IN_SHOP: &str = "-";

/// An article of the shop.
#[derive(Clone, Debug, PartialEq)]
pub enum Article {
    /// By the global id of its variant.
    Variant(String),
    /// By its SKU in the shop.
    Sku(String),
}

impl Article {
    /// The article that the table maps a SKU to; the SKU itself where it is not mapped.
    ///
    /// # Errors
    /// `rejected` when there is no SKU; `ignored` when the article is not sold in the shop.
    pub fn of(sku: Option<&str>) -> Result<Self, Outcome> {
        let Some(sku) = sku.filter(|sku| !sku.is_empty()) else {
            return Err(Problem::new("sku-missing", "the article has no SKU").at("sku").into());
        };
        Ok(match mappings::get(TABLE, sku) {
            Some(target) if target == NOT_IN_SHOP => {
                return Err(Outcome::Ignored(format!("{sku} is not sold in this shop")));
            }
            Some(target) if target.starts_with("gid://shopify/ProductVariant/") => Self::Variant(target),
            Some(target) => Self::Sku(target),
            None => Self::Sku(sku.to_owned()),
        })
    }

    /// The search result with this SKU of the shop. None when there is none. `source_sku` is the SKU in the event.
    ///
    /// # Errors
    /// `unmapped` when there is more than one.
    pub fn find<T>(
        results: Vec<T>,
        sku: &str,
        source_sku: &str,
        sku_of: impl Fn(&T) -> Option<&str>,
    ) -> Result<Option<T>, Outcome> {
        let mut matches: Vec<T> = results.into_iter().filter(|one| sku_of(one) == Some(sku)).collect();
        match (matches.pop(), matches.len()) {
            (Some(one), 0) => Ok(Some(one)),
            (Some(_), more) => {
                log::warn(format!(
                    "{} variants have the SKU {sku}: map {source_sku} to the global id of one of them",
                    more + 1
                ));
                Err(unmapped(source_sku))
            }
            (None, _) => Ok(None),
        }
    }

    /// As [`Self::find`], where the work requires the article.
    ///
    /// # Errors
    /// `unmapped` when there is none, or more than one; `ignored` when the setting says so.
    pub fn require<T>(
        results: Vec<T>,
        sku: &str,
        source_sku: &str,
        sku_of: impl Fn(&T) -> Option<&str>,
        admin: &Admin,
    ) -> Result<T, Outcome> {
        Self::find(results, sku, source_sku, sku_of)?.ok_or_else(|| not_found(source_sku, admin))
    }
}

/// The outcome when the shop does not have the article.
pub fn not_found(sku: &str, admin: &Admin) -> Outcome {
    match admin.settings.unknown_sku {
        UnknownSku::Ignore => Outcome::Ignored(format!("the shop has no article {sku}")),
        UnknownSku::Unmapped => unmapped(sku),
    }
}

/// The outcome when the SKU must be added to the table.
pub fn unmapped(sku: &str) -> Outcome {
    Outcome::Unmapped(vec![Unmapped { table: TABLE.into(), value: sku.to_owned() }])
}
