use crossdock_model::common::{Entity, EntityKind};
use crossdock_model::connector::{Progress, Receipt};
use proptest::prelude::*;

use super::*;

const NOW: Millis = Millis(1_000_000);
/// The dice that make every delay as long as its ceiling.
const LONGEST: u64 = u64::MAX;

fn policy() -> Policy {
    Policy {
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        max_inflight: Duration::from_secs(10),
        ..Policy::default()
    }
}

fn says(code: &str) -> Problem {
    problem(code, "as the target says")
}

fn receipt() -> Receipt {
    let number = Some("SO-17".into());
    Receipt {
        references: vec![Reference { kind: "order".into(), id: "17".into(), number, lines: vec![] }],
        written: vec![],
        note: None,
    }
}

fn progress(resume: &str) -> Progress {
    Progress { resume: resume.into(), references: receipt().references }
}

fn delivered(outcome: Outcome, tried: &Try) -> Settlement {
    settle(Answer::Outcome(outcome), tried, &policy(), NOW, LONGEST)
}

fn found(found: Found, tried: &Try) -> Settlement {
    settle(Answer::Found(found), &Try { find: true, ..tried.clone() }, &policy(), NOW, LONGEST)
}

fn fault(fault: Fault, tried: &Try) -> Settlement {
    settle(Answer::Failed { fault, problem: says("trap") }, tried, &policy(), NOW, LONGEST)
}

fn retry(after_ms: i64, find: bool) -> Next {
    Next::Retry { at: Millis(NOW.0 + after_ms), find }
}

fn in_doubt() -> Try {
    Try { sent: Sent::Maybe, sent_at: Millis(NOW.0 - 1_000), attempts: 1, ..Try::default() }
}

#[test]
fn what_is_not_mapped_waits_for_its_mapping() {
    let missing = ["A-1", "A-2"].map(|value| Unmapped { table: "sku".into(), value: value.into() });
    let tried = Try { attempts: 3, sent: Sent::No, ..Try::default() };
    let settled = delivered(Outcome::Unmapped(missing.to_vec()), &tried);
    let waits_for = Some("mapping/sku/A-1".to_owned());
    assert_eq!(settled.next, Next::Exception { code: "unmapped".into(), waits_for });
    assert_eq!(settled.reason.unwrap().message, "not mapped: sku: A-1, sku: A-2");
    assert!(!settled.uses_attempt);
    assert_eq!((settled.sent, settled.breaker), (Sent::No, Signal::Neither));
    // Nothing was done by this call; what a call before it did is not forgotten.
    let settled = delivered(Outcome::Unmapped(missing.to_vec()), &Try { sent: Sent::Yes, ..tried });
    assert_eq!(settled.sent, Sent::Yes);
}

#[test]
fn what_was_written_is_kept_whichever_way_it_was_learned() {
    let entity =
        Entity { system: "shopify".into(), tenant: "acme".into(), kind: EntityKind::Order, id: "1".into() };
    let written = vec![Written { entity, attribute: "order.tags".into(), value: "SO-17".into() }];
    let receipt = || Receipt { written: written.clone(), ..receipt() };
    for outcome in
        [Outcome::Posted(receipt()), Outcome::AlreadyThere(receipt()), Outcome::Received(receipt())]
    {
        assert_eq!(delivered(outcome, &Try::default()).written, written);
    }
    assert_eq!(found(Found::Present(receipt()), &in_doubt()).written, written);
}

#[test]
fn posted_settles_with_its_references() {
    let settled = delivered(Outcome::Posted(receipt()), &Try::default());
    assert_eq!(settled.next, Next::Settle(Ending::Posted));
    assert_eq!(settled.sent, Sent::Yes);
    assert_eq!(settled.references, receipt().references);
    assert_eq!(settled.breaker, Signal::Up);
    assert!(settled.reason.is_none() && !settled.uses_attempt && !settled.pause);
}

#[test]
fn already_there_is_success() {
    let settled = delivered(Outcome::AlreadyThere(receipt()), &Try::default());
    assert_eq!(settled.next, Next::Settle(Ending::AlreadyThere));
    assert_eq!(settled.references, receipt().references);
}

