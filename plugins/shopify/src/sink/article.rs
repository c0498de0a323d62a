//! Which article of the shop a SKU is.

use crossdock_sdk::prelude::*;

use crate::admin::Admin;
use crate::settings::UnknownSku;

/// The table that says what a SKU is called in the shop: another SKU, a variant's global id, or `-` for what is
/// not sold there.
pub const TABLE: &str = "sku";
/// What the table says of an article that is not sold in the shop.
pub const NOT_HERE: &str = "-";

/// An article of the shop.
#[derive(Clone, Debug, PartialEq)]
pub enum Article {
    /// By its variant.
    Variant(String),
    /// By its SKU in the shop.
    Sku(String),
}

impl Article {
    /// What the table says of a SKU; without a word of it, the SKU itself.
    ///
    /// # Errors
    /// `rejected` when there is no SKU; `ignored` when the article is not sold here.
    pub fn of(sku: Option<&str>) -> Result<Self, Outcome> {
        let Some(sku) = sku.filter(|sku| !sku.is_empty()) else {
            return Err(Problem::new("sku-missing", "nothing says which article it is").at("sku").into());
        };
        Ok(match mappings::get(TABLE, sku) {
            Some(target) if target == NOT_HERE => {
                return Err(Outcome::Ignored(format!("{sku} is not sold in this shop")));
            }
            Some(target) if target.starts_with("gid://shopify/ProductVariant/") => Self::Variant(target),
            Some(target) => Self::Sku(target),
            None => Self::Sku(sku.to_owned()),
        })
    }

    /// The one of these that it is, where each has a SKU and an id. None when there is none.
    ///
    /// # Errors
    /// `unmapped` when there is more than one.
    pub fn pick<T>(
        found: Vec<T>,
        sku: &str,
        told: &str,
        sku_of: impl Fn(&T) -> Option<&str>,
    ) -> Result<Option<T>, Outcome> {
        let mut same: Vec<T> = found.into_iter().filter(|one| sku_of(one) == Some(sku)).collect();
        match (same.pop(), same.len()) {
            (Some(one), 0) => Ok(Some(one)),
            (Some(_), more) => {
                log::warn(format!(
                    "{} variants have the SKU {sku}: map {told} to the global id of one of them",
                    more + 1
                ));
                Err(unmapped(told))
            }
            (None, _) => Ok(None),
        }
    }

    /// The one of these that it is.
    ///
    /// # Errors
    /// `unmapped` when there is none, or more than one; `ignored` when the operator wants it so.
    pub fn choose<T>(
        found: Vec<T>,
        sku: &str,
        told: &str,
        sku_of: impl Fn(&T) -> Option<&str>,
        admin: &Admin,
    ) -> Result<T, Outcome> {
        Self::pick(found, sku, told, sku_of)?.ok_or_else(|| missing(told, admin))
    }
}

/// What becomes of work about an article that the shop does not have.
pub fn missing(sku: &str, admin: &Admin) -> Outcome {
    match admin.settings.unknown_sku {
        UnknownSku::Ignore => Outcome::Ignored(format!("the shop has no article {sku}")),
        UnknownSku::Unmapped => unmapped(sku),
    }
}

/// The SKU is missing in the table.
pub fn unmapped(sku: &str) -> Outcome {
    Outcome::Unmapped(vec![Unmapped { table: TABLE.into(), value: sku.to_owned() }])
}
