//! The walks that `make test` makes: every order in which things can happen to every short history of an order, with one
//! wrong answer or one kill. Two orders walked together show that orders do not touch each other, so that what holds for
//! one holds for several.
//!
//! By hand, with more that goes wrong (wrong answers, kills) and of some histories only, by their numbers:
//! `CROSSDOCK_FAULTS=2,1 CROSSDOCK_HISTORIES=0-9 cargo test --release -p crossdock-worlds every_short -- --nocapture`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use std::ops::RangeInclusive;

use crossdock_rules::lookup::Keys;
use crossdock_rules::safeguards::{Safeguard, Safeguards};
use crossdock_worlds::histories::{echo_world, histories, world};
use crossdock_worlds::independence::Independent;
use crossdock_worlds::walker::{Counts, walk};
use crossdock_worlds::world::{Setting, SmallWorld};

/// How much goes wrong: wrong answers, and kills.
const FAULTS: [(u8, u8); 2] = [(1, 0), (0, 1)];

/// Two numbers of a variable of the environment, where it is set.
fn two_numbers(name: &str, between: char) -> Option<(usize, usize)> {
    let text = std::env::var(name).ok()?;
    let parsed = text.split_once(between).map(|(a, b)| (a.parse(), b.parse()));
    let Some((Ok(first), Ok(last))) = parsed else { panic!("{name}={text}: two numbers are expected") };
    Some((first, last))
}

/// What goes wrong, and the histories that are walked.
fn wanted() -> (Vec<(u8, u8)>, RangeInclusive<usize>) {
    let faults = two_numbers("CROSSDOCK_FAULTS", ',');
    let faults = faults
        .map(|(outcomes, crashes)| vec![(u8::try_from(outcomes).unwrap(), u8::try_from(crashes).unwrap())]);
    let (first, last) = two_numbers("CROSSDOCK_HISTORIES", '-').unwrap_or((0, usize::MAX));
    (faults.unwrap_or(FAULTS.to_vec()), first..=last)
}

/// The history that is walked beside itself: placed, updated and cancelled, which is reported twice.
const PAIRED: usize = 5;

fn setting(keys: Keys, (outcomes, crashes): (u8, u8), safeguards: Safeguards) -> Setting {
    Setting { keys, until_posted: false, outcomes, crashes, others: false, prompt: false, safeguards }
}

/// Every world of one order, and those of an echo: but where only a person can look, since a write whose outcome is
/// unknown is then the person's matter, and what may be its echo counts as news.
fn worlds(keys: Keys, faults: (u8, u8), safeguards: Safeguards) -> impl Iterator<Item = SmallWorld> {
    let setting = setting(keys, faults, safeguards);
    let echoes = [true, false].into_iter().filter(move |_| keys != Keys::None);
    let echoes = echoes.map(move |news| echo_world(news, setting));
    echoes.chain(histories().into_iter().map(move |history| world(&[history], setting)))
}

fn all_end_in_the_right_books(keys: Keys) {
    let mut counts = Counts::default();
    let (faults, histories) = wanted();
    for faults in faults {
        for (number, world) in worlds(keys, faults, Safeguards::default()).enumerate() {
            if histories.contains(&number) {
                let of_world = walk(&world).unwrap_or_else(|story| panic!("{}: {story}", world.name));
                println!("{number:2} {faults:?} {}: {} states", world.name, of_world.states);
                counts += of_world;
            }
        }
    }
    println!("keys {keys:?}: {counts:?}");
    assert!(counts.rests > 0, "{counts:?}");
}

#[test]
fn every_short_history_ends_in_the_right_books_where_keys_are_honoured() {
    all_end_in_the_right_books(Keys::Honoured);
}

#[test]
fn every_short_history_ends_in_the_right_books_where_the_target_can_be_searched() {
    all_end_in_the_right_books(Keys::Find);
}

#[test]
fn every_short_history_ends_in_the_right_books_where_only_a_person_can_look() {
    all_end_in_the_right_books(Keys::None);
}

#[test]
fn orders_do_not_touch_each_other() {
    let history = histories().swap_remove(PAIRED);
    let world = world(&[history.clone(), history], setting(Keys::Find, (0, 0), Safeguards::default()));
    let independent = Independent::new(&world);
    let counts = walk(&independent).unwrap_or_else(|story| panic!("{}: {story}", world.name));
    println!("{counts:?}, {} different steps of one order", independent.steps_seen());
    assert!(independent.steps_seen() > 0);
}

/// A walk proves something only if it finds wrong books once a safeguard is off.
#[test]
fn the_walk_finds_what_each_safeguard_prevents() {
    let mut unnoticed = Vec::new();
    for safeguard in Safeguard::ALL {
        let off = Safeguards::default().without(*safeguard);
        let settings =
            [Keys::Find, Keys::None].into_iter().flat_map(|keys| FAULTS.map(|faults| (keys, faults)));
        let mut worlds = settings.flat_map(|(keys, faults)| worlds(keys, faults, off));
        if !worlds.any(|world| walk(&world).is_err()) {
            unnoticed.push(safeguard.to_string());
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