#[test]
fn received_waits_for_the_confirmation_with_an_overdue_timer() {
    let settled = delivered(Outcome::Received(receipt()), &Try::default());
    let overdue_at = NOW.plus(policy().overdue);
    assert_eq!(settled.next, Next::Received { overdue_at, releases: true });
    let strict = Try { holds_until_posted: true, ..Try::default() };
    let held = delivered(Outcome::Received(receipt()), &strict);
    assert_eq!(held.next, Next::Received { overdue_at, releases: false });
}

#[test]
fn partial_goes_on_at_once_with_the_resume_token() {
    let settled = delivered(Outcome::Partial(progress("created")), &Try::default());
    assert_eq!(settled.next, retry(0, false));
    assert_eq!(settled.resume.as_deref(), Some("created"));
    assert_eq!(settled.sent, Sent::Yes);
    assert_eq!(settled.references, receipt().references);
    assert!(!settled.uses_attempt);
}

#[test]
fn partial_without_a_step_forward_uses_up_attempts() {
    let tried = Try { resume: Some("created".into()), sent: Sent::Yes, ..Try::default() };
    let settled = delivered(Outcome::Partial(progress("created")), &tried);
    assert_eq!((settled.next, settled.uses_attempt), (retry(1_000, false), true));
    let last = Try { attempts: 11, ..tried };
    let settled = delivered(Outcome::Partial(progress("created")), &last);
    assert_eq!(settled.next, exception(code::OUT_OF_ATTEMPTS));
    assert_eq!(settled.sent, Sent::Yes);
}

#[test]
fn not_yet_waits_for_the_referent_up_to_a_limit() {
    let order = Entity {
        system: "shopify".into(),
        tenant: "acme".into(),
        kind: EntityKind::Order,
        id: "1001".into(),
    };
    let settled = delivered(Outcome::NotYet(order.clone()), &Try::default());
    let referent = "shopify/acme/order/1001".to_owned();
    assert_eq!(settled.next, Next::Wait { referent, again: NOW.plus(Duration::from_secs(60)) });
    assert_eq!(settled.reason.unwrap().message, "not yet: shopify/acme/order/1001");
    assert!(!settled.uses_attempt);

    let day = i64::try_from(policy().referent_limit.as_millis()).unwrap();
    let long = Try { waiting_since: Some(Millis(NOW.0 - day)), ..Try::default() };
    let settled = delivered(Outcome::NotYet(order), &long);
    assert_eq!(settled.next, exception(code::REFERENT_MISSING));
}

#[test]
fn ignored_and_stale_settle_with_the_reason() {
    let settled = delivered(Outcome::Ignored("a test order".into()), &Try::default());
    assert_eq!(settled.next, Next::Settle(Ending::Ignored));
    assert_eq!(settled.reason.unwrap().message, "a test order");
    assert_eq!(settled.breaker, Signal::Neither);
    let settled = delivered(Outcome::Stale("it is booked already".into()), &Try::default());
    assert_eq!(settled.next, Next::Settle(Ending::Stale));
    assert_eq!(settled.reason.unwrap().message, "it is booked already");
}

#[test]
fn unavailable_retries_with_backoff_and_counts_for_the_breaker() {
    let tried = Try { attempts: 3, ..Try::default() };
    let settled = delivered(Outcome::Unavailable(says("down")), &tried);
    assert_eq!(settled.next, retry(8_000, false));
    assert_eq!((settled.uses_attempt, settled.breaker, settled.sent), (true, Signal::Down, Sent::No));
}

#[test]
fn out_of_attempts_is_an_exception() {
    let last = Try { attempts: 11, ..Try::default() };
    let settled = delivered(Outcome::Unavailable(says("down")), &last);
    assert_eq!(settled.next, exception(code::OUT_OF_ATTEMPTS));
    let before = Try { attempts: 10, ..Try::default() };
    assert_eq!(delivered(Outcome::Unavailable(says("down")), &before).next, retry(60_000, false));
}

#[test]
fn an_outage_does_not_use_up_the_attempts_of_what_probes_it() {
    let probe = Try { attempts: 11, probe: true, ..Try::default() };
    let settled = delivered(Outcome::Unavailable(says("down")), &probe);
    assert_eq!((settled.next, settled.uses_attempt), (retry(60_000, false), false));
    let asked = found(Found::Failed(Failure::Unavailable(says("down"))), &Try { probe: true, ..in_doubt() });
    assert!(!asked.uses_attempt);
}

