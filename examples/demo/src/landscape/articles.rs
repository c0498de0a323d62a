//! What the articles are called in each ERP, and which values its tables lack at first.

use rust_decimal::Decimal;

use super::stores::Home;
use crate::erp::stock::{Article, Shelves};
use crate::shop::admin::desk::LOCATIONS;
use crate::shop::catalogue::PRODUCTS;

/// Pieces of each article in each warehouse when the stores open.
pub const PIECES: i64 = 2_000;

/// Values that are missing in the tables until somebody adds them: connector, table, value, target.
pub fn missing() -> Vec<[String; 4]> {
    let row = |home: Home, table: &str, value: &str, target: String| {
        [home.connector().to_owned(), table.to_owned(), value.to_owned(), target]
    };
    vec![
        row(Home::Cloud, "sku", "APRON-CANVAS", article(Home::Cloud, "APRON-CANVAS")),
        row(Home::Cloud, "tender", "gift-card", account("gift-card").to_owned()),
        row(Home::Legacy, "sku", "SOAP-OLIVE", article(Home::Legacy, "SOAP-OLIVE")),
    ]
}

/// The ERP's number of a SKU. What is planted as unknown keeps its name, and no ERP knows it.
pub fn article(home: Home, sku: &str) -> String {
    match (home, PRODUCTS.iter().position(|product| product.sku == sku)) {
        (Home::Legacy, Some(at)) => format!("LG{:04}", at + 1),
        (Home::Cloud, Some(_)) => format!("EU-{sku}"),
        (_, None) => sku.to_owned(),
    }
}

/// The cloud ERP's account of a tender.
pub fn account(tender: &str) -> &'static str {
    match tender {
        "cash" => "1000",
        "card" => "1200",
        "gift-card" => "2300",
        _ => "9999",
    }
}

/// SKUs whose pieces are counted.
pub fn counted() -> impl Iterator<Item = &'static str> {
    PRODUCTS.iter().filter(|product| !product.gift_card).map(|product| product.sku)
}

/// What an ERP has on its shelves when it opens.
pub fn shelves(home: Home) -> Shelves {
    let goods = PRODUCTS.iter().filter(|product| !product.gift_card);
    Shelves {
        warehouses: [0, 1].map(|location| home.warehouse(location).to_owned()).to_vec(),
        articles: goods
            .map(|product| Article {
                number: article(home, product.sku),
                title: product.title.to_owned(),
                price: Decimal::new(product.cents, 2),
                pieces: PIECES,
            })
            .collect(),
    }
}

/// The tables as they are at first: `connector,table,value,target`, one a line.
pub fn mappings() -> String {
    let missing = missing();
    let mut text = String::from("connector,table,value,target\n");
    let mut row = |connector: &str, table: &str, value: &str, target: &str| {
        if !missing
            .iter()
            .any(|[c, t, v, _]| (c.as_str(), t.as_str(), v.as_str()) == (connector, table, value))
        {
            text.push_str(&format!("{connector},{table},{value},{target}\n"));
        }
    };
    for home in [Home::Legacy, Home::Cloud] {
        for product in &PRODUCTS {
            let number = article(home, product.sku);
            row(home.connector(), "sku", product.sku, &number);
            row(home.connector(), "article", &number, product.sku);
        }
        for number in 0..10 {
            let unknown = format!("UNKNOWN-{number}");
            row(home.connector(), "sku", &unknown, &unknown);
        }
    }
    for tender in ["cash", "card", "gift-card"] {
        row(Home::Cloud.connector(), "tender", tender, account(tender));
    }
    // The shop's locations are one place in the registry, and a warehouse of its own in each ERP.
    for (at, location) in LOCATIONS.iter().enumerate() {
        for home in [Home::Legacy, Home::Cloud] {
            row(home.connector(), "warehouse", &location.to_string(), home.warehouse(at));
        }
    }
    row(Home::Legacy.connector(), "carrier", "UPSN", "UPS");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_lack_what_is_to_be_repaired_and_nothing_else() {
        let text = mappings();
        for [connector, table, value, target] in missing() {
            assert!(!text.contains(&format!("{connector},{table},{value},")));
            assert_ne!(value, target);
        }
        assert!(text.contains("erp-cloud,sku,MUG-STONE-01,EU-MUG-STONE-01\n"));
        assert!(text.contains("erp-legacy,article,LG0010,SOAP-OLIVE\n"), "the way back is known: {text}");
        assert!(text.contains("erp-cloud,sku,UNKNOWN-7,UNKNOWN-7\n"));
    }
}
