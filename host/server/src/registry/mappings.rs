//! Mappings as CSV: `connector,table,value,target`, one mapping a line.

use std::collections::HashMap;

use anyhow::{Context, bail};
use crossdock_engine::MappingChange;

const COLUMNS: [&str; 4] = ["connector", "table", "value", "target"];

/// Reads mappings. The first line names the columns, in any order.
///
/// # Errors
/// When a column is missing or unknown, a field is empty, or a value is given twice; the message names the line.
pub fn mappings(text: &str) -> anyhow::Result<Vec<MappingChange>> {
    let mut reader = super::csv_reader(text);
    let head = reader.headers().context("reading the first line")?.clone();
    if let Some(unknown) = head.iter().find(|name| !COLUMNS.contains(name)) {
        bail!("the column `{unknown}` is none of {}", COLUMNS.join(", "));
    }
    let mut at = [0; 4];
    for (place, name) in at.iter_mut().zip(COLUMNS) {
        *place = head
            .iter()
            .position(|column| column == name)
            .with_context(|| format!("the first line does not name the column `{name}`"))?;
    }
    let [connector, table, value, target] = at;
    let mut all = Vec::new();
    let mut seen: HashMap<(String, String, String), u64> = HashMap::new();
    for row in reader.records() {
        let row = row.context("reading a line")?;
        let line = super::line(text, &row);
        let field = |place: usize, name: &str| match row.get(place) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => bail!("line {line} has no {name}"),
        };
        let change = MappingChange {
            connector: field(connector, "connector")?,
            table: field(table, "table")?,
            value: field(value, "value")?,
            target: Some(field(target, "target")?),
        };
        if change.table.contains('/') {
            bail!("line {line}: a table's name has no slash");
        }
        let name = (change.connector.clone(), change.table.clone(), change.value.clone());
        if let Some(first) = seen.insert(name, line) {
            bail!("lines {first} and {line} map the same value, `{}` of {}", change.value, change.table);
        }
        all.push(change);
    }
    Ok(all)
}

/// Writes mappings as [`mappings`] reads them.
///
/// # Errors
/// Never in practice: it is written to memory.
pub fn mappings_csv<'a>(rows: impl IntoIterator<Item = [&'a str; 4]>) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(connector: &str, table: &str, value: &str, target: &str) -> MappingChange {
        let [connector, table, value] = [connector, table, value].map(str::to_owned);
        MappingChange { connector, table, value, target: Some(target.to_owned()) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rows = [
            ["erp", "sku", "A, \"B\"", "10;1"],
            ["*", "tender", "visa", "1410"],
            ["erp", "carrier", "DHL/EU", "línea\nzwei"],
        ];
        let text = mappings_csv(rows).unwrap();
        let expected: Vec<_> = rows.map(|[a, b, c, d]| change(a, b, c, d)).into();
        assert_eq!(mappings(&text).unwrap(), expected);
        assert_eq!(mappings(&mappings_csv([]).unwrap()).unwrap(), []);
    }

    #[test]
    fn a_spreadsheets_csv_is_read() {
        let text = "\u{feff}table;value;target;connector\r\ntax; US ;01;erp\r\n\r\n";
        assert_eq!(mappings(text).unwrap(), [change("erp", "tax", "US", "01")]);
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, expected) in [
            ("", "does not name the column `connector`"),
            ("connector,table,value\n", "does not name the column `target`"),
            ("connector,table,value,target,note\n", "`note` is none of"),
            ("connector,table,value,target\nerp,tax,US,\n", "line 2 has no target"),
            ("connector,table,value,target\nerp,tax,US,1\nerp,tax\n", "reading a line"),
            ("connector,table,value,target\nerp,a/b,US,1\n", "line 2: a table's name has no slash"),
            (
                "connector,table,value,target\nerp,tax,US,1\n\nerp,tax,US,2\n",
                "lines 2 and 4 map the same value",
            ),
        ] {
            let said = format!("{:#}", mappings(text).unwrap_err());
            assert!(said.contains(expected), "{text:?}: {said}");
        }
    }
}
