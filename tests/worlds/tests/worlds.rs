//! The walk that `make test` makes: every order in which things can happen to a short history, as long as nothing
//! goes wrong. `Setting` also knows wrong answers and kills; what they still bring to light is not settled.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use crossdock_rules::lookup::Keys;
use crossdock_rules::safeguards::{Safeguard, Safeguards};
use crossdock_worlds::histories::{histories, world};
use crossdock_worlds::walker::{Counts, walk};
use crossdock_worlds::world::Setting;

/// Nothing goes wrong.
fn setting(safeguards: Safeguards) -> Setting {
    Setting {
        keys: Keys::Find,
        until_posted: false,
        outcomes: 0,
        crashes: 0,
        others: false,
        prompt: false,
        safeguards,
    }
}

#[test]
fn every_fourth_short_history_ends_in_the_right_books() {
    let mut counts = Counts::default();
    for history in histories().into_iter().step_by(4) {
        let world = world(&[history], setting(Safeguards::default()));
        counts += walk(&world).unwrap_or_else(|story| panic!("{}: {story}", world.name));
    }
    println!("{counts:?}");
    assert!(counts.rests > 0, "{counts:?}");
}

/// A walk proves something only if it finds wrong books once a safeguard is off.
#[test]
fn the_walk_finds_what_a_safeguard_prevents() {
    for safeguard in [Safeguard::VersionGate, Safeguard::LaneHead] {
        let off = Safeguards::default().without(safeguard);
        let noticed = histories().into_iter().any(|history| walk(&world(&[history], setting(off))).is_err());
        assert!(noticed, "{safeguard}");
    }
}