#[test]
fn throttled_waits_slows_the_limiter_and_uses_up_no_attempt() {
    let last = Try { attempts: 11, ..Try::default() };
    let throttle = |after_ms| Outcome::Throttled(Throttle { after_ms, message: "slow down".into() });
    let settled = delivered(throttle(Some(2_500)), &last);
    assert_eq!(settled.next, retry(2_500, false));
    assert_eq!(settled.slow, Some(Duration::from_millis(2_500)));
    assert_eq!((settled.uses_attempt, settled.breaker), (false, Signal::Up));
    assert_eq!(delivered(throttle(None), &last).slow, Some(Duration::from_secs(1)));
    assert_eq!(delivered(throttle(Some(u64::MAX)), &last).slow, Some(policy().max_patience));
}

#[test]
fn unauthorized_pauses_the_connector_and_uses_up_no_attempt() {
    let last = Try { attempts: 11, ..Try::default() };
    let settled = delivered(Outcome::Unauthorized(says("401")), &last);
    assert_eq!((settled.pause, settled.uses_attempt), (true, false));
    assert_eq!(settled.next, retry(0, false));
    assert_eq!(settled.breaker, Signal::Up);
}

#[test]
fn rejected_is_an_exception_with_the_targets_own_code() {
    let mut refused = says("unknown-sku");
    refused.field = Some("lines[2].sku".into());
    let settled = delivered(Outcome::Rejected(refused.clone()), &Try::default());
    assert_eq!(settled.next, exception("unknown-sku"));
    assert_eq!(settled.reason, Some(refused));
    assert_eq!((settled.breaker, settled.sent), (Signal::Up, Sent::No));
}

#[test]
fn an_unknown_outcome_is_followed_by_find() {
    let settled = delivered(Outcome::Unknown(says("connection-lost")), &Try::default());
    assert_eq!(settled.next, retry(1_000, true));
    assert_eq!((settled.sent, settled.sent_at), (Sent::Maybe, Some(NOW)));
    assert_eq!((settled.uses_attempt, settled.breaker), (true, Signal::Neither));
}

#[test]
fn the_last_attempt_is_looked_up_too_before_a_person_is_asked() {
    let last = Try { attempts: 11, ..Try::default() };
    let settled = delivered(Outcome::Unknown(says("connection-lost")), &last);
    assert_eq!(settled.next, retry(1_000, true));
    let after = Try { attempts: 12, sent_at: Millis(0), ..in_doubt() };
    assert_eq!(found(Found::Present(receipt()), &after).next, Next::Settle(Ending::Posted));
    assert_eq!(found(Found::Absent, &after).next, exception(code::OUT_OF_ATTEMPTS));
}

#[test]
fn a_target_that_can_neither_honour_keys_nor_find_leaves_the_outcome_unknown_to_a_person() {
    let policy = Policy { keys: Keys::None, ..policy() };
    for answer in [
        Answer::Outcome(Outcome::Unknown(says("connection-lost"))),
        Answer::Failed { fault: Fault::Deadline, problem: says("deadline") },
        Answer::Failed { fault: Fault::Lost, problem: says("restart") },
    ] {
        let settled = settle(answer, &Try::default(), &policy, NOW, 0);
        assert_eq!(settled.next, exception(code::OUTCOME_UNKNOWN));
        assert_eq!(settled.sent, Sent::Maybe);
    }
}

#[test]
fn a_target_that_honours_keys_is_sent_the_same_again() {
    let policy = Policy { keys: Keys::Honoured, ..policy() };
    let unknown = || Answer::Outcome(Outcome::Unknown(says("connection-lost")));
    let settled = settle(unknown(), &Try::default(), &policy, NOW, LONGEST);
    assert_eq!((settled.next, settled.sent), (retry(1_000, false), Sent::Maybe));
    let last = Try { attempts: 11, ..in_doubt() };
    assert_eq!(settle(unknown(), &last, &policy, NOW, 0).next, exception(code::OUT_OF_ATTEMPTS));
}

