//! The operator's tables: mappings and stores by file, command line and API; secrets in the database; and the storage
//! key, changed while the host runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use crossdock_demo::erp::{Erp, Options, Weather};
use crossdock_demo::shop::life::{Life, Plant, Profile};
use crossdock_tests::{API_TOKEN, ERP_TOKEN, Host, SHOP, binary, eventually};
use hyper::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

#[tokio::test]
async fn mappings_are_kept_by_file_command_line_and_api() -> Result<()> {
    let mut host = Host::with_connectors("[registry]\nmappings = \"mappings.csv\"")?;
    let file = host.dir().join("mappings.csv");
    std::fs::write(&file, "connector,table,value,target\nerp,tax,US,01\n*,carrier,DHL,dhl\n")?;
    host.start().await?;
    host.cli(&["mapping", "set", "erp", "tax", "CA", "02"]).await?;
    let exported = host.cli(&["mapping", "export"]).await?;
    ensure!(exported == "connector,table,value,target\n*,carrier,DHL,dhl\nerp,tax,CA,02\nerp,tax,US,01\n");

    // An import removes the rows that the file added earlier, and no others.
    std::fs::write(&file, "connector,table,value,target\nerp,tax,US,03\n")?;
    ensure!(host.stop().await?.success());
    host.start().await?;
    let listed = host.cli_json(&["mapping", "list"]).await?;
    let listed: Vec<_> = listed["mappings"].as_array().context("mappings")?.iter().collect();
    let rows: Vec<_> = listed.iter().map(|row| (&row["value"], &row["target"], &row["changedBy"])).collect();
    ensure!(
        rows == [
            (&json!("CA"), &json!("02"), &json!("first")),
            (&json!("US"), &json!("03"), &json!("config"))
        ],
        "{rows:?}"
    );
    let history = host.cli_json(&["mapping", "history", "--connector", "erp", "--table", "tax"]).await?;
    let versions: Vec<_> =
        history["changes"].as_array().context("changes")?.iter().map(|row| row["version"].clone()).collect();
    ensure!(versions == [3, 2, 1], "{history}");

    // An invalid line refuses the whole list; the error names the line.
    let wrong = host.dir().join("wrong.csv");
    std::fs::write(&wrong, "connector,table,value,target\nerp,tax,DE,04\nerp,tax,FR,\n")?;
    let refused = host.cli(&["mapping", "import", &wrong.display().to_string()]).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("line 3 has no target")));
    let twice = json!([{ "connector": "erp", "table": "a/b", "value": "v", "target": "t" }]);
    let (status, said) = host.post("/api/v1/mappings", &json!({ "changes": twice })).await?;
    ensure!(status == StatusCode::UNPROCESSABLE_ENTITY && said["code"] == "invalid", "{status} {said}");
    ensure!(host.cli(&["mapping", "remove", "erp", "tax", "DE"]).await.is_err());
    host.cli(&["mapping", "remove", "erp", "tax", "CA"]).await?;
    ensure!(host.cli(&["mapping", "export"]).await? == "connector,table,value,target\nerp,tax,US,03\n");
    ensure!(host.cli(&["mapping", "missing"]).await?.contains("No mapping is missing"));

    // A long listing is read page by page.
    let many: String = (0..2500).map(|n| format!("erp,sku,{n:05},item {n}\n")).collect();
    let file = host.dir().join("many.csv");
    std::fs::write(&file, format!("connector,table,value,target\n{many}"))?;
    let done = host.cli_json(&["mapping", "import", &file.display().to_string(), "--replace"]).await?;
    ensure!(done["changed"] == 2500 && done["removed"] == 0, "{done}");
    let all = host.cli(&["mapping", "export", "--table", "sku"]).await?;
    ensure!(all == format!("connector,table,value,target\n{many}"), "the export is not what was imported");
    Ok(())
}

#[tokio::test]
async fn the_store_registry_is_kept_by_file_command_line_and_api() -> Result<()> {
    let mut host = Host::with_connectors("[registry]\nstores = \"stores.toml\"")?;
    let text =
        "[[store]]\nid = \"S1\"\nname = \"One\"\nzone = \"Europe/Berlin\"\ncodes = { shopify = \"655\" }\n";
    std::fs::write(host.dir().join("stores.toml"), text)?;
    host.start().await?;
    let found = host.cli_json(&["store", "show", "655", "--system", "shopify"]).await?;
    ensure!(found["id"] == "S1" && found["version"] == 1 && found["changedBy"] == "config", "{found}");

    let second =
        json!({ "id": "S2", "name": "Two", "zone": "America/New_York", "codes": { "shopify": "655" } });
    let (status, said) = host.post("/api/v1/stores", &json!({ "stores": [second] })).await?;
    ensure!(status == StatusCode::CONFLICT && said["code"] == "taken", "{status} {said}");
    let wrong = json!({ "id": "S2", "name": "Two", "zone": "Mars/Olympus" });
    let (status, said) = host.post("/api/v1/stores", &json!({ "stores": [wrong] })).await?;
    ensure!(status == StatusCode::UNPROCESSABLE_ENTITY && said["code"] == "invalid", "{status} {said}");

    // Out as CSV, another store added, and back in.
    let csv = host.dir().join("stores.csv");
    host.cli(&["store", "export", &csv.display().to_string()]).await?;
    let text = std::fs::read_to_string(&csv)?;
    ensure!(text.ends_with("S1,One,Europe/Berlin,,,,,,655\n"), "{text}");
    std::fs::write(&csv, format!("{text}S2,Two,America/New_York,US,,,WH,USD,656\n"))?;
    let done = host.cli_json(&["store", "import", &csv.display().to_string(), "--replace"]).await?;
    ensure!((done["changed"].clone(), done["unchanged"].clone()) == (json!(1), json!(1)), "{done}");
    host.cli(&["store", "remove", "S1"]).await?;
    let listed = host.cli_json(&["store", "list"]).await?;
    ensure!(listed["stores"].as_array().is_some_and(|all| all.len() == 1), "{listed}");
    ensure!(listed["stores"][0]["warehouse"] == "WH", "{listed}");
    let history = host.cli_json(&["store", "show", "S1", "--history"]).await?;
    ensure!(
        history["versions"][0].get("store").is_none() && history["versions"][1]["store"]["name"] == "One"
    );
    Ok(())
}

