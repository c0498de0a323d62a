//! The decisions: pure functions and state machines without I/O.
//!
//! Production, simulation and tests run the same ones. This room knows what an event means, when it may be
//! sent and what an outcome leads to. It knows no database, no plugin and no clock: what is known, what
//! time it is and what the dice say are handed in, and a decision comes out.
//!
//! # Where each rule is decided and proved
//!
//! | rule | module | test |
//! |---|---|---|
//! | the key never changes | [`key`] | `a_key_is_derived_from_what_happened`, `a_key_does_not_depend_on_how_the_source_writes_the_moment` |
//! | the same fact arriving twice is one event | [`key`], [`admission`] | `one_snapshot_told_as_placed_and_as_paid_is_one_state`, `two_states_within_one_tick_are_two_events_and_a_copy_is_none`, `a_refund_is_told_once_however_its_content_is_written` |
//! | what is older than what was admitted is stale | [`version`], [`admission`] | `what_is_older_than_what_was_admitted_is_stale`, `progress_places_what_happened_within_one_second` |
//! | paid before placed creates | [`admission`] | `paid_before_placed_creates_and_placed_is_then_stale` |
//! | whatever the arrivals: create first, newest last, nothing stale | [`admission`] | `whatever_the_arrivals_the_sink_hears_each_state_once_in_order_and_the_newest_last` |
//! | an event whose referent is not there waits, up to a limit | [`admission`], [`outcome`] | `a_refund_whose_order_is_not_there_waits_for_it`, `not_yet_waits_for_the_referent_up_to_a_limit` |
//! | an edit joins a create that was not sent | [`admission`] | `an_edit_joins_an_unsent_create`, `nothing_joins_what_may_have_been_sent` |
//! | a cancel removes an unsent create | [`admission`] | `a_cancel_removes_an_unsent_create`, `a_cancel_removes_the_refunds_of_an_unsent_create_too` |
//! | after an unknown outcome a cancel waits for `find` | [`admission`] | `a_cancel_after_an_unknown_outcome_waits_behind_it` |
//! | lanes keep what is sent in order | [`lane`] | `a_lane_has_one_head_and_it_is_the_oldest`, `an_exception_keeps_its_lane_blocked_and_says_so` |
//! | `received` releases a lane unless `posted` is demanded | [`lane`], [`outcome`] | `received_releases_a_lane`, `received_waits_for_the_confirmation_with_an_overdue_timer` |
//! | the claim is the record that it may have been sent | [`lane`] | `a_claim_is_the_durable_record_that_it_may_have_been_sent` |
//! | an unknown outcome is looked up before the next try | [`lookup`], [`outcome`] | `an_unknown_outcome_is_followed_by_find`, `what_may_have_been_sent_is_never_sent_again_unasked`, `a_restart_is_not_the_plugins_fault_and_is_looked_up` |
//! | "absent" is believed only after max-inflight | [`lookup`] | `absent_is_believed_only_after_max_inflight` |
//! | a target that can neither honour keys nor be searched: a person | [`lookup`], [`outcome`] | `a_target_that_can_neither_honour_keys_nor_find_leaves_the_outcome_unknown_to_a_person` |
//! | the outcome table, a row a test | [`outcome`] | `posted_…`, `already_there_…`, `received_…`, `partial_…`, `not_yet_…`, `ignored_and_stale_…`, `unavailable_…`, `throttled_…`, `unauthorized_…`, `rejected_…`, `a_trap_or_deadline_…` |
//! | exponential backoff with full jitter | [`retry`] | `a_retry_waits_with_exponential_backoff_up_to_a_cap`, `jitter_is_full` |
//! | a breaker counts only "the destination is down" | [`breaker`] | `a_breaker_does_not_count_what_said_no` |
//! | what the breaker holds back does not become an exception | [`outcome`] | `an_outage_does_not_use_up_the_attempts_of_what_probes_it` |
//! | throttled slows the limiter | [`limiter`] | `throttled_waits_and_slows_the_limiter`, `a_slowed_limiter_recovers_little_by_little` |
//! | books have one home | [`pin`] | `an_order_is_pinned_when_it_is_first_routed`, `what_happens_later_follows_the_pin`, `an_order_older_than_crossdock_has_a_home_by_default_and_keeps_it`, `only_what_was_sold_and_given_back_has_books` |
//! | what Crossdock wrote and comes back is not sent round again | [`told`], [`ownership`] | `what_was_written_and_comes_back_is_an_echo`, `an_order_that_only_carries_our_tag_back_is_an_echo_though_its_content_is_repeated`, `no_news_is_lost` |
//! | what somebody tells who does not own it is not applied | [`ownership`] | `what_is_told_by_one_who_does_not_own_it_is_a_conflict`, `what_is_ones_own_is_news_though_it_comes_with_what_is_not` |
//! | a refund that two systems tell is one | [`refund`] | `the_same_money_told_by_another_is_the_same_refund_and_its_own_is_another` |
//! | a source's own clock orders what it tells, and one that was put right does not lose against itself | [`version`] | `a_clock_that_is_wrong_tells_its_states_in_order`, `a_clock_that_is_ahead_counts_from_the_arrival` |
//! | a late sale of a closed day is for a person | [`day`] | `what_comes_after_its_day_was_closed_is_for_a_person`, `what_arrived_before_the_closing_or_with_it_is_not_late_though_it_is_read_after_it` |
//! | received and posted are two states | [`confirm`] | `an_acknowledgement_says_nothing_of_the_content`, `a_sales_order_posts_and_names_its_lines`, `rejected_lines_are_named_with_the_reasons` |
//! | what is not mapped names itself and waits for its mapping | [`outcome`] | `what_is_not_mapped_waits_for_its_mapping` |
//! | stock of one article is the sum of who counts it | [`stock`] | `levels_of_one_place_are_added_to_the_last_digit`, `the_sum_does_not_depend_on_who_told_first` |
//! | what has a window is due when it opens, by the clock on its wall | [`window`] | `a_length_keeps_it_open`, `what_falls_into_the_hour_left_out_opens_right_after_it`, `what_falls_into_the_hour_that_comes_twice_opens_the_first_time` |
//! | sums are right to the cent, or quarantine | `crossdock_model::check` | `an_order_that_balances_to_the_cent_is_accepted`, `an_order_that_is_off_by_a_cent_is_not` |
//! | each safeguard is needed | [`safeguards`] | `without_the_version_gate_or_dedupe_the_same_scenarios_go_wrong`, `without_find_an_unknown_outcome_is_simply_sent_again` |

pub mod admission;
pub mod breaker;
pub mod confirm;
pub mod day;
pub mod key;
pub mod lane;
pub mod limiter;
pub mod lookup;
pub mod outcome;
pub mod ownership;
pub mod pin;
pub mod refund;
pub mod retry;
pub mod safeguards;
pub mod stock;
pub mod told;
pub mod version;
pub mod window;

/// Why no decision could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An instant that decides the order of events cannot be read.
    #[error("reading `{field}` of an event of {entity}")]
    Instant {
        /// The entity's identity.
        entity: String,
        /// The field of the event, as a path.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: crossdock_model::time::NoInstant,
    },
    /// An event could not be written as JSON to take its digest.
    #[error("taking the digest of an event of {entity}")]
    Digest {
        /// The entity's identity.
        entity: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A text that should name a state is none.
    #[error("`{text}` is no {what}")]
    Name {
        /// What it should have been (`state of a delivery`).
        what: &'static str,
        /// The text.
        text: String,
    },
}
