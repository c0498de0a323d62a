//! Each race between the shop and the partner, ended in each way; and what must not be taken for one.

use std::sync::Arc;

use super::*;
use crate::erp::document::State;
use crate::host::{Counts, OpenException};
use crate::landscape::fixture::{World, life, paid};
use crate::shop::life::{Effect, Life};
use crate::shop::market::Market;

/// An order of the home market that is cancelled in the end, with the place of the first fact that says so.
fn cancelled() -> (Arc<Life>, usize) {
    let life = life(Market::Home, |life| {
        life.last().unwrap().state == State::Cancelled && life.snapshots.len() == 2
    });
    let fact = life.facts.iter().position(|fact| fact.effect == Effect::Order(1)).unwrap();
    (life, fact)
}

/// An order of which pieces are taken off a line, by the last change.
fn reduced() -> (Arc<Life>, usize) {
    last_change(|before, last| {
        let lines = before.lines.iter().zip(&last.lines);
        before.lines.len() == last.lines.len()
            && lines.into_iter().any(|(before, last)| last.quantity < before.quantity)
    })
}

/// An order that goes elsewhere after the last change, and is the same beside that.
fn redirected() -> (Arc<Life>, usize) {
    last_change(|before, last| before.lines == last.lines && before.ship_to != last.ship_to)
}

fn last_change(
    wanted: impl Fn(&crate::erp::document::Order, &crate::erp::document::Order) -> bool,
) -> (Arc<Life>, usize) {
    let life = life(Market::Home, |life| {
        let [before, last] = life.snapshots.as_slice() else { return false };
        last.state != State::Cancelled && life.refunds.is_empty() && wanted(before, last)
    });
    let fact = life.facts.iter().position(|fact| fact.effect == Effect::Order(1)).unwrap();
    (life, fact)
}

fn clean(world: &World) -> Vec<Decision> {
    assert_eq!(world.findings(), Vec::<String>::new());
    world.judge().decisions
}

/// The disagreements when the host reports an exception of the partner's parcel, and when it reports none.
fn reported(world: &World, life: &Life) -> (Vec<String>, Vec<String>) {
    let judgement = world.judge();
    let disagreements = |counts: &Counts| {
        judgement.exceptions.disagreements(counts, |entity| world.evidence().subject(entity))
    };
    let entity = format!("erp-x12/LEGACYERP/shipment/SH000001/{}", life.number);
    let exception = OpenException { entity, ..OpenException::default() };
    let one = Counts { exceptions: 1, open_exceptions: vec![exception], ..Counts::default() };
    (disagreements(&one), disagreements(&Counts::default()))
}

#[test]
fn an_order_cancelled_before_it_was_booked_may_be_absent() {
    let (life, _) = cancelled();
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.count_stock();
    assert_eq!(clean(&world), []);
    assert_eq!(world.judge().verdict.cancelled_unsent, 1);
    let (one, none) = reported(&world, &life);
    assert!(one[0].contains("nobody planted") && none.is_empty(), "{one:?} {none:?}");
}

#[test]
fn a_booked_order_must_be_cancelled_at_the_partner_when_nothing_left() {
    let (life, _) = cancelled();
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.book(&life, 0);
    world.says("mismatched", "cancelled is false, must be true");
    // An invoice for what does not travel calls for no parcel that could be under way.
    world.leave(&life);
    world.stored(&life).departure.as_mut().unwrap().shipped = false;
    (world.stored(&life).tracking, world.stored(&life).answered.shipped) = (None, 0);
    world.says("mismatched", "cancelled is false, must be true");
    world.cancel_at_partner(&life);
    world.count_stock();
    assert_eq!(clean(&world), []);
    let (one, none) = reported(&world, &life);
    assert!(one.len() == 1 && none.is_empty(), "no parcel left, so there is nothing to ask");
}

/// What a run on a busy machine showed: the shop refuses the parcel of a cancelled order, and a person is asked.
#[test]
fn an_order_cancelled_while_its_goods_left_is_a_persons_decision() {
    let (life, cancellation) = cancelled();
    for partner_cancels in [true, false] {
        let mut world = World::of(&[&life]);
        world.send(&life, 0..cancellation);
        world.book(&life, 0);
        world.leave(&life);
        world.send(&life, cancellation..life.facts.len());
        if partner_cancels {
            world.cancel_at_partner(&life);
        }
        world.count_stock();
        let decisions = clean(&world);
        assert!(decisions[0].must_ask && decisions[0].refuses_parcel, "{decisions:?}");
        assert!(decisions[0].what.contains("s after, 1Z888 left"), "{decisions:?}");
        let (one, none) = reported(&world, &life);
        assert!(one.is_empty() && none[0].contains("cancelled in the shop"), "{one:?} {none:?}");
    }
}

