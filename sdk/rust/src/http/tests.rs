//! The mapping of responses to errors, row by row of the table in the module's documentation.

use serde_json::json;

use super::*;
use crate::connector::{Failure, Outcome, Problem};
use crate::testing;

fn write(expected: testing::ExpectedRequest) -> Result<Response, Error> {
    let _host = testing::Host::new().expect(expected).install();
    Client::new("https://erp.test").post("/orders").json(&json!({})).send()?.ok()
}

fn read(expected: testing::ExpectedRequest) -> Result<Response, Error> {
    let _host = testing::Host::new().expect(expected).install();
    Client::new("https://erp.test").get("/orders").send()?.ok()
}

fn post(status: u16) -> testing::ExpectedRequest {
    testing::post("/orders").respond(status, json!({}))
}

fn get(status: u16) -> testing::ExpectedRequest {
    testing::get("/orders").respond(status, json!({}))
}

#[test]
fn a_status_maps_to_an_error() {
    for status in [200, 201, 202, 204] {
        assert_eq!(write(post(status)).unwrap().status(), status);
    }
    for status in [301, 400, 405, 413, 415, 422] {
        assert!(matches!(write(post(status)), Err(Error::Rejected(_))), "{status}");
    }
    for status in [401, 403] {
        assert!(matches!(write(post(status)), Err(Error::Unauthorized(_))), "{status}");
    }
    assert!(matches!(write(post(404)), Err(Error::NotFound(_))));
    assert!(matches!(write(post(409)), Err(Error::Conflict(_))));
    assert!(matches!(write(post(503)), Err(Error::Unavailable(_))));
}

#[test]
fn after_a_server_error_a_write_is_unknown_and_a_read_unavailable() {
    for status in [500, 502, 504, 520] {
        assert!(matches!(write(post(status)), Err(Error::Unknown(_))), "{status}");
        assert!(matches!(read(get(status)), Err(Error::Unavailable(_))), "{status}");
    }
}

#[test]
fn a_refused_connection_and_a_lost_connection_are_different_errors() {
    let Err(Error::Unavailable(problem)) = write(testing::post("/orders").refuse_connection()) else {
        panic!()
    };
    assert_eq!(problem.code, "out-of-reach");
    let Err(Error::Unknown(problem)) = write(testing::post("/orders").lose_connection()) else { panic!() };
    assert_eq!(problem.code, "connection-lost");
    assert_eq!(problem.message, "POST /orders was sent but not answered: the connection was lost");
    assert!(matches!(read(testing::get("/orders").lose_connection()), Err(Error::Unavailable(_))));
    assert!(matches!(write(testing::post("/orders").not_allowed()), Err(Error::Unauthorized(_))));
}

#[test]
fn an_exhausted_budget_is_unavailable_and_not_unauthorized() {
    // An unauthorized connector is paused; after an exhausted budget the next call proceeds.
    let Err(Error::Unavailable(problem)) = write(testing::post("/orders").over_budget()) else { panic!() };
    assert_eq!(problem.code, "over-budget");
    assert_eq!(problem.message, "POST /orders was not sent: the call has used up its budget of requests");
    assert!(Error::Unavailable(problem.clone()).had_no_effect());
    assert_eq!(Outcome::from(Error::Unavailable(problem.clone())), Outcome::Unavailable(problem.clone()));
    let error = read(testing::get("/orders").over_budget()).unwrap_err();
    assert!(matches!(Failure::from(error), Failure::Unavailable(problem) if problem.code == "over-budget"));
}

#[test]
fn a_request_without_a_scheme_is_not_sent() {
    let _host = testing::Host::new().install();
    assert!(matches!(Client::new("erp.test").get("/orders").send(), Err(Error::Rejected(_))));
}

#[test]
fn a_read_only_post_is_a_read() {
    let _host = testing::Host::new().expect(testing::post("/search").lose_connection()).install();
    let lost = Client::new("https://erp.test").post("/search").read_only().send();
    assert!(matches!(lost, Err(Error::Unavailable(_))));
}

#[test]
fn a_throttle_carries_its_retry_after() {
    let seconds = post(429).response_header("Retry-After", "2");
    let Err(Error::Throttled(throttle)) = write(seconds) else { panic!() };
    assert_eq!(throttle.after_ms, Some(2000));
    let date = post(429)
        .response_header("Date", "Mon, 23 Nov 2026 08:30:00 GMT")
        .response_header("Retry-After", "Mon, 23 Nov 2026 08:30:05 GMT");
    let Err(Error::Throttled(throttle)) = write(date) else { panic!() };
    assert_eq!(throttle.after_ms, Some(5000));
    let Err(Error::Throttled(throttle)) = write(post(429)) else { panic!() };
    assert_eq!(throttle.after_ms, None);
}

#[test]
fn a_problem_takes_code_message_and_field_from_the_body() {
    let body = json!({ "code": "Unknown_SKU", "message": "no article TEA", "field": "lines[0].sku" });
    let Err(Error::Rejected(problem)) = write(testing::post("/orders").respond(422, body)) else { panic!() };
    assert_eq!(problem, Problem::new("unknown-sku", "no article TEA").at("lines[0].sku"));
    let wrapped = json!({ "error": { "message": "closed period" } });
    let Err(Error::Rejected(problem)) = write(testing::post("/orders").respond(400, wrapped)) else {
        panic!()
    };
    assert_eq!(problem, Problem::new("rejected", "closed period"));
    let text = testing::post("/orders").respond_bytes(400, "no such company ".repeat(100));
    let Err(Error::Rejected(problem)) = write(text) else { panic!() };
    assert_eq!(problem.message.chars().count(), 400, "truncated");
    let page = testing::post("/orders").respond_bytes(502, "<html>Bad gateway</html>");
    let Err(Error::Unknown(problem)) = write(page) else { panic!() };
    assert_eq!(problem.message, "the response to POST /orders has status 502");
}

#[test]
fn an_unreadable_response_to_a_write_is_unknown() {
    let response = testing::post("/orders").respond_bytes(200, "<html>");
    assert!(matches!(write(response).unwrap().json::<serde_json::Value>(), Err(Error::Unknown(_))));
    let response = testing::get("/orders").respond_bytes(200, "<html>");
    assert!(matches!(read(response).unwrap().json::<serde_json::Value>(), Err(Error::Unavailable(_))));
}

#[test]
fn errors_become_outcomes_and_failures() {
    let problem = || Problem::new("x", "y");
    assert_eq!(Outcome::from(Error::NotFound(problem())), Outcome::Rejected(problem()));
    assert_eq!(Outcome::from(Error::Unknown(problem())), Outcome::Unknown(problem()));
    assert_eq!(Failure::from(Error::Unknown(problem())), Failure::Unavailable(problem()));
}

#[test]
fn paths_and_queries_are_escaped() {
    let client = Client::new("https://erp.test/api/");
    let request = client.get(["orders", "SO/1 ä"]).query("reference", "shopify/a&b=c").query("n", "1");
    assert_eq!(
        request.raw.url,
        "https://erp.test/api/orders/SO%2F1%20%C3%A4?reference=shopify%2Fa%26b%3Dc&n=1"
    );
}
