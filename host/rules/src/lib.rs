//! The decisions: pure functions and state machines without I/O.
//!
//! Production, simulation and tests run the same ones. This crate knows what an event means, when it may be sent and
//! what follows from an outcome. It knows no database, no plugin and no clock: state, time and random numbers are
//! arguments, and a decision is the result.
//!
//! # Where each rule is decided and proved
//!
//! | rule | module | test |
//! |---|---|---|
//! | the key of an event never changes | [`key`] | `a_key_is_derived_from_the_event`, `a_key_does_not_depend_on_the_time_zone_of_the_source` |
//! | the same fact arriving twice is one event | [`key`], [`admission`] | `a_snapshot_reported_as_placed_and_as_paid_is_one_state`, `two_states_within_one_tick_are_two_events_and_a_copy_is_a_duplicate`, `a_refund_is_sent_once_whatever_its_content` |
//! | a state older than the newest admitted one is stale | [`version`], [`admission`] | `a_state_older_than_the_newest_admitted_is_stale`, `progress_orders_states_within_one_second` |
//! | paid before placed creates the order | [`admission`] | `paid_before_placed_creates_and_placed_is_then_stale` |
//! | in any order of arrivals: create first, newest last, nothing stale | [`admission`] | `whatever_the_arrivals_the_sink_receives_each_state_once_in_order_and_the_newest_last` |
//! | an event whose parent does not exist in the target awaits it, up to a limit | [`admission`], [`outcome`] | `a_refund_without_its_order_awaits_it`, `not_yet_awaits_the_parent_up_to_a_limit` |
//! | an edit joins an unsent create | [`admission`] | `an_edit_joins_an_unsent_create`, `nothing_joins_a_delivery_that_may_have_been_sent` |
//! | a cancel removes an unsent create | [`admission`] | `a_cancel_removes_an_unsent_create`, `a_cancel_removes_the_refunds_of_an_unsent_create_too` |
//! | after an unknown outcome a cancel waits for `find` | [`admission`] | `a_cancel_after_an_unknown_outcome_waits_behind_it` |
//! | the deliveries of a lane are sent in order, one at a time | [`lane`] | `a_lane_has_one_head`, `the_oldest_queued_delivery_of_a_free_lane_becomes_ready`, `a_lane_drains_in_order` |
//! | an exception blocks its lane and is named as the blocker | [`lane`] | `an_exception_blocks_its_lane_and_is_named_as_the_blocker` |
//! | `received` releases a lane unless `posted` is demanded | [`lane`], [`outcome`] | `received_releases_a_lane_unless_posted_is_demanded`, `received_awaits_the_confirmation_up_to_a_limit` |
//! | the claim records durably that a request may have been sent | [`lane`] | `a_claim_is_the_durable_record_that_a_request_may_have_been_sent` |
//! | an unknown outcome is looked up before the next attempt | [`lookup`], [`outcome`] | `an_unknown_outcome_is_followed_by_find`, `a_request_that_may_have_been_sent_is_never_sent_again_without_a_lookup`, `a_restart_does_not_count_against_the_plugin_and_is_looked_up` |
//! | "absent" is believed only after max-inflight | [`lookup`] | `absent_is_believed_only_after_max_inflight` |
//! | a person decides at a target that neither honours keys nor can be searched | [`lookup`], [`outcome`] | `a_person_decides_about_an_unknown_outcome_at_a_target_without_keys_and_find` |
//! | the outcome table, one test a row | [`outcome`] | `posted_…`, `already_there_…`, `received_…`, `partial_…`, `not_yet_…`, `ignored_and_stale_…`, `unavailable_…`, `throttled_…`, `unauthorized_…`, `rejected_…`, `a_trap_or_deadline_…` |
//! | exponential backoff with full jitter | [`retry`] | `a_retry_waits_with_exponential_backoff_up_to_a_cap`, `jitter_is_full` |
//! | a circuit breaker counts only that the target is down | [`breaker`] | `a_breaker_does_not_count_refusals` |
//! | deliveries that the circuit breaker delays do not become exceptions | [`outcome`] | `an_outage_does_not_use_up_the_attempts_of_the_delivery_that_probes_it` |
//! | throttling slows the rate limiter | [`limiter`] | `throttled_waits_and_slows_the_limiter`, `a_slowed_limiter_recovers_gradually` |
//! | an order has one owning ERP | [`pin`] | `an_order_is_pinned_when_it_is_first_routed`, `later_events_follow_the_pin`, `an_order_older_than_crossdock_is_pinned_to_the_default_erp_and_stays_there`, `only_sales_and_refunds_belong_to_books` |
//! | a value that Crossdock wrote and a system reports back is not delivered again | [`attributes`], [`ownership`] | `a_written_value_that_is_reported_back_is_an_echo`, `an_order_that_only_reports_our_tag_back_is_an_echo_even_if_its_content_is_repeated`, `no_news_is_lost` |
//! | an event that only reports what its system does not own is a conflict and is not delivered | [`ownership`] | `a_value_reported_by_a_system_that_does_not_own_it_is_a_conflict`, `an_owned_attribute_is_news_even_if_reported_with_foreign_ones` |
//! | a refund that two systems report is one | [`refund`] | `the_same_amount_reported_by_another_system_is_the_same_refund_and_by_the_same_system_another` |
//! | a source's own clock orders its states, and correcting it does not make later states stale | [`version`] | `a_wrong_clock_still_orders_the_states_of_its_source`, `a_state_dated_after_its_arrival_counts_from_the_arrival` |
//! | a person decides about a late sale of a closed day | [`day`] | `a_sale_that_arrives_after_its_day_was_closed_is_for_a_person`, `a_sale_that_arrived_before_or_with_the_closing_is_not_late_even_if_read_after_it` |
//! | received and posted are two states | [`confirmation`] | `an_acknowledgement_does_not_confirm_the_content`, `a_sales_order_confirms_and_references_its_lines`, `rejected_lines_are_listed_with_their_reasons` |
//! | an unmapped value is reported and awaits its mapping | [`outcome`] | `an_unmapped_value_awaits_its_mapping` |
//! | stock of one article is the sum of the levels that its systems count | [`stock`] | `levels_of_one_place_are_added_exactly`, `the_sum_does_not_depend_on_the_order_of_reports` |
//! | work with a window becomes due when the window opens, by local time | [`window`] | `a_window_with_a_length_stays_open`, `a_window_in_the_skipped_hour_opens_right_after_it`, `a_window_in_the_repeated_hour_opens_the_first_time` |
//! | sums are right to the cent, or the event is quarantined | `crossdock_model::check` | `an_order_that_balances_to_the_cent_is_accepted`, `an_order_that_is_off_by_a_cent_is_refused` |
//! | each safeguard is needed | [`safeguards`] | `without_the_version_gate_or_dedupe_the_same_scenarios_fail`, `without_find_an_unknown_outcome_is_sent_again_without_a_lookup` |

pub mod admission;
pub mod attributes;
pub mod breaker;
pub mod code;
pub mod confirmation;
pub mod day;
mod digest;
pub mod effect;
pub mod entity_state;
pub mod error;
pub mod key;
pub mod lane;
pub mod limiter;
pub mod lookup;
pub mod name;
pub mod outcome;
pub mod ownership;
pub mod pin;
pub mod refund;
pub mod retry;
pub mod safeguards;
pub mod stock;
pub mod version;
pub mod window;
