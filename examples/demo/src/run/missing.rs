//! What a run still waits for, counted by kind.

use std::collections::BTreeMap;

use crate::host::Counts;
use crate::shop::plan::Planted;
use crate::verify::{Finding, Verdict};

/// Everything that is missing before a run is done: a number and a name for each kind, with an example where there is
/// one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Missing(Vec<(u64, String)>);

impl Missing {
    /// Adds a number of missing things; zero adds nothing.
    pub(crate) fn add(&mut self, number: u64, what: impl Into<String>) {
        if number > 0 {
            self.0.push((number, what.into()));
        }
    }

    /// Adds the findings of a comparison, with the first of each kind.
    pub(crate) fn findings(&mut self, verdict: &Verdict) {
        let mut by_kind: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for (kind, finding) in verdict.findings() {
            by_kind.entry(kind).or_default().push(finding);
        }
        for (kind, findings) in by_kind {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            self.add(findings.len() as u64, format!("{kind} ({first})"));
        }
    }

    /// Adds the faults in the host's figures.
    pub(crate) fn host(&mut self, counts: Option<&Counts>, planted: Planted, disagreements: &[String]) {
        let Some(counts) = counts else {
            self.add(1, "answer of the host");
            return;
        };
        // A request that is read becomes deliveries: that it is read is progress all the same.
        self.add(counts.unread, "requests that the host has not read");
        self.add(counts.unsettled, "requests and deliveries that the host has not settled");
        let quarantined = counts.quarantined.abs_diff(planted.quarantined() as u64);
        self.add(quarantined, format!("too many or too few of {} in quarantine", planted.quarantined()));
        let first = disagreements.first().map(String::as_str).unwrap_or_default();
        self.add(disagreements.len() as u64, format!("wrong exceptions ({first})"));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, (number, _)| sum.saturating_add(*number))
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(number, what)| format!("{number} {what}")).collect();
        write!(f, "{}", if all.is_empty() { "nothing".to_owned() } else { all.join("; ") })
    }
}
