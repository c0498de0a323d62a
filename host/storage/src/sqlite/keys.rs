//! The keys of subjects and days that the writer has at hand.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::vault::Sealer;

/// How many keys of subjects are remembered.
const MOST_SUBJECTS: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();
/// How many keys of days are remembered.
const MOST_DAYS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The key of a person who was not erased.
#[derive(Clone)]
pub(super) struct SubjectKey {
    /// The number of the subject.
    pub(super) id: i64,
    /// The key.
    pub(super) sealer: Sealer,
}

/// Keys that were read or made. All of them are committed.
pub(super) struct KeyCache {
    /// By name.
    pub(super) subjects: LruCache<Arc<str>, SubjectKey>,
    /// By day.
    pub(super) days: LruCache<i64, Sealer>,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self { subjects: LruCache::new(MOST_SUBJECTS), days: LruCache::new(MOST_DAYS) }
    }
}
