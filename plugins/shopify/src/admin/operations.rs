//! All GraphQL operations: their documents are files beside this one, and a test validates them against the vendor's
//! schema.

/// A query or a mutation.
#[derive(Debug)]
pub struct Operation {
    /// The operation's name in the document.
    pub name: &'static str,
    /// The document.
    pub text: &'static str,
    /// Whether it is a mutation.
    pub is_mutation: bool,
    /// The largest cost in points. Shopify counts one point per object, ten per mutation, and for a connection the
    /// number of objects requested. It deducts this before it responds, and returns the points not used.
    pub cost: u32,
}

/// Defines operations by type (`query` or `mutation`), constant, name, file and cost.
macro_rules! operations {
    ($($(#[$doc:meta])* $type:ident $const:ident $name:literal $file:literal $cost:literal;)+) => {
        $(
            $(#[$doc])*
            pub const $const: Operation = Operation {
                name: $name,
                text: include_str!(concat!("graphql/", $file, ".graphql")),
                is_mutation: operations!(@ $type),
                cost: $cost,
            };
        )+
        /// All operations.
        pub const ALL: &[Operation] = &[$($const),+];
    };
    (@ query) => { false };
    (@ mutation) => { true };
}

operations! {
    /// Reads an order's fulfilment orders, fulfilments and tags.
    query ORDER_FULFILMENTS "OrderFulfilments" "order_fulfilments" 780;
    /// Reads further lines of one fulfilment order.
    query MORE_FULFILMENT_ORDER_LINES "MoreFulfilmentOrderLines" "more_fulfilment_order_lines" 310;
    /// Reads one fulfilment with its lines.
    query FULFILMENT "Fulfilment" "fulfilment" 360;
    /// Creates a fulfilment, and removes tags of the order.
    mutation CREATE_FULFILMENT "CreateFulfilment" "create_fulfilment" 75;
    /// Changes the tracking numbers of a fulfilment.
    mutation UPDATE_TRACKING "UpdateTracking" "update_tracking" 65;
    /// Cancels a fulfilment.
    mutation CANCEL_FULFILMENT "CancelFulfilment" "cancel_fulfilment" 65;
    /// Reads the stock of a SKU at a location.
    query LEVEL_BY_SKU "LevelBySku" "level_by_sku" 45;
    /// Reads the stock of a variant at a location.
    query LEVEL_OF_VARIANT "LevelOfVariant" "level_of_variant" 5;
    /// Sets the stock of an item at a location, if it has the expected value.
    mutation SET_STOCK "SetStock" "set_stock" 12;
    /// Activates an item at a location.
    mutation ACTIVATE_STOCK "ActivateStock" "activate_stock" 12;
    /// Reads the shop's locations.
    query LOCATIONS "Locations" "locations" 205;
    /// Reads an order's tags and metafield.
    query ORDER_STATUS "OrderStatus" "order_status" 3;
    /// Changes an order's tags and metafields.
    mutation UPDATE_STATUS "UpdateStatus" "update_status" 35;
    /// Reads whether an order is cancelled.
    query ORDER_CANCELLED "OrderCancelled" "order_cancelled" 2;
    /// Cancels an order.
    mutation CANCEL_ORDER "CancelOrder" "cancel_order" 12;
    /// Reads an article by its SKU.
    query ARTICLE_BY_SKU "ArticleBySku" "article_by_sku" 60;
    /// Reads an article by its variant.
    query ARTICLE_OF_VARIANT "ArticleOfVariant" "article_of_variant" 8;
    /// Changes an article or its price.
    mutation UPDATE_ARTICLE "UpdateArticle" "update_article" 22;
    /// Creates an article.
    mutation CREATE_ARTICLE "CreateArticle" "create_article" 12;
    /// Reads the price of a variant on a price list.
    query PRICE_ON_LIST "PriceOnList" "price_on_list" 230;
    /// Sets the price of a variant on a price list.
    mutation SET_LIST_PRICE "SetListPrice" "set_list_price" 12;
    /// Reads the app's webhook subscriptions, and the supported API versions.
    query SUBSCRIPTIONS "Subscriptions" "subscriptions" 230;
    /// Creates a subscription.
    mutation CREATE_SUBSCRIPTION "CreateSubscription" "create_subscription" 12;
    /// Changes a subscription.
    mutation UPDATE_SUBSCRIPTION "UpdateSubscription" "update_subscription" 12;
    /// Deletes a subscription.
    mutation DELETE_SUBSCRIPTION "DeleteSubscription" "delete_subscription" 10;
}
