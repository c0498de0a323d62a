//! Figures of a run: how long orders took from their first webhook to the ERP.

use std::collections::HashMap;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::erp;
use crate::report::Latency;
use crate::shop::Ledger;
use crate::shop::life::Plant;

pub(crate) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// When each document came first, by its reference.
pub(crate) fn arrivals(documents: &erp::Documents) -> HashMap<String, Instant> {
    let mut arrived: HashMap<String, Instant> = HashMap::new();
    for stored in &documents.orders {
        if let Some(document) = &stored.document {
            arrived.entry(document.reference.clone()).or_insert(stored.created);
        }
    }
    arrived
}

/// When each good order's first webhook was first tried.
pub(crate) fn first_tries(ledger: &Ledger) -> Vec<(String, Instant)> {
    let good = ledger.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
    good.filter_map(|sent| Some((sent.life.reference.clone(), sent.first_sent?))).collect()
}

/// From an order's first try to its first document.
pub(crate) fn latency(sent: Vec<(String, Instant)>, arrived: &HashMap<String, Instant>) -> Latency {
    // Three digits from a microsecond to an hour; the bounds are valid, so there is always a histogram.
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3) else {
        return Latency { p50: 0.0, p99: 0.0 };
    };
    for (reference, sent) in sent {
        if let Some(arrived) = arrived.get(&reference) {
            let micros = arrived.saturating_duration_since(sent).as_micros();
            histogram.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
        }
    }
    let at = |quantile| round(histogram.value_at_quantile(quantile) as f64 / 1000.0);
    Latency { p50: at(0.5), p99: at(0.99) }
}
