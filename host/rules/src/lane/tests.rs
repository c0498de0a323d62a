use proptest::prelude::*;

use super::*;

use DeliveryState::{Exception, Queued, Ready, Received, Sending, Settled, Waiting};

fn entry(delivery: i64, state: DeliveryState) -> LaneEntry<'static> {
    LaneEntry { delivery, state, until_posted: false, reason_code: None, awaits: false }
}

fn held(delivery: i64) -> LaneEntry<'static> {
    LaneEntry { until_posted: true, ..entry(delivery, Received) }
}

fn overdue(delivery: i64, until_posted: bool) -> LaneEntry<'static> {
    LaneEntry { until_posted, reason_code: Some(code::OVERDUE), ..entry(delivery, Exception) }
}

fn parent_missing(delivery: i64) -> LaneEntry<'static> {
    LaneEntry { awaits: true, reason_code: Some(code::REFERENT_MISSING), ..entry(delivery, Exception) }
}

fn unmapped(delivery: i64) -> LaneEntry<'static> {
    LaneEntry { awaits: true, reason_code: Some(code::UNMAPPED), ..entry(delivery, Exception) }
}

#[test]
fn the_oldest_queued_delivery_of_a_free_lane_becomes_ready() {
    assert_eq!(next_ready([entry(7, Queued), entry(5, Queued), entry(6, Queued)]), Some(5));
    assert_eq!(next_ready([entry(1, Settled), entry(3, Waiting), entry(4, Queued)]), Some(4));
    assert_eq!(next_ready([entry(1, Settled)]), None);
    assert_eq!(next_ready([]), None);
}

#[test]
fn a_lane_has_one_head() {
    for head in [entry(5, Ready), entry(5, Sending), held(5)] {
        assert_eq!(next_ready([entry(4, Queued), head, entry(6, Queued)]), None, "{head:?}");
        // A delivery that returns to the lane waits for the head, though it is older.
        assert_eq!(blocked_by(4, [entry(4, Queued), head]), Some((5, head.state)));
        assert_eq!(blocked_by(6, [head, entry(6, Queued)]), Some((5, head.state)));
    }
}

#[test]
fn an_exception_blocks_its_lane_and_is_named_as_the_blocker() {
    let lane = [entry(41, Exception), entry(42, Queued), entry(43, Queued)];
    assert_eq!(next_ready(lane), None);
    assert_eq!(blocked_by(42, lane), Some((41, Exception)));
    assert_eq!(blocked_by(43, lane), Some((41, Exception)));
}

#[test]
fn an_exception_does_not_block_what_stands_before_it() {
    let lane = [entry(41, Queued), entry(42, Exception)];
    assert_eq!(next_ready(lane), Some(41));
    assert_eq!(blocked_by(41, lane), None);
}

#[test]
fn an_exception_and_a_head_are_named_in_the_order_of_the_lane() {
    let lane = [entry(3, Exception), entry(5, Sending), entry(6, Queued)];
    assert_eq!(next_ready(lane), None);
    assert_eq!(blocked_by(6, lane), Some((3, Exception)));
}

#[test]
fn received_releases_a_lane_unless_posted_is_demanded() {
    assert!(Received.is_open());
    assert_eq!(next_ready([entry(1, Received), entry(2, Queued)]), Some(2));
    assert_eq!(blocked_by(2, [entry(1, Received), entry(2, Queued)]), None);
    assert_eq!(next_ready([held(1), entry(2, Queued)]), None);
    assert_eq!(blocked_by(2, [held(1), entry(2, Queued)]), Some((1, Received)));
}

#[test]
fn an_overdue_confirmation_blocks_a_lane_only_if_posted_is_demanded() {
    assert_eq!(next_ready([overdue(1, false), entry(2, Queued)]), Some(2));
    assert_eq!(blocked_by(2, [overdue(1, false), entry(2, Queued)]), None);
    assert_eq!(next_ready([overdue(1, true), entry(2, Queued)]), None);
    assert_eq!(blocked_by(2, [overdue(1, true), entry(2, Queued)]), Some((1, Exception)));
}

#[test]
fn a_missing_parent_does_not_block_the_lane_of_the_parent() {
    let lane = [parent_missing(1), entry(2, Queued)];
    assert!(is_parent_missing(&lane[0]) && is_released_by_arrival(&lane[0]));
    assert_eq!((next_ready(lane), blocked_by(2, lane)), (Some(2), None));
    // Once it awaits nothing any more it is an exception like another.
    let lane = [LaneEntry { awaits: false, ..parent_missing(1) }, entry(2, Queued)];
    assert!(!is_parent_missing(&lane[0]) && !is_released_by_arrival(&lane[0]));
    assert_eq!((next_ready(lane), blocked_by(2, lane)), (None, Some((1, Exception))));
}

#[test]
fn a_missing_mapping_blocks_its_lane_until_the_mapping_arrives() {
    let lane = [unmapped(1), entry(2, Queued)];
    assert!(!is_parent_missing(&lane[0]) && is_released_by_arrival(&lane[0]));
    assert_eq!((next_ready(lane), blocked_by(2, lane)), (None, Some((1, Exception))));
}

