//! Articles, customers and places: the raw material of orders.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

/// The shop's locations.
pub const LOCATIONS: [u64; 2] = [655_441_491, 655_441_492];

/// An article.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) sku: &'static str,
    pub(crate) title: &'static str,
    pub(super) variant: Option<&'static str>,
    pub(crate) cents: i64,
    pub(super) grams: u32,
    pub(crate) gift_card: bool,
}

const fn article(
    sku: &'static str,
    title: &'static str,
    variant: Option<&'static str>,
    cents: i64,
    grams: u32,
) -> Product {
    Product { sku, title, variant, cents, grams, gift_card: false }
}

/// All articles.
pub(crate) static PRODUCTS: [Product; 11] = [
    article("MUG-STONE-01", "Stoneware mug", Some("Slate"), 1450, 380),
    article("MUG-STONE-02", "Stoneware mug", Some("Oat"), 1450, 380),
    article("KETTLE-12", "Gooseneck kettle 1.2 l", None, 8999, 1250),
    article("BEANS-ETH-250", "Ethiopia Guji, 250 g", Some("Whole beans"), 1675, 250),
    article("BEANS-COL-1000", "Colombia Huila, 1 kg", Some("Ground / filter"), 4190, 1000),
    article("FILTER-V60-100", "Paper filters, 100 pieces", None, 699, 120),
    article("GRINDER-H2", "Hand grinder H2 \u{201c}Alpha\u{201d}", Some("Black / 38 mm"), 18950, 720),
    article("SCALE-01G", "Scale, 0.1 g", None, 5933, 410),
    article("APRON-CANVAS", "Canvas apron", Some("M"), 3899, 540),
    article("SOAP-OLIVE", "Olive soap", None, 333, 100),
    Product { gift_card: true, ..article("GIFT-50", "Gift card", Some("$50.00"), 5000, 0) },
];

/// A destination, with its taxes and the currency that its customers see.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) city: &'static str,
    pub(super) zip: &'static str,
    pub(super) province: Option<(&'static str, &'static str)>,
    pub(super) country: (&'static str, &'static str),
    /// Title and rate in basis points.
    pub(super) taxes: &'static [(&'static str, i64)],
    pub(super) taxes_included: bool,
    /// Currency, decimals and how many of it, in ten thousandths, are one of the shop's.
    pub(super) presentment: Option<(&'static str, u32, i64)>,
    pub(super) utc_offset_hours: i8,
    pub(super) locale: &'static str,
}

/// Where customers live. The till stands in the first; plain orders come from the second.
pub(super) static REGIONS: [Region; 8] = [
    Region {
        city: "New York",
        zip: "10013",
        province: Some(("New York", "NY")),
        country: ("United States", "US"),
        taxes: &[("New York State Tax", 400), ("New York City Tax", 450)],
        taxes_included: false,
        presentment: None,
        utc_offset_hours: -4,
        locale: "en-US",
    },
    Region {
        city: "Denver",
        zip: "80202",
        province: Some(("Colorado", "CO")),
        country: ("United States", "US"),
        taxes: &[("Colorado State Tax", 290)],
        taxes_included: false,
        presentment: None,
        utc_offset_hours: -6,
        locale: "en-US",
    },
    Region {
        city: "Austin",
        zip: "78704",
        province: Some(("Texas", "TX")),
        country: ("United States", "US"),
        taxes: &[("Texas State Tax", 625), ("Austin City Tax", 200)],
        taxes_included: false,
        presentment: None,
        utc_offset_hours: -5,
        locale: "en-US",
    },
    Region {
        city: "Portland",
        zip: "97205",
        province: Some(("Oregon", "OR")),
        country: ("United States", "US"),
        taxes: &[],
        taxes_included: false,
        presentment: None,
        utc_offset_hours: -7,
        locale: "en-US",
    },
    Region {
        city: "Montréal",
        zip: "H2X 1Y4",
        province: Some(("Québec", "QC")),
        country: ("Canada", "CA"),
        taxes: &[("GST", 500), ("QST", 998)],
        taxes_included: false,
        presentment: Some(("CAD", 2, 13_712)),
        utc_offset_hours: -4,
        locale: "fr-CA",
    },
    Region {
        city: "Berlin",
        zip: "10999",
        province: None,
        country: ("Germany", "DE"),
        taxes: &[("MwSt", 1900)],
        taxes_included: true,
        presentment: Some(("EUR", 2, 9_183)),
        utc_offset_hours: 2,
        locale: "de-DE",
    },
    Region {
        city: "London",
        zip: "N1 7AA",
        province: Some(("England", "ENG")),
        country: ("United Kingdom", "GB"),
        taxes: &[("VAT", 2000)],
        taxes_included: true,
        presentment: Some(("GBP", 2, 7_856)),
        utc_offset_hours: 1,
        locale: "en-GB",
    },
    Region {
        city: "大阪市",
        zip: "530-0001",
        province: Some(("大阪府", "JP-27")),
        country: ("Japan", "JP"),
        taxes: &[("消費税", 1000)],
        taxes_included: true,
        presentment: Some(("JPY", 0, 1_552_400)),
        utc_offset_hours: 9,
        locale: "ja-JP",
    },
];

const NAMES: &[(&str, &str)] = &[
    ("Ada", "Okonkwo"),
    ("Zoë", "Müller"),
    ("Seán", "O'Brien"),
    ("愛", "渡辺"),
    ("Luca", "D’Angelo"),
    ("Mary Anne", "St. John-Smythe"),
    ("Łukasz", "Żółć"),
    ("Ana", "Núñez"),
];

const STREETS: &[&str] =
    &["Canal Street", "Weserstraße", "Rue Sainte-Catherine O", "Upper Street", "Elm St."];

const NOTES: &[&str] = &[
    "Please leave it with the neighbour \u{1f44b}",
    "Gift: no invoice in the parcel",
    "Ring twice.\nThen wait.",
    "C:\\shipping \"fragile\"",
];

pub(super) fn name(rng: &mut SmallRng) -> (&'static str, &'static str) {
    NAMES.choose(rng).copied().unwrap_or_default()
}

pub(super) fn street(rng: &mut SmallRng) -> String {
    format!("{} {}", rng.random_range(1..400), STREETS.choose(rng).copied().unwrap_or_default())
}

pub(super) fn note(rng: &mut SmallRng) -> &'static str {
    NOTES.choose(rng).copied().unwrap_or_default()
}
