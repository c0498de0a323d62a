//! A table of typed rows in memory: what was read, what was changed, and how to take changes back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// The rows of one table that a unit of work has read or changed. A row is known to be there, known to be
/// absent, or unknown. A command's changes are undone as a whole when it is refused or needs more rows.
#[derive(Debug)]
pub(crate) struct Table<K, R> {
    rows: HashMap<K, Option<R>>,
    /// The rows of changed keys as they were read.
    originals: HashMap<K, Option<R>>,
    /// The steps back to where the command at hand began.
    undo: Vec<Undo<K, R>>,
}

#[derive(Debug)]
struct Undo<K, R> {
    key: K,
    row: Option<R>,
    /// True when the command changed the key first in the unit: its original goes too.
    first: bool,
    /// True when the key was unknown before: a new row.
    unknown: bool,
}

impl<K, R> Default for Table<K, R> {
    fn default() -> Self {
        Self { rows: HashMap::new(), originals: HashMap::new(), undo: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash, R: Clone> Table<K, R> {
    /// The row of a key: none when it is unknown, none within when there is none.
    pub(crate) fn get(&self, key: &K) -> Option<Option<&R>> {
        self.rows.get(key).map(Option::as_ref)
    }

    /// True when nothing is known of a key.
    pub(crate) fn is_unknown(&self, key: &K) -> bool {
        !self.rows.contains_key(key)
    }

    /// Changes a row, or deletes it.
    pub(crate) fn set(&mut self, key: K, row: Option<R>) {
        let (before, unknown) = match self.rows.entry(key.clone()) {
            Entry::Occupied(mut known) => (known.insert(row), false),
            Entry::Vacant(vacant) => {
                vacant.insert(row);
                (None, true)
            }
        };
        let first = match self.originals.entry(key.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(before.clone());
                true
            }
        };
        self.undo.push(Undo { key, row: before, first, unknown });
    }

    /// Takes in a row that was read. What the unit knows already stays: it may have changed it since.
    /// Answers whether it was taken in.
    pub(crate) fn load(&mut self, key: K, row: Option<R>) -> bool {
        match self.rows.entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(row);
                true
            }
        }
    }

    /// True when the unit has changed the row of a key.
    pub(crate) fn is_changed(&self, key: &K) -> bool {
        self.originals.contains_key(key)
    }

    /// The changes of the command at hand stay.
    pub(crate) fn keep(&mut self) {
        self.undo.clear();
    }

    /// Takes the changes of the command at hand back, and answers the keys that had been changed.
    pub(crate) fn undo(&mut self) -> Vec<K> {
        let mut keys = Vec::with_capacity(self.undo.len());
        while let Some(Undo { key, row, first, unknown }) = self.undo.pop() {
            if first {
                self.originals.remove(&key);
            }
            if unknown {
                self.rows.remove(&key);
            } else {
                self.rows.insert(key.clone(), row);
            }
            keys.push(key);
        }
        keys
    }

    /// The changed keys with the row as it was read and as it is now.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&K, Option<&R>, Option<&R>)> {
        self.originals
            .iter()
            .map(|(key, original)| (key, original.as_ref(), self.rows.get(key).and_then(Option::as_ref)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_read_late_never_replaces_a_decision() {
        let mut table = Table::default();
        table.set(1, Some("decided"));
        assert!(!table.load(1, Some("stored")));
        assert_eq!(table.get(&1), Some(Some(&"decided")));
    }

    #[test]
    fn a_refused_command_leaves_the_table_as_it_found_it() {
        let mut table = Table::default();
        table.load(1, Some("stored"));
        table.set(1, Some("first"));
        table.keep();
        table.set(1, Some("second"));
        table.set(1, None);
        table.set(2, Some("new"));
        assert_eq!(table.undo(), [2, 1, 1]);
        assert_eq!(table.get(&1), Some(Some(&"first")));
        assert!(table.is_unknown(&2));
        let changes: Vec<_> = table.changes().collect();
        assert_eq!(changes, [(&1, Some(&"stored"), Some(&"first"))]);
    }
}
