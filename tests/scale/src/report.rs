//! The figures, held against their limits, as a table and as one line of JSON.

use std::collections::BTreeMap;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::orders::Size;
use crate::samples::Samples;
use crate::worker::Facts;

/// What is done with every order.
const HOT_PATH: [&str; 5] = ["admit", "claim", "settle", "expire", "housekeeping"];

const MAX_RATIO: f64 = 1.5;
const MAX_START_UP_S: f64 = 2.0;
const MAX_PAGE_MS: f64 = 50.0;
const MAX_SEARCH_MS: f64 = 200.0;
const MAX_HOST_MB: f64 = 256.0;

/// What was measured on a database of one size.
pub struct Measured {
    pub size: Size,
    pub samples: Samples,
    pub facts: Facts,
}

#[derive(Serialize)]
struct Pages {
    first: f64,
    middle: f64,
    filtered: f64,
}

/// A figure of a database that is measured once.
type Fact = fn(&Measured) -> f64;

/// What the run ends with.
#[derive(Serialize)]
pub struct Report {
    settled: u64,
    open: u64,
    ratio: BTreeMap<&'static str, f64>,
    startup_s: f64,
    page_ms: Pages,
    search_ms: f64,
    combined_ms: f64,
    erase_ms: f64,
    erase_ratio: f64,
    host_mb: f64,
    bytes_per_order: f64,
}

impl Measured {
    fn median(&self, name: &str) -> anyhow::Result<f64> {
        self.samples.median(name).with_context(|| format!("nothing was measured of {name}"))
    }

    fn worst(&self, prefix: &str) -> anyhow::Result<f64> {
        Ok(self.samples.worst(prefix).with_context(|| format!("nothing was measured of {prefix}"))?.1)
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

impl Report {
    /// The figures of the last size, and their ratios to those of the first.
    pub fn of(all: &[Measured]) -> anyhow::Result<Self> {
        let (first, last) = all.first().zip(all.last()).context("no size was measured")?;
        let ratio = |name: &str| anyhow::Ok(rounded(last.median(name)? / first.median(name)?));
        let mut ratios = BTreeMap::new();
        for name in HOT_PATH {
            ratios.insert(name, ratio(name)?);
        }
        Ok(Self {
            settled: last.size.settled,
            open: last.facts.open,
            ratio: ratios,
            startup_s: rounded(last.median("start-up")? / 1000.0),
            page_ms: Pages {
                first: rounded(last.median("page.first")?),
                middle: rounded(last.median("page.middle")?),
                filtered: rounded(last.worst("filter.")?),
            },
            search_ms: rounded(last.worst("search.")?),
            combined_ms: rounded(last.worst("combined.")?),
            erase_ms: rounded(last.median("erase")?),
            erase_ratio: ratio("erase")?,
            host_mb: rounded(last.facts.host_mb),
            bytes_per_order: (last.facts.bytes as f64 / last.size.settled as f64).round(),
        })
    }

    /// Every limit that is missed, in words.
    pub fn missed(&self) -> Vec<String> {
        let hot_path = self.ratio.iter().map(|(name, ratio)| (format!("ratio.{name}"), *ratio, MAX_RATIO));
        let others = [
            ("erase_ratio", self.erase_ratio, MAX_RATIO),
            ("startup_s", self.startup_s, MAX_START_UP_S),
            ("page_ms.first", self.page_ms.first, MAX_PAGE_MS),
            ("page_ms.middle", self.page_ms.middle, MAX_PAGE_MS),
            ("page_ms.filtered", self.page_ms.filtered, MAX_PAGE_MS),
            ("search_ms", self.search_ms, MAX_SEARCH_MS),
            ("host_mb", self.host_mb, MAX_HOST_MB),
        ];
        hot_path
            .chain(others.map(|(name, figure, limit)| (name.to_owned(), figure, limit)))
            .filter(|(_, figure, limit)| figure > limit)
            .map(|(name, figure, limit)| format!("{name} is {figure}, and {limit} is the limit"))
            .collect()
    }

    pub fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

/// Everything that was measured, a column a size: medians in milliseconds.
pub fn table(all: &[Measured]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let mut header = vec!["median, ms".to_owned()];
    header.extend(all.iter().map(|measured| format!("{} settled", measured.size.settled)));
    header.push("ratio".to_owned());
    table.set_header(header);
    let names: Vec<String> =
        all.first().map(|measured| measured.samples.0.keys().cloned().collect()).unwrap_or_default();
    for name in names {
        let medians: Vec<f64> = all.iter().filter_map(|measured| measured.samples.median(&name)).collect();
        let ratio = medians.first().zip(medians.last()).map(|(first, last)| last / first).unwrap_or_default();
        let mut row = vec![name];
        row.extend(medians.iter().map(|median| format!("{median:.3}")));
        row.push(format!("{ratio:.2}"));
        table.add_row(row);
    }
    let facts: [(&str, Fact); 3] = [
        ("open deliveries", |measured| measured.facts.open as f64),
        ("bytes an order", |measured| measured.facts.bytes as f64 / measured.size.settled as f64),
        ("memory, MB", |measured| measured.facts.host_mb),
    ];
    for (name, fact) in facts {
        let mut row = vec![name.to_owned()];
        row.extend(all.iter().map(|measured| format!("{:.0}", fact(measured))));
        table.add_row(row);
    }
    table
}
