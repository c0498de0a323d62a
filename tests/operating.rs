//! Operating a host by API and command line: what it shows, which operations it carries out, and what it refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossdock_demo::erp::{Erp, Options, Weather};
use crossdock_demo::shop::life::{Life, Plant, Profile};
use crossdock_demo::stall::until;
use crossdock_tests::{API_TOKEN, ERP_TOKEN, Host, SHOP};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

/// A wait is given up when the host's answer has been the same for this long; on a slow machine later.
const MIN_STALL: Duration = Duration::from_secs(90);

async fn scene() -> Result<(Erp, Host)> {
    let erp = Erp::start(Options { weather: Weather::calm(), ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    Ok((erp, host))
}

/// The first webhook of an order: its bytes and its identity.
fn order(serial: u32, plant: Plant) -> Result<(Vec<u8>, String)> {
    let life = Life::new(SHOP, 1, 900_000_000 + serial, plant, Profile::Plain);
    let body = life.facts.first().context("an order has a first webhook")?.body.to_vec();
    Ok((body, life.reference))
}

/// Waits until the order is settled; gives its event.
async fn settled(host: &Host, entity: &str) -> Result<Value> {
    until(MIN_STALL, async || {
        let entity = entity.replace('/', "%2F");
        let (_, listed) = host.get(&format!("/api/v1/events?entity={entity}")).await?;
        let event = listed["events"].get(0).cloned().context("no event yet")?;
        let all = event["deliveries"].as_array().context("deliveries")?;
        ensure!(!all.is_empty() && all.iter().all(|d| d["state"] == "settled"), "not settled: {event}");
        Ok(event)
    })
    .await
}

async fn exception(host: &Host) -> Result<Value> {
    until(MIN_STALL, async || {
        let (_, listed) = host.get("/api/v1/exceptions").await?;
        listed["exceptions"].get(0).cloned().context("no exception yet")
    })
    .await
}

#[tokio::test]
async fn intake_refuses_bad_requests_with_the_reason() -> Result<()> {
    let (erp, host) = scene().await?;
    let (body, _) = order(1, Plant::Good)?;

    let headers = [("x-shopify-hmac-sha256", "bm90IHRoaXM="), ("x-shopify-topic", "orders/create")];
    let (status, headers, said) = host.request("POST", "/in/shopify", &headers, &body).await?;
    ensure!(status == StatusCode::UNAUTHORIZED, "{status}");
    ensure!(headers.contains(&("content-type".into(), "application/problem+json".into())), "{headers:?}");
    ensure!(serde_json::from_slice::<Value>(&said)?["code"] == "not-authentic");

    let (status, _, said) = host.request("POST", "/in/nobody", &[], &body).await?;
    ensure!(
        status == StatusCode::NOT_FOUND && serde_json::from_slice::<Value>(&said)?["code"] == "not-found"
    );
    // The ERP's connector receives no webhooks.
    let (status, _, _) = host.request("POST", "/in/erp", &[], &body).await?;
    ensure!(status == StatusCode::NOT_FOUND);

    let large = vec![b' '; 1_100_000];
    let (status, said) = host.webhook("orders/create", "large", &large).await?;
    ensure!(status == StatusCode::PAYLOAD_TOO_LARGE && said["code"] == "too-large", "{status} {said}");
    ensure!(erp.order_count() == 0);
    Ok(())
}

#[tokio::test]
async fn an_order_goes_through_and_can_be_followed() -> Result<()> {
    let (erp, host) = scene().await?;
    let (body, reference) = order(2, Plant::Good)?;
    let (status, answer) = host.webhook("orders/create", "w1", &body).await?;
    ensure!(status.is_success() && answer["duplicate"] == false, "{status} {answer}");
    let event = settled(&host, &reference).await?;
    ensure!(event["deliverySummary"] == "erp posted", "{event}");
    ensure!(erp.order_count() == 1);

    let (status, again) = host.webhook("orders/create", "w1", &body).await?;
    ensure!(status.is_success() && again["duplicate"] == true, "{again}");

    let shown = host.cli_json(&["events", "show", &event["id"].to_string()]).await?;
    ensure!(shown["key"].as_str().is_some_and(|key| key == format!("{reference}/placed")), "{shown}");
    ensure!(shown["attempts"].as_array().is_some_and(|tries| tries.len() == 1), "{shown}");
    ensure!(
        shown["references"][0]["reference"]["id"].as_str().is_some_and(|id| id.starts_with("SO-")),
        "{shown}"
    );
    // Personal data is stored apart from the event.
    ensure!(!shown["event"].to_string().contains('@'), "{shown}");

    let table = host.cli(&["events", "list"]).await?;
    ensure!(table.contains("order.placed") && table.contains("erp posted"), "{table}");
    let (_, metrics) = host.plain("/metrics").await?;
    ensure!(metrics.contains("crossdock_attempts_total"), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn a_replay_is_counted_first_and_books_nothing_twice() -> Result<()> {
    let (erp, host) = scene().await?;
    let (body, reference) = order(3, Plant::Good)?;
    host.webhook("orders/create", "w1", &body).await?;
    let event = settled(&host, &reference).await?["id"].to_string();

    let counted = host.cli_json(&["events", "replay", &event]).await?;
    ensure!(counted["deliveries"] == 1, "{counted}");
    let listed = host.cli(&["events", "replay", "--kind", "order.placed"]).await?;
    ensure!(listed.contains("1 deliveries would be sent again"), "{listed}");
    let narrow = host.cli_json(&["events", "replay", &event, "--connector", "nobody"]).await?;
    ensure!(narrow["deliveries"] == 0, "{narrow}");
    let stuck =
        host.cli_json(&["events", "replay", "--kind", "order.placed", "--state", "exception"]).await?;
    ensure!(stuck["deliveries"] == 0, "{stuck}");
    let refused = host.cli(&["events", "replay", "--yes"]).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("Name what to send again")));

    host.cli(&["events", "replay", &event, "--yes"]).await?;
    until(MIN_STALL, async || {
        let (_, shown) = host.get(&format!("/api/v1/events/{event}")).await?;
        let tries = shown["attempts"].as_array().map_or(0, Vec::len);
        ensure!(tries >= 2 && shown["deliveries"][0]["state"] == "settled", "{shown}");
        Ok(())
    })
    .await?;
    ensure!(erp.order_count() == 1, "a replay booked the order twice");
    Ok(())
}

#[tokio::test]
async fn an_exception_is_decided_by_a_person() -> Result<()> {
    let (erp, host) = scene().await?;
    let (body, reference) = order(4, Plant::UnknownSku)?;
    host.webhook("orders/create", "w1", &body).await?;
    let exception = exception(&host).await?;
    ensure!(exception["code"] == "unknown-sku" && exception["entity"] == reference, "{exception}");
    ensure!(exception["field"].as_str().is_some_and(|field| field.contains("sku")), "{exception}");
    let number = exception["delivery"].to_string();

    let table = host.cli(&["exceptions", "list"]).await?;
    ensure!(table.contains("unknown-sku"), "{table}");
    let shown = host.cli_json(&["exceptions", "show", &number]).await?;
    ensure!(shown["attemptsMade"].as_array().is_some_and(|tries| !tries.is_empty()), "{shown}");

    // Tried again, it fails again: nothing was repaired.
    host.cli(&["exceptions", "retry", &number]).await?;
    until(MIN_STALL, async || {
        let (_, shown) = host.get(&format!("/api/v1/exceptions/{number}")).await?;
        let tries = shown["attemptsMade"].as_array().map_or(0, Vec::len);
        ensure!(tries >= 2 && shown["state"] == "exception", "{shown}");
        Ok(())
    })
    .await?;
    host.cli(&["exceptions", "discard", &number, "--reason", "sold by mistake"]).await?;
    let listed = host.cli(&["exceptions", "list"]).await?;
    ensure!(listed.contains("No exceptions"), "{listed}");
    ensure!(erp.order_count() == 0);
    Ok(())
}

#[tokio::test]
async fn an_unreadable_request_is_quarantined_with_its_reason_and_can_be_reread() -> Result<()> {
    let (_erp, host) = scene().await?;
    let (unbalanced, _) = order(5, Plant::Unbalanced)?;
    host.webhook("orders/create", "w1", &unbalanced).await?;
    host.webhook("orders/create", "w2", b"{\"id\": 1, ").await?;
    let listed = until(MIN_STALL, async || {
        let (_, listed) = host.get("/api/v1/quarantine").await?;
        ensure!(listed["requests"].as_array().is_some_and(|all| all.len() == 2), "{listed}");
        Ok(listed)
    })
    .await?;
    let reasons = listed.to_string();
    ensure!(reasons.contains("balance") || reasons.contains("total"), "{reasons}");
    // The listing page by page, and one request as it arrived.
    let page = host.cli_json(&["quarantine", "list", "--limit", "1"]).await?;
    let after = page["next"].to_string();
    let rest = host.cli_json(&["quarantine", "list", "--after", &after]).await?;
    ensure!(rest["requests"].as_array().is_some_and(|all| all.len() == 1), "{rest}");
    for request in listed["requests"].as_array().context("requests")? {
        let shown = host.cli_json(&["quarantine", "show", &request["id"].to_string()]).await?;
        ensure!(shown["code"] == request["code"] && shown["headers"].to_string().contains("orders/create"));
        let body = shown["body"].as_str().context("a body")?.as_bytes();
        ensure!([&unbalanced[..], b"{\"id\": 1, "].contains(&body), "{shown}");
    }
    let unknown = host.cli(&["quarantine", "show", "99"]).await;
    ensure!(unknown.is_err_and(|error| error.to_string().contains("no request 99 in quarantine")));
    let again = host.cli_json(&["quarantine", "reread", "--connector", "shopify"]).await?;
    ensure!(again["requests"] == 2, "{again}");
    until(MIN_STALL, async || {
        let (_, listed) = host.get("/api/v1/quarantine").await?;
        ensure!(listed["requests"].as_array().is_some_and(|all| all.len() == 2), "{listed}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn deliveries_to_a_paused_connector_wait_until_it_is_resumed() -> Result<()> {
    let (erp, host) = scene().await?;
    host.cli(&["connector", "pause", "erp", "--reason", "stock-taking"]).await?;
    let (body, reference) = order(6, Plant::Good)?;
    host.webhook("orders/create", "w1", &body).await?;
    until(MIN_STALL, async || {
        let (_, connectors) = host.get("/api/v1/connectors").await?;
        let erp = connectors["connectors"].as_array().and_then(|all| all.iter().find(|c| c["name"] == "erp"));
        let erp = erp.context("the connector")?;
        ensure!(erp["state"] == "paused" && erp["reason"] == "stock-taking" && erp["ready"] == 1, "{erp}");
        Ok(())
    })
    .await?;
    ensure!(erp.order_count() == 0);
    let stuck = host.cli(&["connector", "stuck", "erp"]).await?;
    ensure!(stuck.contains("stock-taking") && stuck.contains(&reference), "{stuck}");
    let table = host.cli(&["connector", "list"]).await?;
    ensure!(table.contains("erp-rest@0.1.0 (0)"), "{table}");
    let unknown = host.cli(&["connector", "pause", "nobody"]).await;
    ensure!(unknown.is_err_and(|error| error.to_string().contains("there is no connector `nobody`")));
    host.cli(&["connector", "resume", "erp"]).await?;
    settled(&host, &reference).await?;
    ensure!(erp.order_count() == 1);
    Ok(())
}

#[tokio::test]
async fn the_api_wants_a_token_and_tokens_can_be_made_and_revoked() -> Result<()> {
    let (_erp, host) = scene().await?;
    let (status, problem) = host.ask(Method::GET, "/api/v1/connectors", "cdk_wrong", &Value::Null).await?;
    ensure!(status == StatusCode::UNAUTHORIZED && problem["code"] == "token-required", "{problem}");
    let made = host.cli_json(&["token", "create", "reporting"]).await?;
    let token = made["token"].as_str().context("a token")?;
    let (status, _) = host.ask(Method::GET, "/api/v1/connectors", token, &Value::Null).await?;
    ensure!(status.is_success());
    // The token itself is nowhere in the database.
    for file in std::fs::read_dir(host.dir())? {
        let file = file?.path();
        if file.is_dir() {
            continue;
        }
        let bytes = std::fs::read(file)?;
        ensure!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
    host.cli(&["token", "revoke", "reporting"]).await?;
    let audit = host.cli_json(&["audit", "list", "--limit", "2"]).await?;
    let acts = audit["acts"].as_array().context("acts")?;
    ensure!(acts.len() == 2 && acts[0]["subject"] == "reporting" && acts[0]["by"] == "first", "{audit}");
    ensure!(audit["next"] == acts[1]["id"], "{audit}");
    let (status, _) = host.ask(Method::GET, "/api/v1/connectors", token, &Value::Null).await?;
    ensure!(status == StatusCode::UNAUTHORIZED);

    let (status, description) = host.plain("/api/v1/openapi.json").await?;
    ensure!(status.is_success() && description.contains("\"/api/v1/exceptions/{delivery}/retry\""));
    let (status, problem) = host.get("/api/v1/nothing").await?;
    ensure!(status == StatusCode::NOT_FOUND && problem["code"] == "not-found", "{problem}");
    let (status, problem) = host.get("/api/v1/exceptions/abc").await?;
    ensure!(status == StatusCode::BAD_REQUEST && problem["code"] == "bad-request", "{problem}");
    let (status, problem) = host.ask(Method::DELETE, "/api/v1/connectors", API_TOKEN, &Value::Null).await?;
    ensure!(status == StatusCode::METHOD_NOT_ALLOWED && problem["code"] == "wrong-method", "{problem}");
    let (status, problem) = host.get("/api/v1/connectors/nobody/stuck").await?;
    ensure!(status == StatusCode::NOT_FOUND && problem["code"] == "not-found", "{problem}");
    let (status, problem) = host.post("/api/v1/exceptions/retry", &json!({ "cod": "x" })).await?;
    ensure!(status == StatusCode::BAD_REQUEST && problem["code"] == "bad-request", "{problem}");
    Ok(())
}

#[tokio::test]
async fn a_person_is_erased_and_the_event_stays() -> Result<()> {
    let (_erp, host) = scene().await?;
    let (body, reference) = order(7, Plant::Good)?;
    host.webhook("orders/create", "w1", &body).await?;
    let event = settled(&host, &reference).await?["id"].to_string();
    let (_, shown) = host.get(&format!("/api/v1/events/{event}")).await?;
    let subject = shown["subject"].as_str().context("an order of a person")?.to_owned();
    ensure!(shown["erased"] == false, "{shown}");
    ensure!(host.cli(&["person", "erase", &subject]).await.is_err(), "erasing wants --yes");
    host.cli(&["person", "erase", &subject, "--yes"]).await?;
    let (_, shown) = host.get(&format!("/api/v1/events/{event}")).await?;
    ensure!(shown["erased"] == true && shown["event"]["fact"]["value"]["operation"] == "placed", "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_stopping_host_lets_calls_end_and_does_not_repeat_them() -> Result<()> {
    // Long enough to be seen in flight on a slow machine.
    let slow = Duration::from_secs(2);
    let weather = Weather { latency: (slow, slow), ..Weather::calm() };
    let erp = Erp::start(Options { weather, ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    let (body, reference) = order(8, Plant::Good)?;
    host.webhook("orders/create", "w1", &body).await?;
    until(MIN_STALL, async || {
        ensure!(erp.open_requests() > 0, "nothing is in flight yet");
        Ok(())
    })
    .await?;
    let status = host.stop().await?;
    ensure!(status.success(), "{status}: {}", host.log());
    ensure!(erp.order_count() == 1, "the call in flight was cut off");
    host.start().await?;
    let event = settled(&host, &reference).await?;
    let (_, shown) = host.get(&format!("/api/v1/events/{}", event["id"])).await?;
    ensure!(
        shown["attempts"].as_array().is_some_and(|tries| tries.len() == 1),
        "it was tried again: {shown}"
    );
    Ok(())
}

/// A change whose answer was lost is looked up by the ERP's current document, and not sent again.
#[tokio::test]
async fn an_unanswered_change_is_found_and_not_sent_again() -> Result<()> {
    let weather = Weather { drop_after_commit: 1.0, ..Weather::calm() };
    let erp = Erp::start(Options { weather, ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    let (body, reference) = order(11, Plant::Good)?;
    host.webhook("orders/create", "w1", &body).await?;
    settled(&host, &reference).await?;
    let mut changed: Value = serde_json::from_slice(&body)?;
    let at = changed["updated_at"].as_str().context("a version")?.parse::<jiff::Timestamp>()?;
    changed["updated_at"] = (at + Duration::from_secs(60)).to_string().into();
    changed["tags"] = "gift".into();
    host.webhook("orders/updated", "w2", &serde_json::to_vec(&changed)?).await?;
    until(MIN_STALL, async || {
        let event = settled(&host, &reference).await?;
        ensure!(event["kind"] == "order.updated", "{event}");
        let (_, shown) = host.get(&format!("/api/v1/events/{}", event["id"])).await?;
        let outcomes: Vec<_> = shown["attempts"].as_array().context("tries")?.iter().collect();
        let outcomes: Vec<_> = outcomes.iter().map(|one| one["outcome"].as_str().unwrap_or("")).collect();
        ensure!(outcomes == ["unknown", "present"], "{outcomes:?}");
        Ok(())
    })
    .await?;
    let held = erp.held();
    ensure!(held.orders.len() == 1 && held.orders[0].versions.len() == 2, "{:?}", held.orders[0].versions);
    Ok(())
}

#[tokio::test]
async fn a_configuration_is_checked_while_the_host_runs() -> Result<()> {
    let (_erp, host) = scene().await?;
    let path = host.dir().join("crossdock.toml");
    let config = path.to_str().context("a path")?;
    let said = host.cli(&["serve", "--config", config, "--check"]).await?;
    ensure!(said.contains("is sound: 2 connectors, 1 routes"), "{said}");
    let text = std::fs::read_to_string(&path)?;
    let wrong = [
        (text.replace("event.kind.startsWith", "event.kind."), "its condition cannot be read"),
        (text.replace("shop = ", "shpo = "), "settings are wrong"),
        (text.replace("env:TEST_ERP_TOKEN", "hunter2"), "never in plain text"),
        (text.replace("plugin = \"erp-rest\"", "plugin = \"erp-rest@7\""), "`erp-rest@7` was asked for"),
    ];
    let other = host.dir().join("wrong.toml");
    for (text, sentence) in wrong {
        std::fs::write(&other, text)?;
        let said = host.cli(&["serve", "--config", other.to_str().context("a path")?, "--check"]).await;
        let said = format!("{:#}", said.err().context("a wrong configuration was called sound")?);
        ensure!(said.contains(sentence) && !said.contains("hunter2"), "{said}");
    }
    Ok(())
}
