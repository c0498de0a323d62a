//! What is measured: samples by name, and how long something took.

use std::collections::BTreeMap;
use std::time::Instant;

/// Samples by what was measured, in milliseconds.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Samples(pub BTreeMap<String, Vec<f64>>);

impl Samples {
    pub fn add(&mut self, name: &str, milliseconds: f64) {
        self.0.entry(name.to_owned()).or_default().push(milliseconds);
    }

    /// Adds how long something has taken since, divided by how many it was.
    pub fn since(&mut self, name: &str, begun: Instant, count: usize) {
        self.add(name, begun.elapsed().as_secs_f64() * 1000.0 / count.max(1) as f64);
    }

    pub fn extend(&mut self, other: Self) {
        for (name, samples) in other.0 {
            self.0.entry(name).or_default().extend(samples);
        }
    }

    /// The median of what was measured under a name; none without samples.
    pub fn median(&self, name: &str) -> Option<f64> {
        let mut samples = self.0.get(name)?.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied()
    }

    /// The greatest median of all names that begin so.
    pub fn worst(&self, prefix: &str) -> Option<(&str, f64)> {
        let names = self.0.keys().filter(|name| name.starts_with(prefix));
        let medians = names.filter_map(|name| Some((name.as_str(), self.median(name)?)));
        medians.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_greatest_median() {
        let mut samples = Samples::default();
        for (name, milliseconds) in
            [("search.a", 1.0), ("search.a", 900.0), ("search.a", 2.0), ("search.b", 3.0)]
        {
            samples.add(name, milliseconds);
        }
        assert_eq!(samples.median("search.a"), Some(2.0));
        assert_eq!(samples.worst("search."), Some(("search.b", 3.0)));
        assert_eq!(samples.worst("page."), None);
    }
}
