use crossdock_model::common::{Entity, EntityKind};
use crossdock_model::connector::{Progress, Receipt};
use proptest::prelude::*;

use super::*;
#[cfg(feature = "faults")]
use crate::safeguards::Safeguard;

const NOW: Millis = Millis(1_000_000);
/// The random number that makes every delay as long as its ceiling.
const LONGEST: u64 = u64::MAX;

fn policy() -> Policy {
    Policy {
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        max_inflight: Duration::from_secs(10),
        ..Policy::default()
    }
}

fn problem_of(code: &str) -> Problem {
    problem(code, "as the target reports it")
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

fn delivered(outcome: Outcome, context: &CallContext) -> Settlement {
    settle(Answer::Outcome(outcome), context, &policy(), NOW, LONGEST)
}

fn found(found: Found, context: &CallContext) -> Settlement {
    settle(Answer::Found(found), &CallContext { find: true, ..context.clone() }, &policy(), NOW, LONGEST)
}

fn fault(fault: Fault, context: &CallContext) -> Settlement {
    settle(Answer::Failed { fault, problem: problem_of("trap") }, context, &policy(), NOW, LONGEST)
}

fn retry(after_ms: i64, find: bool) -> Next {
    Next::Retry { at: Millis(NOW.0 + after_ms), find }
}

fn outcome_unknown() -> CallContext {
    CallContext { sent: Sent::Maybe, sent_at: Millis(NOW.0 - 1_000), attempts: 1, ..CallContext::default() }
}

#[test]
fn an_unmapped_value_awaits_its_mapping() {
    let missing = ["A-1", "A-2"].map(|value| Unmapped { table: "sku".into(), value: value.into() });
    let context = CallContext { attempts: 3, sent: Sent::No, ..CallContext::default() };
    let settled = delivered(Outcome::Unmapped(missing.to_vec()), &context);
    let awaits = Some("mapping/sku/A-1".to_owned());
    assert_eq!(settled.next, Next::Exception { code: "unmapped".into(), awaits });
    assert_eq!(settled.reason.unwrap().message, "not mapped: sku: A-1, sku: A-2");
    assert!(!settled.uses_attempt);
    assert_eq!((settled.sent, settled.breaker), (Sent::No, Signal::Neither));
    // This call did nothing; the effect of an earlier call is not forgotten.
    let settled = delivered(Outcome::Unmapped(missing.to_vec()), &CallContext { sent: Sent::Yes, ..context });
    assert_eq!(settled.sent, Sent::Yes);
}

#[test]
fn outbound_writes_are_recorded_from_every_receipt() {
    let entity =
        Entity { system: "shopify".into(), tenant: "acme".into(), kind: EntityKind::Order, id: "1".into() };
    let written = vec![Written { entity, attribute: "order.tags".into(), value: "SO-17".into() }];
    let receipt = || Receipt { written: written.clone(), ..receipt() };
    for outcome in
        [Outcome::Posted(receipt()), Outcome::AlreadyThere(receipt()), Outcome::Received(receipt())]
    {
        assert_eq!(delivered(outcome, &CallContext::default()).outbound_writes, written);
    }
    assert_eq!(found(Found::Present(receipt()), &outcome_unknown()).outbound_writes, written);
}

#[test]
fn posted_settles_with_its_references() {
    let settled = delivered(Outcome::Posted(receipt()), &CallContext::default());
    assert_eq!(settled.next, Next::Settle(Ending::Posted));
    assert_eq!(settled.sent, Sent::Yes);
    assert_eq!(settled.references, receipt().references);
    assert_eq!(settled.breaker, Signal::Up);
    assert!(settled.reason.is_none() && !settled.uses_attempt && !settled.pause);
}

#[test]
fn already_there_is_success() {
    let settled = delivered(Outcome::AlreadyThere(receipt()), &CallContext::default());
    assert_eq!(settled.next, Next::Settle(Ending::AlreadyThere));
    assert_eq!(settled.references, receipt().references);
}

#[test]
fn received_awaits_the_confirmation_up_to_a_limit() {
    let settled = delivered(Outcome::Received(receipt()), &CallContext::default());
    let overdue_at = NOW.plus(policy().confirmation_limit);
    assert_eq!(settled.next, Next::Received { overdue_at, releases: true });
    let strict = CallContext { until_posted: true, ..CallContext::default() };
    let blocked = delivered(Outcome::Received(receipt()), &strict);
    assert_eq!(blocked.next, Next::Received { overdue_at, releases: false });
}

#[test]
fn partial_continues_at_once_with_the_resume_token() {
    let settled = delivered(Outcome::Partial(progress("created")), &CallContext::default());
    assert_eq!(settled.next, retry(0, false));
    assert_eq!(settled.resume.as_deref(), Some("created"));
    assert_eq!(settled.sent, Sent::Yes);
    assert_eq!(settled.references, receipt().references);
    assert!(!settled.uses_attempt);
}

#[test]
fn partial_without_progress_uses_up_attempts() {
    let context = CallContext { resume: Some("created".into()), sent: Sent::Yes, ..CallContext::default() };
    let settled = delivered(Outcome::Partial(progress("created")), &context);
    assert_eq!((settled.next, settled.uses_attempt), (retry(1_000, false), true));
    let last = CallContext { attempts: 11, ..context };
    let settled = delivered(Outcome::Partial(progress("created")), &last);
    assert_eq!(settled.next, exception(code::OUT_OF_ATTEMPTS));
    assert_eq!(settled.sent, Sent::Yes);
}

#[test]
fn not_yet_keeps_its_lane_while_an_earlier_request_may_still_take_effect() {
    let order: Entity = "shopify/acme/order/1".parse().unwrap();
    let doubtful = CallContext { sent: Sent::Maybe, sent_at: NOW, ..CallContext::default() };
    for sent in [Sent::Maybe, Sent::Yes] {
        let settled = delivered(Outcome::NotYet(order.clone()), &CallContext { sent, ..doubtful.clone() });
        assert!(matches!(settled.next, Next::Retry { find: false, at } if at > NOW), "{settled:?}");
    }
    let sent_at = Millis(NOW.0 - 600_000);
    let settled = delivered(Outcome::NotYet(order), &CallContext { sent_at, ..doubtful });
    assert!(matches!(settled.next, Next::Wait { .. }), "{settled:?}");
    // Who does not see the parent may not see either what was sent: a newer state must not take its key.
    assert_eq!(settled.sent, Sent::Maybe);
}

#[test]
fn not_yet_awaits_the_parent_up_to_a_limit() {
    let order = Entity {
        system: "shopify".into(),
        tenant: "acme".into(),
        kind: EntityKind::Order,
        id: "1001".into(),
    };
    let settled = delivered(Outcome::NotYet(order.clone()), &CallContext::default());
    let parent = "shopify/acme/order/1001".to_owned();
    assert_eq!(settled.next, Next::Wait { parent, retry_at: NOW.plus(Duration::from_secs(60)) });
    assert_eq!(settled.reason.unwrap().message, "not yet: shopify/acme/order/1001");
    assert!(!settled.uses_attempt);

    let day = i64::try_from(policy().parent_wait_limit.as_millis()).unwrap();
    let long = CallContext { waiting_since: Some(Millis(NOW.0 - day)), ..CallContext::default() };
    let settled = delivered(Outcome::NotYet(order), &long);
    let awaits = Some("shopify/acme/order/1001".to_owned());
    assert_eq!(settled.next, Next::Exception { code: code::REFERENT_MISSING.to_owned(), awaits });
}

#[test]
fn ignored_and_stale_settle_with_the_reason() {
    let settled = delivered(Outcome::Ignored("a test order".into()), &CallContext::default());
    assert_eq!(settled.next, Next::Settle(Ending::Ignored));
    assert_eq!(settled.reason.unwrap().message, "a test order");
    assert_eq!(settled.breaker, Signal::Neither);
    let settled = delivered(Outcome::Stale("it is booked already".into()), &CallContext::default());
    assert_eq!(settled.next, Next::Settle(Ending::Stale));
    assert_eq!(settled.reason.unwrap().message, "it is booked already");
}

#[test]
fn unavailable_retries_with_backoff_and_counts_for_the_breaker() {
    let context = CallContext { attempts: 3, ..CallContext::default() };
    let settled = delivered(Outcome::Unavailable(problem_of("down")), &context);
    assert_eq!(settled.next, retry(8_000, false));
    assert_eq!((settled.uses_attempt, settled.breaker, settled.sent), (true, Signal::Down, Sent::No));
}

#[test]
fn out_of_attempts_is_an_exception() {
    let last = CallContext { attempts: 11, ..CallContext::default() };
    let settled = delivered(Outcome::Unavailable(problem_of("down")), &last);
    assert_eq!(settled.next, exception(code::OUT_OF_ATTEMPTS));
    let before = CallContext { attempts: 10, ..CallContext::default() };
    assert_eq!(delivered(Outcome::Unavailable(problem_of("down")), &before).next, retry(60_000, false));
}

#[test]
fn an_outage_does_not_use_up_the_attempts_of_the_delivery_that_probes_it() {
    let probe = CallContext { attempts: 11, probe: true, ..CallContext::default() };
    let settled = delivered(Outcome::Unavailable(problem_of("down")), &probe);
    assert_eq!((settled.next, settled.uses_attempt), (retry(60_000, false), false));
    let asked = found(
        Found::Failed(Failure::Unavailable(problem_of("down"))),
        &CallContext { probe: true, ..outcome_unknown() },
    );
    assert!(!asked.uses_attempt);
}

#[test]
fn throttled_waits_slows_the_limiter_and_uses_up_no_attempt() {
    let last = CallContext { attempts: 11, ..CallContext::default() };
    let throttle = |after_ms| Outcome::Throttled(Throttle { after_ms, message: "slow down".into() });
    let settled = delivered(throttle(Some(2_500)), &last);
    assert_eq!(settled.next, retry(2_500, false));
    assert_eq!(settled.slow, Some(Duration::from_millis(2_500)));
    assert_eq!((settled.uses_attempt, settled.breaker), (false, Signal::Up));
    assert_eq!(delivered(throttle(None), &last).slow, Some(Duration::from_secs(1)));
    assert_eq!(delivered(throttle(Some(u64::MAX)), &last).slow, Some(policy().max_retry_after));
}

#[test]
fn unauthorized_pauses_the_connector_and_uses_up_no_attempt() {
    let last = CallContext { attempts: 11, ..CallContext::default() };
    let settled = delivered(Outcome::Unauthorized(problem_of("401")), &last);
    assert_eq!((settled.pause, settled.uses_attempt), (true, false));
    assert_eq!(settled.next, retry(0, false));
    assert_eq!(settled.breaker, Signal::Up);
}

#[test]
fn rejected_is_an_exception_with_the_targets_own_code() {
    let mut refused = problem_of("unknown-sku");
    refused.field = Some("lines[2].sku".into());
    let settled = delivered(Outcome::Rejected(refused.clone()), &CallContext::default());
    assert_eq!(settled.next, exception("unknown-sku"));
    assert_eq!(settled.reason, Some(refused));
    assert_eq!((settled.breaker, settled.sent), (Signal::Up, Sent::No));
}

#[test]
fn an_unknown_outcome_is_followed_by_find() {
    let settled = delivered(Outcome::Unknown(problem_of("connection-lost")), &CallContext::default());
    assert_eq!(settled.next, retry(1_000, true));
    assert_eq!((settled.sent, settled.sent_at), (Sent::Maybe, Some(NOW)));
    assert_eq!((settled.uses_attempt, settled.breaker), (true, Signal::Neither));
}

#[test]
fn the_last_attempt_is_looked_up_too_before_a_person_is_asked() {
    let last = CallContext { attempts: 11, ..CallContext::default() };
    let settled = delivered(Outcome::Unknown(problem_of("connection-lost")), &last);
    assert_eq!(settled.next, retry(1_000, true));
    let after = CallContext { attempts: 12, sent_at: Millis(0), ..outcome_unknown() };
    assert_eq!(found(Found::Present(receipt()), &after).next, Next::Settle(Ending::Posted));
    assert_eq!(found(Found::Absent, &after).next, exception(code::OUT_OF_ATTEMPTS));
}

#[test]
fn a_person_decides_about_an_unknown_outcome_at_a_target_without_keys_and_find() {
    let policy = Policy { keys: Keys::None, ..policy() };
    for answer in [
        Answer::Outcome(Outcome::Unknown(problem_of("connection-lost"))),
        Answer::Failed { fault: Fault::Deadline, problem: problem_of("deadline") },
        Answer::Failed { fault: Fault::Lost, problem: problem_of("restart") },
    ] {
        let settled = settle(answer, &CallContext::default(), &policy, NOW, 0);
        assert_eq!(settled.next, exception(code::OUTCOME_UNKNOWN));
        assert_eq!(settled.sent, Sent::Maybe);
    }
}

#[test]
fn a_target_that_honours_keys_is_sent_the_same_key_again() {
    let policy = Policy { keys: Keys::Honoured, ..policy() };
    let unknown = || Answer::Outcome(Outcome::Unknown(problem_of("connection-lost")));
    let settled = settle(unknown(), &CallContext::default(), &policy, NOW, LONGEST);
    assert_eq!((settled.next, settled.sent), (retry(1_000, false), Sent::Maybe));
    let last = CallContext { attempts: 11, ..outcome_unknown() };
    assert_eq!(settle(unknown(), &last, &policy, NOW, 0).next, exception(code::OUT_OF_ATTEMPTS));
}

#[test]
fn a_call_without_effect_keeps_the_send_status_of_earlier_calls() {
    for outcome in [
        Outcome::Unavailable(problem_of("down")),
        Outcome::Throttled(Throttle { after_ms: None, message: String::new() }),
        Outcome::Unauthorized(problem_of("401")),
        Outcome::Rejected(problem_of("no")),
    ] {
        for sent in Sent::ALL {
            let context = CallContext { sent: *sent, ..CallContext::default() };
            assert_eq!(delivered(outcome.clone(), &context).sent, *sent, "{outcome:?}");
        }
    }
}

#[test]
fn a_trap_or_deadline_may_have_sent_something_and_counts_against_the_plugin() {
    for kind in [Fault::Trap, Fault::Deadline, Fault::BadAnswer] {
        let settled = fault(kind, &CallContext::default());
        assert_eq!(settled.next, retry(1_000, true));
        assert_eq!((settled.sent, settled.plugin_failed, settled.uses_attempt), (Sent::Maybe, true, false));
    }
}

#[test]
fn a_person_decides_after_repeated_plugin_failures() {
    let third = CallContext { failures: 2, ..CallContext::default() };
    assert!(matches!(fault(Fault::Trap, &third).next, Next::Retry { find: true, .. }));
    let fourth = CallContext { failures: 3, ..CallContext::default() };
    let settled = fault(Fault::Trap, &fourth);
    assert_eq!(settled.next, exception(code::PLUGIN_FAILED));
    assert_eq!(settled.sent, Sent::Maybe);
    let asking = CallContext { find: true, ..fourth };
    assert_eq!(fault(Fault::Trap, &asking).next, exception(code::PLUGIN_FAILED));
}

#[test]
fn a_restart_does_not_count_against_the_plugin_and_is_looked_up() {
    let context = CallContext { failures: 3, attempts: 11, ..CallContext::default() };
    let settled = fault(Fault::Lost, &context);
    assert!(matches!(settled.next, Next::Retry { find: true, .. }));
    assert_eq!((settled.plugin_failed, settled.uses_attempt), (false, false));
    assert_eq!((settled.sent, settled.sent_at), (Sent::Maybe, Some(NOW)));
}

#[test]
fn a_lost_call_after_partial_progress_is_looked_up_before_it_continues() {
    let resumed = CallContext { sent: Sent::Yes, resume: Some("created".into()), ..CallContext::default() };
    let settled = fault(Fault::Lost, &resumed);
    assert!(matches!(settled.next, Next::Retry { find: true, .. }));
    assert_eq!(before_sending(settled.sent, Keys::Find), BeforeSending::Find);
}

#[test]
fn find_present_settles() {
    let settled = found(Found::Present(receipt()), &outcome_unknown());
    assert_eq!((settled.next, settled.sent), (Next::Settle(Ending::Posted), Sent::Yes));
    assert_eq!(settled.references, receipt().references);
}

#[test]
fn find_absent_is_believed_only_after_max_inflight() {
    let early = found(Found::Absent, &outcome_unknown());
    assert_eq!((early.next, early.sent), (retry(1_000, true), Sent::Maybe));
    let later = CallContext { finds: 10, ..outcome_unknown() };
    assert_eq!(found(Found::Absent, &later).next, retry(9_000, true));
    let late = CallContext { sent_at: Millis(NOW.0 - 10_000), ..outcome_unknown() };
    let settled = found(Found::Absent, &late);
    assert_eq!((settled.next, settled.sent), (retry(0, false), Sent::No));
}

#[test]
fn find_pending_asks_again_later() {
    let settled = found(Found::Pending, &CallContext { finds: 2, ..outcome_unknown() });
    assert_eq!((settled.next, settled.sent, settled.uses_attempt), (retry(4_000, true), Sent::Maybe, false));
}

#[test]
fn find_partial_resumes() {
    let late = CallContext { sent_at: Millis(NOW.0 - 10_000), ..outcome_unknown() };
    let settled = found(Found::Partial(progress("created")), &late);
    assert_eq!((settled.next, settled.sent), (retry(0, false), Sent::Yes));
    assert_eq!(settled.resume.as_deref(), Some("created"));
    // Even for the same token as before: the step of the lost call has to be repeated.
    let known = CallContext { resume: Some("created".into()), ..late };
    assert_eq!(found(Found::Partial(progress("created")), &known).next, retry(0, false));
}

#[test]
fn find_partial_resumes_only_when_the_next_step_can_no_longer_appear() {
    let settled = found(Found::Partial(progress("created")), &outcome_unknown());
    assert_eq!((settled.next, settled.sent), (retry(1_000, true), Sent::Yes));
    assert_eq!(settled.resume.as_deref(), Some("created"));
}

#[test]
fn find_duplicated_is_an_exception_with_the_references() {
    let settled = found(Found::Duplicated(receipt().references), &outcome_unknown());
    assert_eq!(settled.next, exception(code::DUPLICATED));
    assert_eq!(settled.references, receipt().references);
}

#[test]
fn a_find_without_an_answer_keeps_the_outcome_unknown() {
    for failure in [
        Failure::Unavailable(problem_of("down")),
        Failure::Throttled(Throttle { after_ms: Some(5), message: String::new() }),
        Failure::Unauthorized(problem_of("401")),
    ] {
        let settled = found(Found::Failed(failure), &outcome_unknown());
        assert!(matches!(settled.next, Next::Retry { find: true, .. }));
        assert_eq!(settled.sent, Sent::Maybe);
    }
    let settled = fault(Fault::Trap, &CallContext { find: true, ..outcome_unknown() });
    assert!(matches!(settled.next, Next::Retry { find: true, .. }));
    // A `find` sends nothing: max-inflight does not start anew.
    assert_eq!((settled.sent, settled.sent_at), (Sent::Maybe, None));
}

#[cfg(feature = "faults")]
#[test]
fn without_find_an_unknown_outcome_is_sent_again_without_a_lookup() {
    let policy = Policy { safeguards: Safeguards::default().without(Safeguard::Find), ..policy() };
    let unknown = Answer::Outcome(Outcome::Unknown(problem_of("connection-lost")));
    assert_eq!(settle(unknown, &CallContext::default(), &policy, NOW, LONGEST).next, retry(1_000, false));
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let p = || Just(problem_of("code"));
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
    fn a_request_that_may_have_been_sent_is_never_sent_again_without_a_lookup(
        answers in prop::collection::vec((any_outcome(), 0u8..5), 1..20), random: u64,
    ) {
        // One delivery at a target that can be searched, through any outcomes and faults.
        let policy = Policy { max_attempts: 1_000, plugin_retries: 1_000, ..policy() };
        let mut context = CallContext::default();
        for (outcome, kind) in answers {
            let answer = match kind {
                0 => Answer::Failed { fault: Fault::Lost, problem: problem_of("restart") },
                1 => Answer::Failed { fault: Fault::Trap, problem: problem_of("trap") },
                _ => Answer::Outcome(outcome),
            };
            let settled = settle(answer, &context, &policy, NOW, random);
            if let Next::Retry { find, .. } = settled.next {
                prop_assert_eq!(find, settled.sent == Sent::Maybe);
            } else {
                break;
            }
            context.resume = settled.resume.or(context.resume);
            context.sent = settled.sent;
            if context.sent == Sent::Maybe {
                // The target answers only once its answer must be believed.
                context.sent_at = settled.sent_at.unwrap_or(context.sent_at);
                let asked = CallContext { find: true, ..context.clone() };
                let late = NOW.plus(policy.max_inflight);
                let answer = settle(Answer::Found(Found::Absent), &asked, &policy, late, random);
                prop_assert_eq!(&answer.next, &Next::Retry { at: late, find: false });
                context.sent = answer.sent;
            }
        }
    }

    #[test]
    fn every_answer_progresses_or_has_a_reason(outcome in any_outcome(), attempts in 0u32..13) {
        let settled = delivered(outcome, &CallContext { attempts, ..CallContext::default() });
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
