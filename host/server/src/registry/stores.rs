//! The store registry as TOML (`[[store]]`) or as CSV (one store a line).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use crossdock_engine::{StoreRecord, Weekday};
use serde::{Deserialize, Serialize};

/// The format of a registry file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `[[store]]`, one after the other.
    Toml,
    /// One store a line; `hours.monday` and `code.shopify` are columns.
    Csv,
}

impl Format {
    /// The format of a file by its extension; TOML where that is neither.
    pub fn of(path: &Path) -> Self {
        let csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if csv { Self::Csv } else { Self::Toml }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "store")]
    stores: Vec<Entry>,
}

/// A store in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    id: String,
    name: String,
    zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_entity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    hours: BTreeMap<Weekday, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    codes: BTreeMap<String, String>,
}

impl From<Entry> for StoreRecord {
    fn from(entry: Entry) -> Self {
        let Entry { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes } =
            entry;
        Self { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes }
    }
}

impl From<StoreRecord> for Entry {
    fn from(record: StoreRecord) -> Self {
        let StoreRecord { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes } =
            record;
        Self { id, name, zone, country, region, legal_entity, warehouse, currency, hours, codes }
    }
}

/// Checks a record: its time zone exists, and its country and currency have the right form.
///
/// # Errors
/// One sentence.
pub fn check(record: &StoreRecord) -> Result<(), String> {
    let StoreRecord { id, name, zone, country, currency, .. } = record;
    if id.trim().is_empty() || name.trim().is_empty() {
        return Err(format!("store `{id}` needs an id and a name"));
    }
    if jiff::tz::TimeZone::get(zone).is_err() {
        return Err(format!("store `{id}`: `{zone}` is no time zone; write it like `Europe/Berlin`"));
    }
    let capitals =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_uppercase());
    if country.as_deref().is_some_and(|country| !capitals(country, 2)) {
        return Err(format!("store `{id}`: a country is two capital letters, like `DE`"));
    }
    if currency.as_deref().is_some_and(|currency| !capitals(currency, 3)) {
        return Err(format!("store `{id}`: a currency is three capital letters, like `EUR`"));
    }
    Ok(())
}

/// Reads a registry.
///
/// # Errors
/// When the text is malformed, a store is given twice, or two stores have the same code in a system.
pub fn stores(text: &str, format: Format) -> anyhow::Result<Vec<StoreRecord>> {
    let stores: Vec<StoreRecord> = match format {
        Format::Toml => {
            let file: File = toml::from_str(text).context("reading the stores")?;
            file.stores.into_iter().map(StoreRecord::from).collect()
        }
        Format::Csv => from_csv(text)?,
    };
    let (mut ids, mut codes) = (BTreeSet::new(), BTreeMap::new());
    for store in &stores {
        check(store).map_err(anyhow::Error::msg)?;
        if !ids.insert(&store.id) {
            bail!("store `{}` is given twice", store.id);
        }
        for (system, code) in &store.codes {
            if let Some(other) = codes.insert((system, code), &store.id) {
                bail!("stores `{other}` and `{}` have the same code `{code}` in {system}", store.id);
            }
        }
    }
    Ok(stores)
}

/// Writes a registry as TOML.
///
/// # Errors
/// Never in practice.
pub fn stores_toml(stores: Vec<StoreRecord>) -> anyhow::Result<String> {
    Ok(toml::to_string(&File { stores: stores.into_iter().map(Entry::from).collect() })?)
}

const FIXED: [&str; 8] = ["id", "name", "zone", "country", "region", "legal-entity", "warehouse", "currency"];
const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

fn from_csv(text: &str) -> anyhow::Result<Vec<StoreRecord>> {
    let mut reader = super::csv_reader(text);
    let head = reader.headers().context("reading the first line")?.clone();
    for needed in ["id", "name", "zone"] {
        if !head.iter().any(|name| name == needed) {
            bail!("the first line does not name the column `{needed}`");
        }
    }
    let mut all = Vec::new();
    for row in reader.records() {
        let row = row.context("reading a line")?;
        let mut store = StoreRecord::default();
        for (name, text) in head.iter().zip(&row) {
            let given = (!text.is_empty()).then(|| text.to_owned());
            match (name, name.split_once('.')) {
                ("id", _) => store.id = text.to_owned(),
                ("name", _) => store.name = text.to_owned(),
                ("zone", _) => store.zone = text.to_owned(),
                ("country", _) => store.country = given,
                ("region", _) => store.region = given,
                ("legal-entity", _) => store.legal_entity = given,
                ("warehouse", _) => store.warehouse = given,
                ("currency", _) => store.currency = given,
                (_, Some(("hours", day))) => {
                    let known = DAYS.iter().find(|(known, _)| *known == day);
                    let (_, day) = known.with_context(|| format!("the column `{name}` names no weekday"))?;
                    store.hours.extend(given.map(|hours| (*day, hours)));
                }
                (_, Some(("code", system))) if !system.is_empty() => {
                    store.codes.extend(given.map(|code| (system.to_owned(), code)));
                }
                _ => bail!("the column `{name}` is none of {}, hours.DAY and code.SYSTEM", FIXED.join(", ")),
            }
        }
        all.push(store);
    }
    Ok(all)
}

