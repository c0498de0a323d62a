//! The walks that `make test` makes: every order in which things can happen to every short history of an order, of which
//! one event is reported twice, with a wrong answer or a kill; to a third of them with both. Two orders walked together
//! show that orders do not touch each other, so that what holds for one holds for several.
//!
//! `make worlds` walks the same histories with two wrong answers and a kill. The variables of the environment
//! `CROSSDOCK_FAULTS=2,0` and `CROSSDOCK_FAULTS_OF_TWO=1,0` ask for other faults (wrong answers, kills) of one order and
//! of two, `CROSSDOCK_HISTORIES=0-3` for some histories only, by their numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use crossdock_rules::lookup::Keys;
use crossdock_rules::safeguards::{Safeguard, Safeguards};
use crossdock_worlds::histories::{echo_world, histories, world};
use crossdock_worlds::independence::Independent;
use crossdock_worlds::walker::{Counts, walk};
use crossdock_worlds::world::{Setting, SmallWorld};

/// A third of the time would go into allocations otherwise.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much goes wrong.
#[derive(Clone, Copy, Debug)]
struct Faults {
    wrong_answers: u8,
    kills: u8,
    /// Whether spans of time are short.
    short: bool,
}

/// One thing goes wrong.
const ONE: [Faults; 2] = [
    Faults { wrong_answers: 1, kills: 0, short: false },
    Faults { wrong_answers: 0, kills: 1, short: false },
];

/// Two things go wrong, in short spans of time.
const TWO: [Faults; 1] = [Faults { wrong_answers: 1, kills: 1, short: true }];

/// What goes wrong where two orders are walked together.
const FAULTS_OF_TWO: [Faults; 2] =
    [Faults { wrong_answers: 0, kills: 0, short: false }, Faults { wrong_answers: 0, kills: 1, short: true }];

/// Two numbers of a variable of the environment, where it is set.
fn two_numbers(name: &str, between: char) -> Option<(usize, usize)> {
    let text = std::env::var(name).ok()?;
    let parsed = text.split_once(between).map(|(a, b)| (a.parse(), b.parse()));
    let Some((Ok(first), Ok(last))) = parsed else { panic!("{name}={text}: two numbers are expected") };
    Some((first, last))
}

/// What is to go wrong by a variable of the environment, or else what `make test` lets go wrong.
fn faults(name: &str, usual: &[Faults]) -> Vec<Faults> {
    let Some((wrong_answers, kills)) = two_numbers(name, ',') else { return usual.to_vec() };
    let number = |number| u8::try_from(number).unwrap();
    vec![Faults { wrong_answers: number(wrong_answers), kills: number(kills), short: true }]
}

/// Which histories are walked with more faults, by their numbers. `make test` walks a third of them for each kind of key.
fn wanted(keys: Keys) -> impl Fn(&usize) -> bool {
    let third = [Keys::Honoured, Keys::Find, Keys::None].iter().position(|of| *of == keys);
    let numbers = two_numbers("CROSSDOCK_HISTORIES", '-');
    let all = numbers.is_some() || std::env::var_os("CROSSDOCK_FAULTS").is_some();
    let (first, last) = numbers.unwrap_or((0, usize::MAX));
    move |number| (first..=last).contains(number) && (all || Some(number % 3) == third)
}

/// The history that is walked beside itself: placed, updated and cancelled.
const PAIRED: usize = 1;

fn setting(keys: Keys, faults: Faults, safeguards: Safeguards) -> Setting {
    Setting {
        keys,
        until_posted: false,
        wrong_answers: faults.wrong_answers,
        kills: faults.kills,
        redeliveries: 1,
        short: faults.short,
        others: false,
        prompt: false,
        safeguards,
    }
}

/// Every world of one order, and those of an echo: but where only a person can look, since a write whose outcome is
/// unknown is then the person's matter, and what may be its echo counts as news.
fn worlds(keys: Keys, faults: Faults, safeguards: Safeguards) -> impl Iterator<Item = SmallWorld> {
    let setting = setting(keys, faults, safeguards);
    let echoes = [true, false].into_iter().filter(move |_| keys != Keys::None);
    let echoes = echoes.map(move |news| echo_world(news, setting));
    echoes.chain(histories().into_iter().map(move |history| world(&[history], setting)))
}

fn all_end_in_the_right_books(keys: Keys, faults: &[Faults], wanted: impl Fn(&usize) -> bool) {
    let mut counts = Counts::default();
    for faults in faults {
        let worlds = worlds(keys, *faults, Safeguards::default());
        for (number, world) in worlds.enumerate().filter(|(number, _)| wanted(number)) {
            let of_world = walk(&world).unwrap_or_else(|story| panic!("{}: {story}", world.name));
            println!("{number:2} {faults:?} {}: {} states", world.name, of_world.states);
            counts += of_world;
        }
    }
    println!("keys {keys:?}: {counts:?}");
    assert!(counts.rests > 0, "{counts:?}");
}

fn with_one_fault(keys: Keys) {
    all_end_in_the_right_books(keys, &ONE, |_| true);
}

fn with_more_faults(keys: Keys) {
    all_end_in_the_right_books(keys, &faults("CROSSDOCK_FAULTS", &TWO), wanted(keys));
}

#[test]
fn one_fault_and_the_right_books_where_keys_are_honoured() {
    with_one_fault(Keys::Honoured);
}

#[test]
fn one_fault_and_the_right_books_where_the_target_can_be_searched() {
    with_one_fault(Keys::Find);
}

#[test]
fn one_fault_and_the_right_books_where_only_a_person_can_look() {
    with_one_fault(Keys::None);
}

#[test]
fn more_faults_and_the_right_books_where_keys_are_honoured() {
    with_more_faults(Keys::Honoured);
}

#[test]
fn more_faults_and_the_right_books_where_the_target_can_be_searched() {
    with_more_faults(Keys::Find);
}

#[test]
fn more_faults_and_the_right_books_where_only_a_person_can_look() {
    with_more_faults(Keys::None);
}

#[test]
fn orders_do_not_touch_each_other() {
    let history = histories().swap_remove(PAIRED);
    for faults in faults("CROSSDOCK_FAULTS_OF_TWO", &FAULTS_OF_TWO) {
        let world =
            world(&[history.clone(), history.clone()], setting(Keys::Find, faults, Safeguards::default()));
        let independent = Independent::new(&world);
        let counts = walk(&independent).unwrap_or_else(|story| panic!("{}: {story}", world.name));
        println!("{faults:?}: {counts:?}, {} different steps of one order", independent.steps_seen());
        assert!(independent.steps_seen() > 0);
    }
}

/// A walk proves something only if it finds wrong books once a safeguard is off.
#[test]
fn the_walk_finds_what_each_safeguard_prevents() {
    let mut unnoticed = Vec::new();
    for safeguard in Safeguard::ALL {
        let off = Safeguards::default().without(*safeguard);
        let settings = [Keys::Find, Keys::None].into_iter().flat_map(|keys| ONE.map(|faults| (keys, faults)));
        let mut worlds = settings.flat_map(|(keys, faults)| worlds(keys, faults, off));
        if !worlds.any(|world| walk(&world).is_err()) {
            unnoticed.push(safeguard.to_string());
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