#[test]
fn only_a_queued_delivery_is_blocked() {
    for other in [entry(2, Ready), entry(2, Exception), held(2)] {
        assert_eq!(blocked_by(2, [entry(1, Exception), other]), None, "{other:?}");
    }
}

#[test]
fn a_claim_is_the_durable_record_that_a_request_may_have_been_sent() {
    assert_eq!(Sent::No.claimed(), Sent::Maybe);
    assert_eq!(Sent::Maybe.claimed(), Sent::Maybe);
    assert_eq!(Sent::Yes.claimed(), Sent::Yes);
}

#[test]
fn every_name_parses_back() {
    let states: Vec<&str> = DeliveryState::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(states, ["queued", "ready", "sending", "waiting", "received", "settled", "exception"]);
    for state in DeliveryState::ALL {
        assert_eq!(state.as_str().parse::<DeliveryState>().unwrap(), *state);
    }
    assert_eq!(Sent::ALL.iter().map(|sent| sent.as_str()).collect::<Vec<_>>(), ["no", "maybe", "yes"]);
    for sent in Sent::ALL {
        assert_eq!(sent.as_str().parse::<Sent>().unwrap(), *sent);
    }
    let endings: Vec<String> = Ending::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(
        endings.join(" "),
        "posted already-there ignored stale joined annulled discarded echo conflict same-sale"
    );
    for ending in Ending::ALL {
        assert_eq!(ending.as_str().parse::<Ending>().unwrap(), *ending);
    }
    let error = "lost".parse::<DeliveryState>().unwrap_err();
    assert_eq!(error.to_string(), "unknown delivery state `lost`");
}

fn any_lane() -> impl Strategy<Value = Vec<LaneEntry<'static>>> {
    let codes = prop_oneof![
        Just(None),
        Just(Some(code::OVERDUE)),
        Just(Some(code::REFERENT_MISSING)),
        Just(Some(code::UNMAPPED)),
        Just(Some("rejected")),
    ];
    let state = prop::sample::select(DeliveryState::ALL);
    let one = (state, any::<bool>(), codes, any::<bool>());
    prop::collection::vec(one, 0..9).prop_map(|lane| {
        (1..)
            .zip(lane)
            .map(|(delivery, (state, until_posted, reason_code, awaits))| LaneEntry {
                delivery,
                state,
                until_posted,
                reason_code,
                awaits,
            })
            .collect()
    })
}

fn queued(lane: &[LaneEntry<'_>]) -> Vec<i64> {
    lane.iter().filter(|entry| entry.state == Queued).map(|entry| entry.delivery).collect()
}

fn remove(lane: &mut Vec<LaneEntry<'_>>, delivery: i64) {
    lane.retain(|entry| entry.delivery != delivery);
}

proptest! {
    /// The two questions agree: the first queued delivery becomes ready exactly when nothing blocks it.
    #[test]
    fn the_first_queued_delivery_is_either_next_or_blocked(lane in any_lane()) {
        let first = queued(&lane).first().copied();
        let blocker = first.and_then(|first| blocked_by(first, lane.iter().copied()));
        match next_ready(lane.iter().copied()) {
            Some(next) => prop_assert_eq!((Some(next), blocker), (first, None)),
            None => prop_assert!(first.is_none() || blocker.is_some()),
        }
    }

    /// A blocker occupies the lane, is not queued itself, and an exception blocks only what is behind it.
    #[test]
    fn a_blocker_is_a_head_or_an_exception_before(lane in any_lane()) {
        for delivery in queued(&lane) {
            let Some((blocker, state)) = blocked_by(delivery, lane.iter().copied()) else { continue };
            let entry = lane.iter().find(|entry| entry.delivery == blocker).unwrap();
            prop_assert!(occupies(entry) && entry.state == state && state != Queued);
            prop_assert!(state != Exception || blocker < delivery);
        }
    }

    /// Neither answer depends on the order in which the lane was read.
    #[test]
    fn the_order_of_reading_does_not_matter(lane in any_lane(), seed in any::<prop::sample::Index>()) {
        let mut turned = lane.clone();
        turned.rotate_left(if lane.is_empty() { 0 } else { seed.index(lane.len()) });
        turned.reverse();
        prop_assert_eq!(next_ready(lane.iter().copied()), next_ready(turned.iter().copied()));
        for delivery in queued(&lane) {
            let there = blocked_by(delivery, lane.iter().copied());
            prop_assert_eq!(there, blocked_by(delivery, turned.iter().copied()));
        }
    }

    /// A lane always drains: either a delivery becomes ready, or the first queued one names what has to be done
    /// before; and the queued deliveries become ready in their order, one at a time.
    #[test]
    fn a_lane_drains_in_order(lane in any_lane()) {
        let (wanted, mut lane, mut sent) = (queued(&lane), lane, Vec::new());
        while let Some(first) = queued(&lane).first().copied() {
            if let Some(next) = next_ready(lane.iter().copied()) {
                let head = lane.iter_mut().find(|entry| entry.delivery == next).unwrap();
                head.state = Ready;
                prop_assert_eq!(next_ready(lane.iter().copied()), None);
                sent.push(next);
                remove(&mut lane, next);
            } else {
                let (blocker, _) = blocked_by(first, lane.iter().copied()).unwrap();
                remove(&mut lane, blocker);
            }
        }
        prop_assert_eq!(sent, wanted);
    }
}
