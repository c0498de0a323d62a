//! How single rows count in a digest: by the part of them that decides.

use std::hash::{DefaultHasher, Hash};
use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_rules::attributes::Fingerprints;
use crossdock_rules::confirmation::REFUSED;
use crossdock_rules::entity_state::EntityState;

use crate::memory::tables::Map;
use crate::rows::OutboundWrites;

/// A table of rows of which a part decides.
pub(super) fn each<K: Hash, R>(
    table: &Map<K, Arc<R>>,
    to: &mut DefaultHasher,
    row: impl Fn(&R, &mut DefaultHasher),
) {
    table.len().hash(to);
    for (key, of_key) in table.iter() {
        key.hash(to);
        row(of_key, to);
    }
}

pub(super) fn entity(row: &EntityState, to: &mut DefaultHasher) {
    (&row.newest, row.exists, row.annulled, row.enqueued).hash(to);
    fingerprints(row.reported.as_ref(), to);
}

/// The reference to a refused message names a claim, and claims are counted.
pub(super) fn reference(reference: &Reference, to: &mut DefaultHasher) {
    let id = (reference.kind != REFUSED).then_some(&reference.id);
    (&reference.kind, id, &reference.number).hash(to);
    for line in &reference.lines {
        (&line.line, &line.id).hash(to);
    }
}

pub(super) fn written(row: &OutboundWrites, to: &mut DefaultHasher) {
    for (attribute, written) in &row.0 {
        (attribute, &written.values).hash(to);
    }
}

pub(super) fn fingerprints(fingerprints: Option<&Fingerprints>, to: &mut DefaultHasher) {
    let Some(fingerprints) = fingerprints else { return false.hash(to) };
    true.hash(to);
    for fingerprint in fingerprints.iter() {
        fingerprint.hash(to);
    }
}
