//! Ids: numbers in webhooks and REST; in GraphQL global ids with the type and the same number.

/// The global id: `gid://shopify/Order/1001`. A global id is returned unchanged.
#[must_use]
pub fn global(kind: &str, id: &str) -> String {
    if id.starts_with("gid://") { id.to_owned() } else { format!("gid://shopify/{kind}/{id}") }
}

/// The number of a global id: `1001` of `gid://shopify/Order/1001`, without a query.
#[must_use]
pub fn local(id: &str) -> &str {
    let last = id.rsplit('/').next().unwrap_or(id);
    last.split('?').next().unwrap_or(last)
}

/// A term of Shopify's search syntax, with the text escaped: `sku:'A\'7'`.
#[must_use]
pub fn search_term(field: &str, text: &str) -> String {
    format!("{field}:'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_convert_between_both_forms() {
        assert_eq!(global("Order", "9007199254740993"), "gid://shopify/Order/9007199254740993");
        assert_eq!(global("Order", "gid://shopify/Order/1"), "gid://shopify/Order/1");
        assert_eq!(local("gid://shopify/Order/9007199254740993"), "9007199254740993");
        assert_eq!(local("gid://shopify/InventoryLevel/7?inventory_item_id=8"), "7");
        assert_eq!(local("1001"), "1001");
    }

    #[test]
    fn a_search_term_is_escaped() {
        assert_eq!(search_term("sku", "TEA-100"), "sku:'TEA-100'");
        assert_eq!(search_term("sku", r"A'7 OR tag:\x"), r"sku:'A\'7 OR tag:\\x'");
    }
}