/// Runs `crossdock secret set` with this on its standard input.
async fn set_secret(host: &Host, name: &str, value: &str) -> Result<()> {
    let mut child = Command::new(binary()?)
        .args(["secret", "set", name])
        .env("CROSSDOCK_URL", host.url())
        .env("CROSSDOCK_TOKEN", API_TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("stdin")?;
    stdin.write_all(format!("{value}\n").as_bytes()).await?;
    drop(stdin);
    ensure!(child.wait().await?.success(), "the secret was not put");
    Ok(())
}

/// Sends an order's first webhook, and waits until the ERP has it.
async fn order(host: &Host, erp: &Erp, serial: u32) -> Result<()> {
    let before = erp.order_count();
    let life = Life::new(SHOP, 1, 900_000_000 + serial, Plant::Good, Profile::Plain);
    let body = life.facts.first().context("an order has a first webhook")?.body.to_vec();
    let (status, said) = host.webhook("orders/create", &format!("w{serial}"), &body).await?;
    ensure!(status.is_success(), "{status} {said}");
    eventually(Duration::from_secs(20), async || {
        ensure!(erp.order_count() == before + 1, "the order is not there");
        Ok(())
    })
    .await
    .with_context(|| format!("order {serial}: {}", host.log()))
}

/// Whether the text is anywhere in the folder's files.
fn on_disk(folder: &Path, text: &str) -> Result<bool> {
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.is_file() && std::fs::read(path)?.windows(text.len()).any(|part| part == text.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn a_connectors_secret_rests_in_the_database_under_a_key_that_can_be_changed() -> Result<()> {
    let erp = Erp::start(Options { weather: Weather::calm(), ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    let config = host.dir().join("crossdock.toml");
    let text = std::fs::read_to_string(&config)?;
    let stored = text.replace("env:TEST_ERP_TOKEN", "stored:erp/token");
    ensure!(stored != text);
    std::fs::write(&config, &stored)?;
    host.start().await?;
    set_secret(&host, "erp/token", ERP_TOKEN).await?;
    // A connector checks its secrets for changes every few seconds.
    tokio::time::sleep(Duration::from_secs(4)).await;
    order(&host, &erp, 1).await?;
    let listed = host.cli(&["secret", "list", "--json"]).await?;
    ensure!(listed.contains("erp/token") && !listed.contains(ERP_TOKEN), "{listed}");
    ensure!(!on_disk(host.dir(), ERP_TOKEN)?, "the secret lies open on the disk");
    let put = json!({ "value": "lost", "expected": 7 });
    let (status, said) = host.ask(hyper::Method::PUT, "/api/v1/secrets/erp%2Ftoken", API_TOKEN, &put).await?;
    ensure!(status == StatusCode::CONFLICT && said["code"] == "changed", "{status} {said}");
    let (status, said) = host.post("/api/v1/storage/rekey", &json!({ "to": "command:echo 1" })).await?;
    ensure!(status == StatusCode::UNPROCESSABLE_ENTITY && said["code"] == "invalid", "{status} {said}");

    // The key is changed while the host runs; it keeps working, and later starts with the new key only.
    let key = host.dir().join("new.key").display().to_string();
    host.cli(&["secret", "rekey", "--to", &format!("file:{key}")]).await?;
    order(&host, &erp, 2).await?;
    ensure!(host.stop().await?.success());
    let Err(refused) = host.start().await else { bail!("it started with the old key") };
    ensure!(refused.to_string().contains("master key"), "{refused}");
    let storage = |key: &str| stored.replace("[storage]", &format!("[storage]\nkey = \"{key}\""));
    std::fs::write(&config, storage(&format!("command:cat '{key}'")))?;
    host.start().await?;
    order(&host, &erp, 3).await?;

    // The same with the database of a host that is not running.
    ensure!(host.stop().await?.success());
    let path = config.display().to_string();
    let printed = format!("command:printf '{}'", "0a".repeat(32));
    let done = host.cli_json(&["secret", "rekey", "--to", &printed, "--config", &path]).await?;
    ensure!(done["rekeyed"] == true, "{done}");
    std::fs::write(&config, storage(&printed))?;
    host.start().await?;
    order(&host, &erp, 4).await?;
    host.cli(&["secret", "remove", "erp/token"]).await?;
    ensure!(host.cli(&["secret", "list"]).await?.contains("no secrets"));
    Ok(())
}
