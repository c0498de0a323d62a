//! The table of statuses, row by row.

use serde_json::json;

use super::*;
use crate::connector::{Failure, Outcome};
use crate::testing;

fn wrote(exchange: testing::Exchange) -> Result<Response, Error> {
    let _host = testing::Host::new().expect(exchange).install();
    Client::new("https://erp.test").post("/orders").json(&json!({})).send()?.ok()
}

fn asked(exchange: testing::Exchange) -> Result<Response, Error> {
    let _host = testing::Host::new().expect(exchange).install();
    Client::new("https://erp.test").get("/orders").send()?.ok()
}

fn post(status: u16) -> testing::Exchange {
    testing::post("/orders").answer(status, json!({}))
}

fn get(status: u16) -> testing::Exchange {
    testing::get("/orders").answer(status, json!({}))
}

#[test]
fn a_status_says_what_was_done() {
    for status in [200, 201, 202, 204] {
        assert_eq!(wrote(post(status)).unwrap().status(), status);
    }
    for status in [301, 400, 405, 413, 415, 422] {
        assert!(matches!(wrote(post(status)), Err(Error::Rejected(_))), "{status}");
    }
    for status in [401, 403] {
        assert!(matches!(wrote(post(status)), Err(Error::Unauthorized(_))), "{status}");
    }
    assert!(matches!(wrote(post(404)), Err(Error::NotFound(_))));
    assert!(matches!(wrote(post(409)), Err(Error::Conflict(_))));
    assert!(matches!(wrote(post(503)), Err(Error::Unavailable(_))));
}

#[test]
fn a_broken_server_leaves_a_write_unknown_and_a_question_unanswered() {
    for status in [500, 502, 504, 520] {
        assert!(matches!(wrote(post(status)), Err(Error::Unknown(_))), "{status}");
        assert!(matches!(asked(get(status)), Err(Error::Unavailable(_))), "{status}");
    }
}

#[test]
fn nothing_sent_is_told_from_no_answer() {
    let Err(Error::Unavailable(problem)) = wrote(testing::post("/orders").refuse_connection()) else {
        panic!()
    };
    assert_eq!(problem.code, "out-of-reach");
    let Err(Error::Unknown(problem)) = wrote(testing::post("/orders").lose_connection()) else { panic!() };
    assert_eq!(problem.code, "connection-lost");
    assert_eq!(problem.message, "POST /orders was sent and not answered: the connection was lost");
    assert!(matches!(asked(testing::get("/orders").lose_connection()), Err(Error::Unavailable(_))));
    assert!(matches!(wrote(testing::post("/orders").not_allowed()), Err(Error::Unauthorized(_))));
}

#[test]
fn a_spent_budget_is_nobodys_credentials() {
    // A connector is paused when it is unauthorized; here the next call simply goes on.
    let Err(Error::Unavailable(problem)) = wrote(testing::post("/orders").over_budget()) else { panic!() };
    assert_eq!(problem.code, "over-budget");
    assert_eq!(problem.message, "POST /orders was not sent: the call has used up its requests");
    assert!(Error::Unavailable(problem.clone()).nothing_was_done());
    assert_eq!(Outcome::from(Error::Unavailable(problem.clone())), Outcome::Unavailable(problem.clone()));
    let asked = asked(testing::get("/orders").over_budget()).unwrap_err();
    assert!(matches!(Failure::from(asked), Failure::Unavailable(problem) if problem.code == "over-budget"));
}

#[test]
fn an_address_without_a_scheme_is_never_sent() {
    let _host = testing::Host::new().install();
    assert!(matches!(Client::new("erp.test").get("/orders").send(), Err(Error::Rejected(_))));
}

#[test]
fn a_search_by_post_is_a_question() {
    let _host = testing::Host::new().expect(testing::post("/search").lose_connection()).install();
    let lost = Client::new("https://erp.test").post("/search").reads().send();
    assert!(matches!(lost, Err(Error::Unavailable(_))));
}

#[test]
fn a_throttle_carries_its_patience() {
    let seconds = post(429).answer_header("Retry-After", "2");
    let Err(Error::Throttled(throttle)) = wrote(seconds) else { panic!() };
    assert_eq!(throttle.after_ms, Some(2000));
    let date = post(429)
        .answer_header("Date", "Mon, 23 Nov 2026 08:30:00 GMT")
        .answer_header("Retry-After", "Mon, 23 Nov 2026 08:30:05 GMT");
    let Err(Error::Throttled(throttle)) = wrote(date) else { panic!() };
    assert_eq!(throttle.after_ms, Some(5000));
    let Err(Error::Throttled(throttle)) = wrote(post(429)) else { panic!() };
    assert_eq!(throttle.after_ms, None);
}

#[test]
fn the_targets_own_words_reach_the_operator() {
    let body = json!({ "code": "Unknown_SKU", "message": "no article TEA", "field": "lines[0].sku" });
    let Err(Error::Rejected(problem)) = wrote(testing::post("/orders").answer(422, body)) else { panic!() };
    assert_eq!(problem, Problem::new("unknown-sku", "no article TEA").at("lines[0].sku"));
    let wrapped = json!({ "error": { "message": "closed period" } });
    let Err(Error::Rejected(problem)) = wrote(testing::post("/orders").answer(400, wrapped)) else {
        panic!()
    };
    assert_eq!(problem, Problem::new("rejected", "closed period"));
    let text = testing::post("/orders").answer_bytes(400, "no such company ".repeat(100));
    let Err(Error::Rejected(problem)) = wrote(text) else { panic!() };
    assert_eq!(problem.message.chars().count(), 400, "bounded");
    let page = testing::post("/orders").answer_bytes(502, "<html>Bad gateway</html>");
    let Err(Error::Unknown(problem)) = wrote(page) else { panic!() };
    assert_eq!(problem.message, "POST /orders was answered with status 502");
}

#[test]
fn an_unreadable_answer_to_a_write_is_unknown() {
    let answer = testing::post("/orders").answer_bytes(200, "<html>");
    assert!(matches!(wrote(answer).unwrap().json::<serde_json::Value>(), Err(Error::Unknown(_))));
    let answer = testing::get("/orders").answer_bytes(200, "<html>");
    assert!(matches!(asked(answer).unwrap().json::<serde_json::Value>(), Err(Error::Unavailable(_))));
}

#[test]
fn errors_become_outcomes_and_failures() {
    let problem = || Problem::new("x", "y");
    assert_eq!(Outcome::from(Error::NotFound(problem())), Outcome::Rejected(problem()));
    assert_eq!(Outcome::from(Error::Unknown(problem())), Outcome::Unknown(problem()));
    assert_eq!(Failure::from(Error::Unknown(problem())), Failure::Unavailable(problem()));
}

#[test]
fn addresses_are_escaped() {
    let client = Client::new("https://erp.test/api/");
    let request = client.get(["orders", "SO/1 ä"]).query("reference", "shopify/a&b=c").query("n", "1");
    assert_eq!(request.url, "https://erp.test/api/orders/SO%2F1%20%C3%A4?reference=shopify%2Fa%26b%3Dc&n=1");
}
