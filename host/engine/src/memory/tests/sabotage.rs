//! The random history finds what goes wrong once a safeguard is off: else its finding nothing says nothing.

use std::ops::Range;
use std::sync::Arc;

use crossdock_rules::safeguards::{Safeguard, Safeguards};

use crate::Store;
use crate::conformance::random::play;
use crate::memory::Memory;

/// How many histories are played until one shows it.
const SEEDS: u64 = 20;

async fn is_noticed(safeguard: Safeguard) -> bool {
    for seed in 0..SEEDS {
        let memory = Arc::new(Memory::default());
        let off = Safeguards::default().without(safeguard);
        let store = Store::new(Arc::clone(&memory), memory, off);
        if play(store, off, 200, seed).await.is_err() {
            return true;
        }
    }
    false
}

/// The seeds that `CROSSDOCK_SEEDS` names, as `FROM-TO`: to look for what the usual ones do not show.
fn seeds() -> Range<u64> {
    let named = std::env::var("CROSSDOCK_SEEDS").ok();
    let bounds = named.as_deref().and_then(|named| named.split_once('-'));
    bounds.map_or(0..SEEDS, |(from, to)| from.parse().unwrap()..to.parse().unwrap())
}

#[tokio::test]
async fn with_every_safeguard_the_histories_end_well() {
    let mut violations = Vec::new();
    for seed in seeds() {
        let memory = Arc::new(Memory::default());
        let store = Store::new(Arc::clone(&memory), memory, Safeguards::default());
        if let Err(violation) = play(store, Safeguards::default(), 200, seed).await {
            violations.push(format!("seed {seed}: {violation}"));
        }
    }
    assert!(violations.is_empty(), "{} of them:\n{}", violations.len(), violations.join("\n"));
}

#[tokio::test]
async fn without_any_one_of_them_a_history_shows_it() {
    let mut unnoticed = Vec::new();
    for safeguard in Safeguard::ALL {
        if !is_noticed(*safeguard).await {
            unnoticed.push(safeguard.to_string());
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
