//! The operator's files for the landscape: connectors, folders, routes, tables and stores.

use std::path::Path;

use super::articles;
use super::stores::{OwningErp, STORES, Style};
use crate::shop::catalogue::LOCATIONS;
use crate::till::poslog::RETAILER;

/// The addresses and ids of the outside world.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// The host's address as seen from outside: `http://127.0.0.1:8080`.
    pub host: &'a str,
    /// The shop's domain.
    pub shop: &'a str,
    /// Its Admin API.
    pub admin: &'a str,
    /// Square's API.
    pub square: &'a str,
    /// Square's merchant.
    pub merchant: &'a str,
    /// The cloud ERP.
    pub cloud: &'a str,
    /// The folder that holds the exchange folders.
    pub folder: &'a Path,
}

/// The partner's id and the retailer's, in interchanges.
pub const PARTNER: &str = "LEGACYERP";
/// See [`PARTNER`].
pub const RETAIL: &str = "CROSSDOCK";

/// The plugins of the landscape.
pub const PLUGINS: [&str; 5] = ["shopify", "square", "poslog", "erp-x12", "erp-rest"];

/// The exchange folder of the legacy partner, below the folder of exchange folders.
pub const LEGACY: &str = "legacy";
/// The exchange folder of the tills.
pub const TILLS: &str = "tills";

/// Connectors and routes, as TOML. Secrets are named `env:DEMO_…`.
pub fn connectors(places: &Places<'_>) -> String {
    let Places { host, shop, admin, square, merchant, cloud, folder } = places;
    let path = |name: &str| folder.join(name).display().to_string();
    format!(
        r#"
# ---- channels

[[connector]]
name = "shopify"
plugin = "shopify"
class = "channel"
settings = {{ shop = {shop:?}, url = {admin:?} }}
secrets = {{ webhook = "env:DEMO_WEBHOOK_SECRET", token = "env:DEMO_SHOP_TOKEN" }}
auth = {{ profile = "header", header = "X-Shopify-Access-Token", secret = "token" }}
hosts = [{admin:?}]
public-url = "{host}/in/shopify"
limits = {{ rate = "80/s", burst = 40, backoff = "200ms", backoff-max = "5s" }}

[[connector]]
name = "square"
plugin = "square"
class = "channel"
settings = {{ merchant = {merchant:?}, url = {square:?} }}
secrets = {{ webhook = "env:DEMO_SQUARE_KEY", token = "env:DEMO_SQUARE_TOKEN" }}
auth = {{ profile = "bearer", secret = "token" }}
hosts = [{square:?}]
# Square signs this address too, letter by letter.
public-url = "{host}/in/square"

[[connector]]
name = "tills"
plugin = "poslog"
class = "channel"
settings = {{ retailer = "{RETAILER}", currency = "USD" }}
secrets = {{ webhook = "env:DEMO_POSLOG_SECRET" }}
folder = {{ path = {tills:?}, every = "300ms", settle = "100ms" }}

# ---- the books: a legacy ERP that speaks files, a cloud ERP that speaks HTTP

[[connector]]
name = "erp-legacy"
plugin = "erp-x12"
class = "erp"
settings = {{ own-id = "{RETAIL}", partner-id = "{PARTNER}", warehouse = "L1", strict = ["sku"], line-breaks = true }}
folder = {{ path = {legacy:?}, every = "300ms", settle = "100ms" }}
# Calls take turns, so that files leave in the order of their numbers; up to fifty orders go in one interchange.
limits = {{ concurrency = 50, backoff = "200ms", backoff-max = "2s", overdue = "45s" }}

[[connector]]
name = "erp-cloud"
plugin = "erp-rest"
class = "erp"
settings = {{ url = {cloud:?}, warehouse = "C1", strict = ["sku", "tender", "warehouse"] }}
secrets = {{ token = "env:DEMO_ERP_TOKEN" }}
auth = {{ profile = "bearer", secret = "token" }}
hosts = [{cloud:?}]
poll = "1s"
limits = {{ rate = "200/s", burst = 40, backoff = "200ms", backoff-max = "5s" }}

# ---- what goes where: the home market and the stores of the north to the legacy ERP, all else to the cloud.
# An order is pinned where its first event went; what happens to it later follows.

[[route]]
name = "books-of-the-north"
when = '''{books} && {north}'''
to = ["erp-legacy"]

[[route]]
name = "books-of-the-south"
when = '''{books} && !{north}'''
to = ["erp-cloud"]

[[route]]
name = "status-to-the-shop"
when = 'event.kind in ["document.updated", "shipment.updated"] && event.origin == "shopify" && event.system != "shopify"'
to = ["shopify"]
pin = false

[[route]]
name = "stock-to-the-shop"
when = 'event.kind == "inventory.counted" && event.system in ["erp-x12", "erp-rest"]'
to = ["shopify"]
pin = false
stock = "sum"
"#,
        tills = path(TILLS),
        legacy = path(LEGACY),
        books = r#"(event.kind.startsWith("order.") || event.kind.startsWith("refund."))"#,
        north = r#"(event.system == "shopify" ? (event.kind.startsWith("order.") ? has(data.tags) && data.tags.exists(tag, tag == "market-home") : has(data.payments) && data.payments.exists(payment, payment.gateway == "shopify_payments")) : store.region == "north")"#,
    )
}

/// The store registry, as TOML: eight stores, and the shop's two locations with the warehouses behind each.
pub fn stores() -> String {
    let mut text = String::new();
    for store in &STORES {
        let system = if store.style == Style::Square { "square" } else { "poslog" };
        text.push_str(&format!(
            "[[store]]\nid = \"{}\"\nname = \"{}\"\nzone = \"UTC\"\ncountry = \"US\"\nregion = \"{}\"\nwarehouse = \"{}\"\ncurrency = \"USD\"\ncodes = {{ {system} = \"{}\" }}\n\n",
            store.id, store.name, store.owning_erp.region(), store.warehouse(), store.code
        ));
    }
    for (at, location) in LOCATIONS.iter().enumerate() {
        let (legacy, cloud) = (OwningErp::Legacy.warehouse(at), OwningErp::Cloud.warehouse(at));
        text.push_str(&format!(
            "[[store]]\nid = \"online-{}\"\nname = \"Online, location {}\"\nzone = \"UTC\"\nregion = \"north\"\nwarehouse = \"{legacy}\"\ncodes = {{ shopify = \"{location}\", erp-x12 = \"{legacy}\", erp-rest = \"{cloud}\" }}\n\n",
            at + 1,
            at + 1,
        ));
    }
    text
}

/// The tables, as CSV.
pub fn mappings() -> String {
    articles::mappings()
}