/// Writes a registry as CSV.
///
/// # Errors
/// Never in practice: it is written to memory.
pub fn stores_csv(stores: &[StoreRecord]) -> anyhow::Result<String> {
    let days: Vec<_> =
        DAYS.iter().filter(|(_, day)| stores.iter().any(|store| store.hours.contains_key(day))).collect();
    let systems: BTreeSet<&String> = stores.iter().flat_map(|store| store.codes.keys()).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = FIXED.iter().map(|name| (*name).to_owned());
    let head = head.chain(days.iter().map(|(name, _)| format!("hours.{name}")));
    writer.write_record(head.chain(systems.iter().map(|system| format!("code.{system}"))))?;
    for store in stores {
        let optional =
            [&store.country, &store.region, &store.legal_entity, &store.warehouse, &store.currency];
        let fields = [&store.id, &store.name, &store.zone].map(String::as_str).into_iter();
        let fields = fields.chain(optional.map(|text| text.as_deref().unwrap_or_default()));
        let hours = days.iter().map(|(_, day)| store.hours.get(day));
        let codes = systems.iter().map(|system| store.codes.get(*system));
        let rest = hours.chain(codes).map(|text| text.map_or("", String::as_str));
        writer.write_record(fields.chain(rest))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
[[store]]
id = "S001"
name = "Fifth Avenue, New York"
zone = "America/New_York"
country = "US"
legal-entity = "ACME Inc."
warehouse = "WH-NY"
currency = "USD"
hours = { monday = "10:00-20:00", sunday = "12:00-18:00" }
codes = { shopify = "655441491", square = "LQ1" }

[[store]]
id = "S002"
name = "Köln"
zone = "Europe/Berlin"
codes = { shopify = "655441492" }
"#;

    #[test]
    fn what_is_written_is_read_again_in_both_forms() {
        let all = stores(TOML, Format::Toml).unwrap();
        assert_eq!((all.len(), all[0].legal_entity.as_deref()), (2, Some("ACME Inc.")));
        assert_eq!(all[0].hours[&Weekday::Sunday], "12:00-18:00");
        assert_eq!(stores(&stores_toml(all.clone()).unwrap(), Format::Toml).unwrap(), all);
        let text = stores_csv(&all).unwrap();
        let head = "id,name,zone,country,region,legal-entity,warehouse,currency,hours.monday,hours.sunday,\
                    code.shopify,code.square\n";
        assert!(text.starts_with(head), "{text}");
        assert_eq!(stores(&text, Format::Csv).unwrap(), all);
    }

    #[test]
    fn a_files_form_is_that_of_its_ending() {
        assert_eq!(Format::of(Path::new("stores.CSV")), Format::Csv);
        assert_eq!(Format::of(Path::new("stores.toml")), Format::Toml);
    }

    #[test]
    fn an_error_names_the_store_and_the_problem() {
        let toml =
            |more: &str| format!("[[store]]\nid = \"S1\"\nname = \"N\"\nzone = \"Europe/Berlin\"\n{more}");
        for (text, format, expected) in [
            (toml("zones = \"x\""), Format::Toml, "unknown field `zones`"),
            (toml("country = \"de\""), Format::Toml, "two capital letters"),
            (toml("currency = \"EURO\""), Format::Toml, "three capital letters"),
            (toml("hours = { someday = \"1\" }"), Format::Toml, "someday"),
            (toml(&toml("")), Format::Toml, "given twice"),
            (
                toml(
                    "codes = { a = \"1\" }\n[[store]]\nid = \"S2\"\nname = \"N\"\nzone = \"UTC\"\ncodes = { a = \"1\" }",
                ),
                Format::Toml,
                "stores `S1` and `S2` have the same code `1` in a",
            ),
            ("id,name\n".into(), Format::Csv, "does not name the column `zone`"),
            ("id,name,zone,phone\nS1,N,UTC,1\n".into(), Format::Csv, "`phone` is none of"),
            ("id,name,zone,hours.someday\nS1,N,UTC,1\n".into(), Format::Csv, "names no weekday"),
            ("id,name,zone\nS1,N,Mars/Olympus\n".into(), Format::Csv, "is no time zone"),
        ] {
            let said = format!("{:#}", stores(&text, format).unwrap_err());
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
