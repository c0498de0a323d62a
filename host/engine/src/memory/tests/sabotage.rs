//! The random history finds what goes wrong once a safeguard is off: else its finding nothing says nothing.

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

#[tokio::test]
async fn with_every_safeguard_the_histories_end_well() {
    for seed in 0..SEEDS {
        let memory = Arc::new(Memory::default());
        let store = Store::new(Arc::clone(&memory), memory, Safeguards::default());
        play(store, Safeguards::default(), 200, seed).await.unwrap();
    }
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

#[tokio::test]
async fn probe_many() {
    let mut counts = std::collections::BTreeMap::<String, (u32, u64)>::new();
    for seed in
        std::env::var("SEEDS").unwrap().split(",").map(|it| it.parse::<u64>().unwrap()).collect::<Vec<_>>()
    {
        let memory = Arc::new(Memory::default());
        let store = Store::new(Arc::clone(&memory), memory, Safeguards::default());
        if let Err(why) = play(store, Safeguards::default(), 200, seed).await {
            println!("SEED {seed}: {}", why);
            counts
                .entry(why.split_whitespace().skip(1).take(6).collect::<Vec<_>>().join(" "))
                .or_insert((0, seed))
                .0 += 1;
        }
    }
    println!("{counts:#?}");
}