#[test]
fn nothing_done_now_does_not_undo_what_may_have_been_done_before() {
    for outcome in [
        Outcome::Unavailable(says("down")),
        Outcome::Throttled(Throttle { after_ms: None, message: String::new() }),
        Outcome::Unauthorized(says("401")),
        Outcome::Rejected(says("no")),
    ] {
        for sent in Sent::ALL {
            let tried = Try { sent: *sent, ..Try::default() };
            assert_eq!(delivered(outcome.clone(), &tried).sent, *sent, "{outcome:?}");
        }
    }
}

#[test]
fn a_trap_or_deadline_may_have_sent_something_and_counts_against_the_plugin() {
    for kind in [Fault::Trap, Fault::Deadline, Fault::BadAnswer] {
        let settled = fault(kind, &Try::default());
        assert_eq!(settled.next, retry(1_000, true));
        assert_eq!((settled.sent, settled.plugin_failed, settled.uses_attempt), (Sent::Maybe, true, false));
    }
}

#[test]
fn a_plugin_that_fails_again_and_again_leaves_it_to_a_person() {
    let third = Try { failures: 2, ..Try::default() };
    assert!(matches!(fault(Fault::Trap, &third).next, Next::Retry { find: true, .. }));
    let fourth = Try { failures: 3, ..Try::default() };
    let settled = fault(Fault::Trap, &fourth);
    assert_eq!(settled.next, exception(code::PLUGIN_FAILED));
    assert_eq!(settled.sent, Sent::Maybe);
    let asking = Try { find: true, ..fourth };
    assert_eq!(fault(Fault::Trap, &asking).next, exception(code::PLUGIN_FAILED));
}

#[test]
fn a_restart_is_not_the_plugins_fault_and_is_looked_up() {
    let tried = Try { failures: 3, attempts: 11, ..Try::default() };
    let settled = fault(Fault::Lost, &tried);
    assert!(matches!(settled.next, Next::Retry { find: true, .. }));
    assert_eq!((settled.plugin_failed, settled.uses_attempt), (false, false));
    assert_eq!((settled.sent, settled.sent_at), (Sent::Maybe, Some(NOW)));
}

#[test]
fn a_lost_call_after_a_part_was_done_is_looked_up_before_it_goes_on() {
    let resumed = Try { sent: Sent::Yes, resume: Some("created".into()), ..Try::default() };
    let settled = fault(Fault::Lost, &resumed);
    assert!(matches!(settled.next, Next::Retry { find: true, .. }));
    assert_eq!(lookup::first(settled.sent, Keys::Find), First::Find);
}

#[test]
fn find_present_settles() {
    let settled = found(Found::Present(receipt()), &in_doubt());
    assert_eq!((settled.next, settled.sent), (Next::Settle(Ending::Posted), Sent::Yes));
    assert_eq!(settled.references, receipt().references);
}

#[test]
fn find_absent_is_believed_only_after_max_inflight() {
    let early = found(Found::Absent, &in_doubt());
    assert_eq!((early.next, early.sent), (retry(1_000, true), Sent::Maybe));
    let patient = Try { finds: 10, ..in_doubt() };
    assert_eq!(found(Found::Absent, &patient).next, retry(9_000, true));
    let late = Try { sent_at: Millis(NOW.0 - 10_000), ..in_doubt() };
    let settled = found(Found::Absent, &late);
    assert_eq!((settled.next, settled.sent), (retry(0, false), Sent::No));
}

#[test]
fn find_pending_asks_again_later() {
    let settled = found(Found::Pending, &Try { finds: 2, ..in_doubt() });
    assert_eq!((settled.next, settled.sent, settled.uses_attempt), (retry(4_000, true), Sent::Maybe, false));
}

#[test]
fn find_partial_resumes() {
    let settled = found(Found::Partial(progress("created")), &in_doubt());
    assert_eq!((settled.next, settled.sent), (retry(0, false), Sent::Yes));
    assert_eq!(settled.resume.as_deref(), Some("created"));
    // Even when it is the step that was done before: the one that was lost has to be done again.
    let known = Try { resume: Some("created".into()), ..in_doubt() };
    assert_eq!(found(Found::Partial(progress("created")), &known).next, retry(0, false));
}

