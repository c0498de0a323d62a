//! What an operator keeps in files: mappings as CSV, the store registry as TOML or CSV.

mod import;
mod mappings;
mod stores;

use std::path::Path;

use anyhow::Context;

pub use import::{at_start, look};
pub use mappings::{mappings, mappings_csv};
pub use stores::{Format, check, stores, stores_csv, stores_toml};

/// Reads a file, or what is on the standard input for `-`.
///
/// # Errors
/// When it cannot be read as text.
pub fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("reading the standard input");
    }
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// A CSV as spreadsheets write it: with commas or semicolons, with or without a mark of its encoding.
fn csv_reader(text: &str) -> csv::Reader<&[u8]> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains(';') && !head.contains(',') { b';' } else { b',' };
    csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes())
}
