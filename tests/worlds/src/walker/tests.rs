//! The walker on a staircase: a step up is as it should be, a jump or a slide over a step counts as going wrong.

use super::{Budget, Counts, Violation, World, walk};

/// Where somebody stands, and what may still go wrong.
#[derive(Clone, Copy)]
struct Climber {
    at: u8,
    jumps: u8,
    slides: u8,
}

#[derive(Clone, Copy, PartialEq)]
enum Move {
    Wait,
    Up,
    Jump,
    Slide,
}

/// A staircase of three steps.
#[derive(Default)]
struct Stairs {
    jumps: u8,
    slides: u8,
    /// Where nobody can stand.
    gap: Option<u8>,
    /// Where nobody may come.
    broken: Option<u8>,
    /// From where one does not step up, but waits for ever.
    endless: Option<u8>,
    /// Where nobody may stay in the end.
    no_rest: Option<u8>,
}

const TOP: u8 = 3;

impl World for Stairs {
    type State = Climber;
    type Step = Move;

    fn start(&self) -> Climber {
        Climber { at: 0, jumps: self.jumps, slides: self.slides }
    }

    fn steps(&self, climber: &Climber) -> Vec<Move> {
        let can_stand = |at| at <= TOP && self.gap != Some(at);
        let waits = self.endless == Some(climber.at);
        let moves = [
            (Move::Wait, waits),
            (Move::Up, !waits && can_stand(climber.at + 1)),
            (Move::Jump, climber.jumps > 0 && can_stand(climber.at + 2)),
            (Move::Slide, climber.slides > 0 && can_stand(climber.at + 2)),
        ];
        moves.into_iter().filter_map(|(one, can)| can.then_some(one)).collect()
    }

    fn play(&self, climber: &Climber, step: &Move) -> Result<Climber, Violation> {
        let mut next = *climber;
        match step {
            Move::Wait => {}
            Move::Up => next.at += 1,
            Move::Jump => (next.at, next.jumps) = (next.at + 2, next.jumps - 1),
            Move::Slide => (next.at, next.slides) = (next.at + 2, next.slides - 1),
        }
        if self.broken == Some(next.at) { Err("broken".to_owned()) } else { Ok(next) }
    }

    fn budget(&self, climber: &Climber) -> Budget {
        [climber.jumps, climber.slides, 0, 0]
    }

    fn goes_wrong(&self, _: &Climber, step: &Move) -> bool {
        matches!(step, Move::Jump | Move::Slide)
    }

    fn digest(&self, climber: &Climber) -> u64 {
        climber.at.into()
    }

    fn check(&self, _: &Climber) -> Result<(), Violation> {
        Ok(())
    }

    fn check_at_rest(&self, climber: &Climber) -> Result<(), Violation> {
        if self.no_rest == Some(climber.at) { Err("no rest here".to_owned()) } else { Ok(()) }
    }

    fn describe(&self, climber: &Climber, step: &Move) -> String {
        let name = match step {
            Move::Wait => "wait",
            Move::Up => "up",
            Move::Jump => "jump",
            Move::Slide => "slide",
        };
        format!("{name} from {}", climber.at)
    }
}

fn counts(stairs: &Stairs) -> Counts {
    walk(stairs).unwrap_or_else(|story| panic!("{story}"))
}

fn story(stairs: &Stairs) -> String {
    walk(stairs).unwrap_err().to_string()
}

#[test]
fn every_state_is_visited_once() {
    let expected = Counts { worlds: 1, states: 4, transitions: 3, rests: 1 };
    assert_eq!(counts(&Stairs::default()), expected);
}

#[test]
fn a_state_from_which_less_can_happen_than_from_a_known_one_is_not_visited() {
    let expected = Counts { worlds: 1, states: 4, transitions: 5, rests: 1 };
    assert_eq!(counts(&Stairs { jumps: 1, ..Stairs::default() }), expected);
}

#[test]
fn states_that_allow_different_things_are_both_visited() {
    // Steps 2 and 3 are reached by a jump, which leaves a slide, and by a slide, which leaves a jump.
    let stairs = Stairs { jumps: 1, slides: 1, gap: Some(1), ..Stairs::default() };
    let expected = Counts { worlds: 1, states: 5, transitions: 4, rests: 3 };
    assert_eq!(counts(&stairs), expected);
}

#[test]
fn what_must_never_happen_is_found_with_the_way_to_it() {
    let stairs = Stairs { broken: Some(2), ..Stairs::default() };
    assert_eq!(story(&stairs), "  1. up from 0\n  2. up from 1\n  => broken");
    let stairs = Stairs { jumps: 1, gap: Some(1), broken: Some(2), ..Stairs::default() };
    assert_eq!(story(&stairs), "  1. jump from 0\n  => broken");
}

#[test]
fn what_may_not_be_in_the_end_is_found_also_where_only_a_fault_leads_on() {
    let stairs = Stairs { no_rest: Some(TOP), ..Stairs::default() };
    assert_eq!(story(&stairs), "  1. up from 0\n  2. up from 1\n  3. up from 2\n  => no rest here");
    let stairs = Stairs { jumps: 1, gap: Some(1), no_rest: Some(0), ..Stairs::default() };
    assert_eq!(story(&stairs), "  => no rest here");
}

#[test]
fn a_state_that_only_a_fault_leads_to_rest_from_is_found() {
    // Whoever steps up waits for ever: already the start leads to no rest without a jump.
    let stairs = Stairs { jumps: 1, endless: Some(1), ..Stairs::default() };
    assert_eq!(story(&stairs), "  => from here nothing ever comes to rest");
    let stairs = Stairs { jumps: 1, endless: Some(3), ..Stairs::default() };
    assert_eq!(story(&stairs), "  => from here nothing ever comes to rest");
    let stairs = Stairs { jumps: 1, gap: Some(1), endless: Some(2), ..Stairs::default() };
    assert_eq!(story(&stairs), "  1. jump from 0\n  => from here nothing ever comes to rest");
}