#[test]
fn a_cancellation_may_precede_the_departure_and_reach_the_partner_after_it() {
    let (life, _) = cancelled();
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.book(&life, 0);
    world.leave(&life);
    world.cancel_at_partner(&life);
    world.count_stock();
    let decisions = clean(&world);
    assert!(decisions[0].must_ask && decisions[0].what.contains("s before, 1Z888 left"), "{decisions:?}");
}

#[test]
fn a_cancellation_after_the_shop_showed_the_parcel_needs_no_decision() {
    let (life, cancellation) = cancelled();
    let mut world = World::of(&[&life]);
    world.send(&life, 0..cancellation);
    world.book(&life, 0);
    world.leave(&life);
    world.show_parcel(&life);
    world.send(&life, cancellation..life.facts.len());
    // The partner did not get the cancellation, and no person was asked either.
    assert!(reported(&world, &life).1.len() == 1);
    world.cancel_at_partner(&life);
    world.count_stock();
    let decisions = clean(&world);
    assert!(!decisions[0].must_ask && !decisions[0].refuses_parcel, "{decisions:?}");
    let (one, none) = reported(&world, &life);
    assert!(one.is_empty() && none.is_empty(), "{one:?} {none:?}");
}

#[test]
fn a_parcel_that_the_shop_could_show_must_be_shown() {
    let life = paid(Market::Home, false);
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.book(&life, life.snapshots.len() - 1);
    world.leave(&life);
    world.says("status", "the shop shows the parcels []");
    let (one, _) = reported(&world, &life);
    assert!(one[0].contains("nobody planted"), "an exception excuses nothing: {one:?}");
}

#[test]
fn a_quantity_reduced_after_the_departure_is_a_persons_decision() {
    let (life, reduction) = reduced();
    let mut world = World::of(&[&life]);
    world.send(&life, 0..reduction);
    world.book(&life, 0);
    world.leave(&life);
    world.send(&life, reduction..life.facts.len());
    // The change reaches the partner late, and the shop refuses the parcel.
    world.book(&life, 1);
    world.count_stock();
    let decisions = clean(&world);
    assert!(decisions[0].must_ask && decisions[0].what.contains("pieces reduced"), "{decisions:?}");
    let (one, none) = reported(&world, &life);
    assert!(one.is_empty() && none.len() == 1, "{one:?} {none:?}");
    // Had they left reduced, the shop would have had to show the parcel.
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.book(&life, 1);
    world.leave(&life);
    world.says("status", "the shop shows the parcels []");
}

#[test]
fn an_order_shown_as_fulfilled_may_keep_the_content_that_left() {
    for (life, change) in [redirected(), reduced()] {
        let left = |world: &mut World| {
            world.send(&life, 0..change);
            world.book(&life, 0);
            world.leave(&life);
            world.show_parcel(&life);
            world.send(&life, change..life.facts.len());
        };
        let mut world = World::of(&[&life]);
        left(&mut world);
        world.count_stock();
        clean(&world);
        assert_eq!(world.judge().changed_after_leaving, 1);
        // The partner may also have heard of the change.
        let mut world = World::of(&[&life]);
        left(&mut world);
        world.book(&life, 1);
        world.count_stock();
        clean(&world);
        assert_eq!(world.judge().changed_after_leaving, 0);
    }
}

#[test]
fn a_missing_change_is_excused_neither_before_the_departure_nor_after_a_newer_content() {
    let (life, _) = redirected();
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.book(&life, 0);
    world.says("mismatched", "where it goes");
    world.leave(&life);
    world.says("mismatched", "where it goes");
    world.show_parcel(&life);
    world.count_stock();
    clean(&world);
    // It had the new content, and went back to the old one.
    let mut world = World::of(&[&life]);
    world.send(&life, 0..life.facts.len());
    world.book(&life, 1);
    world.book(&life, 0);
    world.leave(&life);
    world.show_parcel(&life);
    world.says("mismatched", "where it goes");
}
