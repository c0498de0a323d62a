//! Article numbers and accounts of each ERP, and the values that its tables lack at first.

use rust_decimal::Decimal;

use super::stores::OwningErp;
use crate::erp::stock::{Article, Shelves};
use crate::shop::catalogue::LOCATIONS;
use crate::shop::catalogue::PRODUCTS;

/// Pieces of each article in each warehouse when the stores open.
pub const PIECES: i64 = 2_000;

/// Values that are missing in the tables until somebody adds them: connector, table, value, target.
pub fn missing() -> Vec<[String; 4]> {
    let row = |erp: OwningErp, table: &str, value: &str, target: String| {
        [erp.connector().to_owned(), table.to_owned(), value.to_owned(), target]
    };
    vec![
        row(OwningErp::Cloud, "sku", "APRON-CANVAS", article(OwningErp::Cloud, "APRON-CANVAS")),
        row(OwningErp::Cloud, "tender", "gift-card", account("gift-card").to_owned()),
        row(OwningErp::Legacy, "sku", "SOAP-OLIVE", article(OwningErp::Legacy, "SOAP-OLIVE")),
    ]
}

/// The ERP's number of a SKU. A SKU that is planted as unknown is its own number, and no ERP has it.
pub fn article(erp: OwningErp, sku: &str) -> String {
    match (erp, PRODUCTS.iter().position(|product| product.sku == sku)) {
        (OwningErp::Legacy, Some(at)) => format!("LG{:04}", at + 1),
        (OwningErp::Cloud, Some(_)) => format!("EU-{sku}"),
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

/// SKUs that have a stock: all but gift cards.
pub fn counted() -> impl Iterator<Item = &'static str> {
    PRODUCTS.iter().filter(|product| !product.gift_card).map(|product| product.sku)
}

/// An ERP's stock at the start.
pub fn shelves(erp: OwningErp) -> Shelves {
    let goods = PRODUCTS.iter().filter(|product| !product.gift_card);
    Shelves {
        warehouses: [0, 1].map(|location| erp.warehouse(location).to_owned()).to_vec(),
        articles: goods
            .map(|product| Article {
                number: article(erp, product.sku),
                title: product.title.to_owned(),
                price: Decimal::new(product.cents, 2),
                pieces: PIECES,
            })
            .collect(),
    }
}

/// The initial tables: `connector,table,value,target`, one a line.
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
    for erp in [OwningErp::Legacy, OwningErp::Cloud] {
        for product in &PRODUCTS {
            let number = article(erp, product.sku);
            row(erp.connector(), "sku", product.sku, &number);
            row(erp.connector(), "article", &number, product.sku);
        }
        for number in 0..10 {
            let unknown = format!("UNKNOWN-{number}");
            row(erp.connector(), "sku", &unknown, &unknown);
        }
    }
    for tender in ["cash", "card", "gift-card"] {
        row(OwningErp::Cloud.connector(), "tender", tender, account(tender));
    }
    // Each of the shop's locations is one place in the registry, and a warehouse in each ERP.
    for (at, location) in LOCATIONS.iter().enumerate() {
        for erp in [OwningErp::Legacy, OwningErp::Cloud] {
            row(erp.connector(), "warehouse", &location.to_string(), erp.warehouse(at));
        }
    }
    row(OwningErp::Legacy.connector(), "carrier", "UPSN", "UPS");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_lack_the_values_to_be_added_and_no_others() {
        let text = mappings();
        for [connector, table, value, target] in missing() {
            assert!(!text.contains(&format!("{connector},{table},{value},")));
            assert_ne!(value, target);
        }
        assert!(text.contains("erp-cloud,sku,MUG-STONE-01,EU-MUG-STONE-01\n"));
        assert!(text.contains("erp-legacy,article,LG0010,SOAP-OLIVE\n"), "the way back is mapped: {text}");
        assert!(text.contains("erp-cloud,sku,UNKNOWN-7,UNKNOWN-7\n"));
    }
}
