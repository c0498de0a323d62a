//! What every database behind [`crate::Store`] has to pass: one test a rule, named after it.
//!
//! A backend's tests call [`crate::conformance!`] with an expression that opens an empty store and says what
//! has to live as long as it.

// These are tests, though another crate may run them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

pub mod answers;
pub mod claims;
pub mod deck;
pub mod early_answers;
pub mod echoes;
pub mod intake;
pub mod lane_rows;
pub mod lanes;
pub mod levels;
pub mod mappings;
pub mod meanwhile;
pub mod operations;
pub mod outbox;
pub mod random;
pub mod registry;
pub mod sales;
pub mod samples;
pub mod secrets;
pub mod target;

/// Makes a test of every rule. The expression is awaited and has to be a new, empty store and whatever has
/// to outlive it (its folder).
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::conformance!(@ $open;
            intake: a_request_comes_back_byte_for_byte, a_request_that_arrives_twice_is_kept_once,
                a_refused_command_leaves_the_others_alone, a_quarantined_inbound_can_be_read_again,
                an_inbound_is_admitted_once, a_cursor_moves_with_its_events_or_not_at_all,
                the_same_event_is_kept_once, the_same_key_with_other_content_is_another_event,
                an_order_goes_where_it_is_pinned,
                a_postponed_request_is_due_later_and_counts_its_attempts,
                a_request_that_its_host_reads_itself_is_leased_from_the_start,
                what_a_killed_host_was_reading_is_due_at_once,
                what_was_postponed_is_due_when_its_connector_is_resumed;
            lanes: only_the_head_of_a_lane_is_claimed, lanes_do_not_wait_for_each_other,
                an_exception_blocks_its_lane_until_a_person_decides,
                a_refund_waits_for_its_order_and_follows_it, a_refund_behind_its_open_order_queues,
                a_referent_that_does_not_come_makes_an_exception_and_blocks_nothing,
                what_waited_in_vain_goes_on_when_its_referent_comes, a_newer_state_joins_an_unsent_one,
                a_joined_exception_becomes_ready_again, a_cancel_removes_what_was_not_sent,
                a_cancel_queues_behind_what_may_have_been_sent, an_older_state_is_settled_as_stale,
                a_received_delivery_releases_its_lane, a_received_delivery_can_hold_its_lane,
                a_route_can_demand_that_the_lane_is_held, each_connector_has_its_own_wait_limit,
                what_waited_goes_on_when_its_order_is_discarded_or_ignored,
                what_a_connectors_own_system_has_need_not_be_delivered,
                a_state_that_was_received_is_not_sent_again_after_a_newer_one,
                a_state_that_arrives_ends_the_differences_it_contains,
                what_a_person_found_not_to_be_there_is_sent_before_newer_states,
                what_may_be_there_is_not_annulled_once_a_person_discards_it,
                a_discarded_state_that_may_be_there_ends_the_differences_it_contains;
            claims: a_claim_says_durably_that_it_may_have_been_sent, a_claim_in_the_group_of_its_event_gets_it,
                an_old_claim_cannot_settle, a_lost_lease_leads_to_a_find, a_find_that_is_lost_sent_nothing,
                what_is_sent_again_under_its_key_counts_from_when_it_was_lost,
                taking_over_gives_back_every_claim, a_serial_number_is_allotted_once_and_kept,
                no_more_is_claimed_than_asked_and_the_longest_due_first, what_is_due_later_is_claimed_later,
                a_paused_connector_claims_nothing, what_answers_unauthorized_pauses_its_connector,
                a_partial_goes_on_where_it_was, references_are_many_to_many_and_keep_their_lines,
                a_step_knows_how_often_it_was_tried;
            operations: a_replay_keeps_the_key_and_looks_first, a_generation_posts_again_under_its_own_key,
                a_preview_counts_what_a_replay_does, a_replay_leaves_alone_what_a_person_discarded,
                a_replay_of_exceptions_tries_them_again, very_many_orders_are_replayed_as_previewed, a_person_that_was_erased_is_nowhere,
                a_body_goes_with_its_retention, a_restored_database_looks_before_it_sends,
                tokens_are_kept_by_their_hash, what_operators_do_is_written_down,
                everything_open_says_why, counts_are_of_what_is_there, events_are_found_by_what_they_are, what_took_a_later_state_along_is_no_receipt;
            outbox: a_call_settles_as_a_whole_with_its_files_and_numbers,
                what_a_file_carries_is_overdue_only_after_it_was_handed_over,
                a_fenced_settlement_refuses_the_whole_call, a_file_name_is_used_once,
                files_come_with_the_events_they_were_written_for_or_not_at_all,
                a_sequence_never_goes_back, a_restored_database_skips_numbers,
                a_files_content_goes_after_it_was_handed_over, a_request_keeps_its_files_name;
            mappings: a_connectors_own_mapping_comes_before_everybodys,
                every_change_of_a_table_is_a_version_of_it, a_wrong_mapping_refuses_the_whole_list,
                a_list_can_take_the_place_of_what_there_is,
                a_list_takes_the_place_of_what_its_own_unit_has_changed, mappings_are_listed_page_by_page,
                adding_a_value_releases_all_that_waits_for_it, one_list_releases_what_waits_for_very_many_values, thousands_of_mappings_are_stored_at_once;
            registry: a_store_is_found_by_its_id_and_by_its_codes, every_change_of_a_store_is_a_version_of_it,
                two_stores_never_have_one_code, a_whole_file_takes_the_place_of_the_registry,
                adding_a_store_releases_what_waits_for_it,
                a_store_that_came_during_the_call_is_not_waited_for;
            secrets: a_secret_is_written_by_compare_and_set, a_secret_is_listed_and_printed_without_its_text,
                a_version_of_a_secret_is_never_used_again,
                everything_is_read_as_before_under_another_master_key, a_choice_of_plugin_remembers_the_one_before;
            answers: a_document_posts_what_was_received, a_confirmation_releases_what_waits_for_it,
                an_acknowledgement_starts_the_wait_anew,
                what_is_refused_later_is_an_exception_in_the_targets_words,
                only_a_connectors_own_documents_confirm, one_mapping_releases_all_that_waits_for_it,
                a_mapping_that_came_during_the_call_is_not_waited_for;
            echoes: what_comes_back_as_it_was_written_is_not_sent_round_again,
                what_was_written_in_passing_comes_back_too,
                what_was_written_before_is_known_when_it_comes_back_late,
                a_change_back_to_what_was_written_is_news,
                a_change_is_sent_though_an_echo_comes_with_it,
                what_is_personal_is_news_too_and_our_own_note_is_not,
                reported_values_are_recognised_under_another_master_key,
                a_possible_echo_waits_until_the_in_flight_write_is_resolved,
                what_waits_for_a_call_that_is_lost_waits_until_it_is_looked_up,
                a_value_reported_by_a_non_owner_is_recorded_and_not_sent,
                a_conflict_that_comes_with_a_change_is_sent_and_recorded,
                an_echo_takes_nothing_away_from_what_a_person_has_to_decide,
                an_echo_does_not_send_again_what_was_refused, a_full_circle_comes_to_rest;
            sales: two_orders_of_one_natural_key_are_one_sale, a_refund_of_the_same_sale_follows_the_first,
                a_refund_that_both_report_is_one, a_refund_that_went_nowhere_is_no_report_of_it,
                a_sale_that_went_elsewhere_is_not_left_out, waiting_refunds_continue_with_the_order_that_was_reported_first,
                a_refund_that_comes_first_does_not_choose_the_owning_erp,
                a_refund_already_enqueued_for_the_owning_erp_is_sent_once,
                one_erp_owns_the_books_and_others_receive_what_their_routes_say,
                what_came_before_the_closing_and_is_read_after_it_is_not_late,
                an_order_that_is_booked_on_its_own_stays_so, a_late_sale_of_a_closed_day_is_for_a_person,
                a_day_that_is_reported_closed_twice_was_closed_the_first_time,
                an_older_order_goes_to_its_default_erp_and_stays_there, what_has_its_hour_is_claimed_then,
                an_edit_that_waited_is_not_sent_after_the_state_that_contains_it,
                a_late_report_of_a_fast_clock_is_still_the_older_state, a_clock_that_is_ahead_does_not_win;
            early_answers: an_answer_that_comes_before_the_call_is_recorded_counts,
                an_early_answer_to_another_try_does_not_count,
                an_early_acknowledgement_takes_nothing_from_an_early_refusal,
                a_document_that_is_known_answers_no_later_call;
            meanwhile: a_level_dated_by_another_systems_clock_is_sent_behind_the_one_in_flight,
                a_newer_state_is_sent_after_its_sources_clock_was_put_right,
                an_edit_is_sent_after_its_sources_clock_was_put_right,
                an_older_state_of_a_fast_clock_is_not_sent_after_a_newer_one,
                a_refund_being_tried_when_its_order_came_goes_to_the_erp_that_owns_it,
                more_refunds_than_move_at_once_follow_their_order,
                what_waited_still_waits_for_its_hour,
                what_waited_goes_on_when_the_last_state_turns_out_to_be_an_echo,
                a_store_registered_in_the_unit_of_the_call_that_missed_it_is_not_waited_for,
                a_store_registered_right_after_the_call_that_missed_it_releases_it,
                what_does_not_belong_to_the_books_stays_where_it_was_routed,
                an_edit_of_unknown_outcome_goes_with_the_state_that_contains_it,
                very_many_that_await_one_write_are_decided_about_in_parts;
            levels: levels_of_several_sources_are_sent_as_their_sum,
                the_latest_level_of_a_location_wins_whatever_the_others_reported,
                a_claim_in_the_same_unit_as_a_level_sends_it, a_level_that_is_not_summed_is_sent_as_it_is;
            random: any_commands_leave_lanes_in_order;
        );
    };
    (@ $open:expr; $($room:ident: $($rule:ident),+;)+) => {
        $(mod $room {
            use super::*;
            $(
                #[tokio::test(flavor = "current_thread")]
                async fn $rule() {
                    let (store, _outlives) = $open.await;
                    $crate::conformance::$room::$rule(store).await;
                }
            )+
        })+
    };
}
