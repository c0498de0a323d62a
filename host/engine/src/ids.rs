//! Numbers that were allotted to a unit of work.

use crate::changes::LastIds;
use crate::database::{FirstIds, IdCounts};

/// Numbers of one kind: blocks of them, of which at most two have any left.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    next: i64,
    end: i64,
    /// A later block, used when this one ends.
    later: Option<(i64, i64)>,
    last: Option<i64>,
}

impl Block {
    /// The next number, if one is left.
    pub(crate) fn next(&mut self) -> Option<i64> {
        if self.next == self.end
            && let Some((next, end)) = self.later.take()
        {
            (self.next, self.end) = (next, end);
        }
        if self.next == self.end {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.last = Some(id);
        Some(id)
    }

    fn extend(&mut self, first: i64, count: u32) {
        if count == 0 {
            return;
        }
        let end = first + i64::from(count);
        if self.next == self.end {
            (self.next, self.end) = (first, end);
        } else if self.end == first {
            self.end = end;
        } else {
            self.later = Some((first, end));
        }
    }
}

/// The numbers of a unit of work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) inbounds: Block,
    pub(crate) events: Block,
    pub(crate) deliveries: Block,
    pub(crate) files: Block,
}

impl Ids {
    /// Takes in numbers that were allotted.
    pub(crate) fn extend(&mut self, counts: IdCounts, first: FirstIds) {
        self.inbounds.extend(first.inbound, counts.inbounds);
        self.events.extend(first.event, counts.events);
        self.deliveries.extend(first.delivery, counts.deliveries);
        self.files.extend(first.file, counts.files);
    }

    /// The last number used of each kind.
    pub(crate) fn used(&self) -> LastIds {
        LastIds {
            inbound: self.inbounds.last,
            event: self.events.last,
            delivery: self.deliveries.last,
            file: self.files.last,
        }
    }
}
