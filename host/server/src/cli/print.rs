//! Prints listings: tables for people, JSON for programs, with the same content.

use serde_json::Value;

/// Prints answers of the API.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// True for JSON.
    pub json: bool,
}

/// A column: its heading and the path of its field (`problem.code`).
pub type Column = (&'static str, &'static str);

impl Printer {
    /// Prints `answer[list]` as a table of `columns`, or the whole answer as JSON.
    pub fn list(self, answer: &Value, list: &str, columns: &[Column], when_empty: &str) {
        if self.json {
            println!("{answer}");
            return;
        }
        let rows: Vec<Vec<String>> = answer
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|item| columns.iter().map(|(_, path)| field(item, path)).collect())
            .collect();
        if rows.is_empty() {
            println!("{when_empty}");
            return;
        }
        let mut table = comfy_table::Table::new();
        table
            .load_preset(comfy_table::presets::NOTHING)
            .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
            .set_header(columns.iter().map(|(heading, _)| *heading));
        table.add_rows(rows);
        println!("{table}");
        if let Some(next) = answer.get("next").filter(|next| !next.is_null()) {
            println!("\nThere is more: --after {}", plain(next));
        }
    }

    /// Prints one record with all its fields, as JSON in both modes.
    pub fn one(self, answer: &Value) {
        if self.json {
            println!("{answer}");
        } else {
            println!("{answer:#}");
        }
    }

    /// Prints what was done.
    pub fn done(self, answer: &Value, sentence: &str) {
        if self.json {
            println!("{answer}");
        } else {
            println!("{sentence}");
        }
    }
}

fn field(item: &Value, path: &str) -> String {
    path.split('.').try_fold(item, |item, name| item.get(name)).map(plain).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
