//! When a file has come to rest.

use std::collections::HashMap;
use std::time::Duration;

use crossdock_model::time::Millis;

use crate::{Entry, Stat};

/// Watches what lies in a folder from scan to scan, and says what nobody writes to any more: its size and
/// time were the same at two scans and for at least `settle`.
///
/// How long is told by this host's clock alone. A partner's clock may be hours off, and a copy that keeps the
/// time of its original looks old from its first byte on.
#[derive(Debug)]
pub struct Steady {
    settle: Duration,
    seen: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    stat: Stat,
    since: Millis,
}

impl Steady {
    /// Nothing has been seen yet.
    #[must_use]
    pub fn new(settle: Duration) -> Self {
        Self { settle, seen: HashMap::new() }
    }

    /// What of a scan has come to rest: oldest first, by name where that says nothing.
    pub fn rested(&mut self, entries: Vec<Entry>, now: Millis) -> Vec<Entry> {
        let mut seen = HashMap::with_capacity(entries.len());
        let mut rested = Vec::new();
        for entry in entries {
            let known = self.seen.remove(&entry.file).filter(|known| known.stat == entry.stat);
            let rests = known.as_ref().is_some_and(|known| now.since(known.since) >= self.settle);
            let since = known.map_or(now, |known| known.since);
            seen.insert(entry.file.clone(), Seen { stat: entry.stat, since });
            if rests {
                rested.push(entry);
            }
        }
        self.seen = seen;
        rested.sort_by(|a, b| (a.stat.modified, &a.name).cmp(&(b.stat.modified, &b.name)));
        rested
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
    fn a_file_rests_after_two_scans_and_the_time_to_settle() {
        let mut steady = Steady::new(Duration::from_secs(2));
        let scan = || vec![entry("a", 1, 0)];
        assert!(steady.rested(scan(), Millis(10_000)).is_empty());
        assert!(steady.rested(scan(), Millis(11_999)).is_empty());
        assert_eq!(names(&steady.rested(scan(), Millis(12_000))), ["a"]);
    }

    #[test]
    fn an_old_file_needs_a_second_look_too() {
        let mut steady = Steady::new(Duration::ZERO);
        assert!(steady.rested(vec![entry("a", 1, 0)], Millis(1 << 40)).is_empty());
        assert_eq!(steady.rested(vec![entry("a", 1, 0)], Millis(1 << 40)).len(), 1);
    }

    #[test]
    fn whatever_changes_starts_anew() {
        let mut steady = Steady::new(Duration::from_secs(2));
        for (at, size, modified) in [(0, 1, 5), (2_000, 2, 5), (4_000, 2, 6), (5_999, 2, 6)] {
            assert!(steady.rested(vec![entry("a", size, modified)], Millis(at)).is_empty(), "{at}");
        }
        assert!(steady.rested(Vec::new(), Millis(6_000)).is_empty());
        assert!(steady.rested(vec![entry("a", 2, 6)], Millis(9_000)).is_empty(), "it had gone");
        assert_eq!(steady.rested(vec![entry("a", 2, 6)], Millis(11_000)).len(), 1);
    }

    #[test]
    fn a_sender_whose_clock_is_ahead_is_read_all_the_same() {
        let mut steady = Steady::new(Duration::from_secs(2));
        let tomorrow = || vec![entry("a", 1, 86_400_000)];
        assert!(steady.rested(tomorrow(), Millis(0)).is_empty());
        assert_eq!(steady.rested(tomorrow(), Millis(2_000)).len(), 1);
    }

    #[test]
    fn the_oldest_comes_first() {
        let mut steady = Steady::new(Duration::ZERO);
        let scan = || vec![entry("c", 1, 9), entry("b", 1, 9), entry("a", 1, 10)];
        steady.rested(scan(), Millis(0));
        assert_eq!(names(&steady.rested(scan(), Millis(0))), ["b", "c", "a"]);
    }
}
