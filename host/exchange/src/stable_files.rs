//! Detects when a file is stable: no longer being written.

use std::collections::HashMap;
use std::time::Duration;

use crossdock_model::time::Millis;

use crate::file_system::Stat;
use crate::folder::Entry;

/// The stable-file detector. A file is stable when its metadata has not changed over at least two scans and
/// for at least the settle time.
///
/// The time is measured by this host's clock alone: a partner's clock may be hours off, and a copy that keeps
/// its original's modification time looks old from its first byte on.
#[derive(Debug)]
pub struct StableFiles {
    settle: Duration,
    observed: HashMap<String, Observation>,
}

/// A file's metadata, and since when it has been observed.
#[derive(Debug)]
struct Observation {
    stat: Stat,
    since: Millis,
}

impl StableFiles {
    /// A detector without observations. `settle` is how long a file must not change.
    #[must_use]
    pub fn new(settle: Duration) -> Self {
        Self { settle, observed: HashMap::new() }
    }

    /// Observes a scan of the folder. Returns the files that are stable: oldest first, then by name.
    pub fn observe(&mut self, entries: Vec<Entry>, now: Millis) -> Vec<Entry> {
        let mut observed = HashMap::with_capacity(entries.len());
        let mut stable = Vec::new();
        for entry in entries {
            let earlier = self.observed.remove(&entry.current_name).filter(|it| it.stat == entry.stat);
            let is_stable = earlier.as_ref().is_some_and(|it| now.since(it.since) >= self.settle);
            let since = earlier.map_or(now, |it| it.since);
            observed.insert(entry.current_name.clone(), Observation { stat: entry.stat, since });
            if is_stable {
                stable.push(entry);
            }
        }
        self.observed = observed;
        stable.sort_by(|a, b| (a.stat.modified, &a.name).cmp(&(b.stat.modified, &b.name)));
        stable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, size: u64, modified: i64) -> Entry {
        Entry::new(name, Stat { size, modified: Millis(modified), id: None })
    }

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn a_file_is_stable_after_two_scans_and_the_settle_time() {
        let mut files = StableFiles::new(Duration::from_secs(2));
        let scan = || vec![entry("a", 1, 0)];
        assert!(files.observe(scan(), Millis(10_000)).is_empty());
        assert!(files.observe(scan(), Millis(11_999)).is_empty());
        assert_eq!(names(&files.observe(scan(), Millis(12_000))), ["a"]);
    }

    #[test]
    fn an_old_file_needs_two_scans() {
        let mut files = StableFiles::new(Duration::ZERO);
        assert!(files.observe(vec![entry("a", 1, 0)], Millis(1 << 40)).is_empty());
        assert_eq!(files.observe(vec![entry("a", 1, 0)], Millis(1 << 40)).len(), 1);
    }

    #[test]
    fn a_change_restarts_the_settle_time() {
        let mut files = StableFiles::new(Duration::from_secs(2));
        for (at, size, modified) in [(0, 1, 5), (2_000, 2, 5), (4_000, 2, 6), (5_999, 2, 6)] {
            assert!(files.observe(vec![entry("a", size, modified)], Millis(at)).is_empty(), "{at}");
        }
        assert!(files.observe(Vec::new(), Millis(6_000)).is_empty());
        assert!(files.observe(vec![entry("a", 2, 6)], Millis(9_000)).is_empty(), "it was removed in between");
        assert_eq!(files.observe(vec![entry("a", 2, 6)], Millis(11_000)).len(), 1);
    }

    #[test]
    fn a_partners_clock_that_is_ahead_does_not_matter() {
        let mut files = StableFiles::new(Duration::from_secs(2));
        let tomorrow = || vec![entry("a", 1, 86_400_000)];
        assert!(files.observe(tomorrow(), Millis(0)).is_empty());
        assert_eq!(files.observe(tomorrow(), Millis(2_000)).len(), 1);
    }

    #[test]
    fn the_oldest_file_comes_first() {
        let mut files = StableFiles::new(Duration::ZERO);
        let scan = || vec![entry("c", 1, 9), entry("b", 1, 9), entry("a", 1, 10)];
        files.observe(scan(), Millis(0));
        assert_eq!(names(&files.observe(scan(), Millis(0))), ["b", "c", "a"]);
    }
}