#[test]
fn find_duplicated_is_an_exception_with_the_references() {
    let settled = found(Found::Duplicated(receipt().references), &in_doubt());
    assert_eq!(settled.next, exception(code::DUPLICATED));
    assert_eq!(settled.references, receipt().references);
}

#[test]
fn a_question_without_an_answer_keeps_the_doubt() {
    for failure in [
        Failure::Unavailable(says("down")),
        Failure::Throttled(Throttle { after_ms: Some(5), message: String::new() }),
        Failure::Unauthorized(says("401")),
    ] {
        let settled = found(Found::Failed(failure), &in_doubt());
        assert!(matches!(settled.next, Next::Retry { find: true, .. }));
        assert_eq!(settled.sent, Sent::Maybe);
    }
    let settled = fault(Fault::Trap, &Try { find: true, ..in_doubt() });
    assert!(matches!(settled.next, Next::Retry { find: true, .. }));
    // The question itself sends nothing: max-inflight does not start anew.
    assert_eq!((settled.sent, settled.sent_at), (Sent::Maybe, None));
}

#[cfg(feature = "faults")]
#[test]
fn without_find_an_unknown_outcome_is_simply_sent_again() {
    let policy = Policy { safeguards: Safeguards::default().without_find(), ..policy() };
    let unknown = Answer::Outcome(Outcome::Unknown(says("connection-lost")));
    assert_eq!(settle(unknown, &Try::default(), &policy, NOW, LONGEST).next, retry(1_000, false));
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let p = || Just(says("code"));
    prop_oneof![
        Just(Outcome::Posted(receipt())),
        Just(Outcome::Received(receipt())),
        Just(Outcome::AlreadyThere(receipt())),
        Just(Outcome::Partial(progress("step"))),
        Just(Outcome::Ignored("why".into())),
        Just(Outcome::Stale("why".into())),
        p().prop_map(Outcome::Unavailable),
        any::<Option<u64>>()
            .prop_map(|after_ms| Outcome::Throttled(Throttle { after_ms, message: String::new() })),
        p().prop_map(Outcome::Unauthorized),
        p().prop_map(Outcome::Rejected),
        p().prop_map(Outcome::Unknown),
    ]
}

proptest! {
    #[test]
    fn what_may_have_been_sent_is_never_sent_again_unasked(
        answers in prop::collection::vec((any_outcome(), 0u8..5), 1..20), random: u64,
    ) {
        // One delivery at a target that can be searched, through any outcomes and faults.
        let policy = Policy { max_attempts: 1_000, plugin_retries: 1_000, ..policy() };
        let mut tried = Try::default();
        for (outcome, kind) in answers {
            let answer = match kind {
                0 => Answer::Failed { fault: Fault::Lost, problem: says("restart") },
                1 => Answer::Failed { fault: Fault::Trap, problem: says("trap") },
                _ => Answer::Outcome(outcome),
            };
            let settled = settle(answer, &tried, &policy, NOW, random);
            if let Next::Retry { find, .. } = settled.next {
                prop_assert_eq!(find, settled.sent == Sent::Maybe);
            } else {
                break;
            }
            tried.resume = settled.resume.or(tried.resume);
            tried.sent = settled.sent;
            if tried.sent == Sent::Maybe {
                // The target answers the question only when it must be believed.
                tried.sent_at = settled.sent_at.unwrap_or(tried.sent_at);
                let asked = Try { find: true, ..tried.clone() };
                let late = NOW.plus(policy.max_inflight);
                let answer = settle(Answer::Found(Found::Absent), &asked, &policy, late, random);
                prop_assert_eq!(&answer.next, &Next::Retry { at: late, find: false });
                tried.sent = answer.sent;
            }
        }
    }

    #[test]
    fn every_answer_moves_on_or_says_why(outcome in any_outcome(), attempts in 0u32..13) {
        let settled = delivered(outcome, &Try { attempts, ..Try::default() });
        match settled.next {
            Next::Retry { at, .. } => {
                prop_assert!(at >= NOW);
                prop_assert!(settled.reason.is_some() || settled.resume.is_some());
            }
            Next::Exception { .. } | Next::Wait { .. } => prop_assert!(settled.reason.is_some()),
            Next::Settle(_) | Next::Received { .. } => {}
        }

    }
}
