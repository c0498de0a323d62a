//! Everything that is said to the Admin API in GraphQL: the texts are files beside this one, and a test
//! validates all of them against the vendor's own schema.

/// A query or a mutation.
#[derive(Debug)]
pub struct Operation {
    /// Its name in the text.
    pub name: &'static str,
    /// The document.
    pub text: &'static str,
    /// Whether it changes something.
    pub writes: bool,
    /// What it may cost, in points of the bucket: Shopify's rule, one point an object, ten a mutation, and a
    /// connection as many objects as are asked for. It charges this before it answers and gives back what was
    /// not used.
    pub cost: u32,
}

/// What a `query` or a `mutation` is called, what it costs, and the file that holds its text.
macro_rules! operations {
    ($($(#[$doc:meta])* $sort:ident $const:ident $name:literal $file:literal $cost:literal;)+) => {
        $(
            $(#[$doc])*
            pub const $const: Operation = Operation {
                name: $name,
                text: include_str!(concat!("graphql/", $file, ".graphql")),
                writes: operations!(@ $sort),
                cost: $cost,
            };
        )+
        /// All of them.
        pub const ALL: &[Operation] = &[$($const),+];
    };
    (@ query) => { false };
    (@ mutation) => { true };
}

operations! {
    /// What of an order can still leave, what has left, and its tags.
    query ORDER_GOODS "OrderGoods" "order_goods" 780;
    /// More lines of one fulfilment order.
    query MORE_GOODS "MoreGoods" "more_goods" 310;
    /// One fulfilment with its lines.
    query FULFILMENT "Fulfilment" "fulfilment" 360;
    /// Goods left.
    mutation FULFIL "Fulfil" "fulfil" 75;
    /// A fulfilment has other tracking numbers.
    mutation TRACK "Track" "track" 65;
    /// A fulfilment is taken back.
    mutation UNFULFIL "Unfulfil" "unfulfil" 65;
    /// The stock of a SKU at a location.
    query LEVEL_BY_SKU "LevelBySku" "level_by_sku" 45;
    /// The stock of a variant at a location.
    query LEVEL_OF_VARIANT "LevelOfVariant" "level_of_variant" 5;
    /// The stock of an item at a location is this, if it was that.
    mutation SET_STOCK "SetStock" "set_stock" 12;
    /// An item is stocked at a location from now on.
    mutation STOCK_HERE "StockHere" "stock_here" 12;
    /// The shop's locations.
    query LOCATIONS "Locations" "locations" 205;
    /// What an order says about how far it has come.
    query ORDER_STATUS "OrderStatus" "order_status" 3;
    /// How far an order has come.
    mutation TELL_STATUS "TellStatus" "tell_status" 35;
    /// Whether an order is cancelled.
    query ORDER_CANCELLED "OrderCancelled" "order_cancelled" 2;
    /// An order is cancelled.
    mutation CANCEL_ORDER "CancelOrder" "cancel_order" 12;
    /// An article by its SKU.
    query ARTICLE_BY_SKU "ArticleBySku" "article_by_sku" 60;
    /// An article by its variant.
    query ARTICLE_OF_VARIANT "ArticleOfVariant" "article_of_variant" 8;
    /// What an article is and costs.
    mutation UPDATE_ARTICLE "UpdateArticle" "update_article" 22;
    /// A new article.
    mutation CREATE_ARTICLE "CreateArticle" "create_article" 12;
    /// What a variant costs on a price list.
    query PRICE_ON_LIST "PriceOnList" "price_on_list" 230;
    /// A variant costs this on a price list.
    mutation SET_LIST_PRICE "SetListPrice" "set_list_price" 12;
    /// The app's webhook subscriptions, and the API versions that are supported.
    query SUBSCRIPTIONS "Subscriptions" "subscriptions" 230;
    /// A new subscription.
    mutation SUBSCRIBE "Subscribe" "subscribe" 12;
    /// Another address of a subscription.
    mutation RESUBSCRIBE "Resubscribe" "resubscribe" 12;
    /// A subscription less.
    mutation UNSUBSCRIBE "Unsubscribe" "unsubscribe" 10;
}
