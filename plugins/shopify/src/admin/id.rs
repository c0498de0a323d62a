//! Ids: numbers in webhooks and REST, and in GraphQL the same numbers with the kind of thing before them.

/// `gid://shopify/Order/1001`. What is one already stays as it is.
#[must_use]
pub fn global(kind: &str, id: &str) -> String {
    if id.starts_with("gid://") { id.to_owned() } else { format!("gid://shopify/{kind}/{id}") }
}

/// `1001` of `gid://shopify/Order/1001`, without what may follow after a question mark.
#[must_use]
pub fn local(id: &str) -> &str {
    let last = id.rsplit('/').next().unwrap_or(id);
    last.split('?').next().unwrap_or(last)
}

/// A text as one term of Shopify's search: `sku:'A\'7'`.
#[must_use]
pub fn term(field: &str, text: &str) -> String {
    format!("{field}:'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_in_both_forms() {
        assert_eq!(global("Order", "9007199254740993"), "gid://shopify/Order/9007199254740993");
        assert_eq!(global("Order", "gid://shopify/Order/1"), "gid://shopify/Order/1");
        assert_eq!(local("gid://shopify/Order/9007199254740993"), "9007199254740993");
        assert_eq!(local("gid://shopify/InventoryLevel/7?inventory_item_id=8"), "7");
        assert_eq!(local("1001"), "1001");
    }

    #[test]
    fn a_search_is_for_the_text_and_nothing_else() {
        assert_eq!(term("sku", "TEA-100"), "sku:'TEA-100'");
        assert_eq!(term("sku", r"A'7 OR tag:\x"), r"sku:'A\'7 OR tag:\\x'");
    }
}
