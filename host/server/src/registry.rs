//! The operator's tables as files: mappings as CSV, the store registry as TOML or CSV.

mod import;
mod mappings;
mod stores;

use std::path::Path;

use anyhow::Context;

pub use import::{at_start, look};
pub use mappings::{mappings, mappings_csv};
pub use stores::{Format, check, stores, stores_csv, stores_toml};

/// Reads a file, or the standard input for `-`.
///
/// # Errors
/// When it cannot be read as text.
pub fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("reading the standard input");
    }
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// The text without a byte order mark.
fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The line that a row of the text begins at. The reader counts the empty lines before it to the row.
fn line(text: &str, row: &csv::StringRecord) -> u64 {
    let Some(position) = row.position() else { return 0 };
    let rest = usize::try_from(position.byte()).ok().and_then(|at| bare(text).get(at..));
    let empty = rest.unwrap_or_default().bytes().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + u64::try_from(empty.filter(|byte| *byte == b'\n').count()).unwrap_or_default()
}

/// A reader of CSV as spreadsheets write it: with commas or semicolons, with or without a byte order mark.
fn csv_reader(text: &str) -> csv::Reader<&[u8]> {
    let text = bare(text);
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains(';') && !head.contains(',') { b';' } else { b',' };
    csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes())
}
