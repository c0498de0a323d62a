//! A connector is swapped to another version of its plugin while orders flow: nothing is lost or doubled, a version
//! that cannot take over is refused, and the choice survives a restart.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossdock_demo::client::Client;
use crossdock_demo::erp::{Erp, Options, Weather};
use crossdock_demo::shop::{self, Shop, plan::Shares};
use crossdock_demo::stall;
use crossdock_demo::verify::verify;
use crossdock_tests::{API_TOKEN, ERP_TOKEN, Host, SECRET, binary, plugins};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

const ORDERS: usize = 150;

/// A wait is given up when nothing has advanced for this long: on a slow machine everything takes longer, but nothing
/// stands still.
const MIN_STALL: Duration = Duration::from_secs(90);

/// How long a swap may take: it loads the plugin and looks up booked orders in the ERP, which is slow on a slow
/// machine, so this limit only ends the wait for a host that hangs.
const SWAP_LIMIT: Duration = Duration::from_secs(500);

/// The component of the ERP's plugin, packed and signed under another version.
async fn another(version: &str, dir: &Path) -> Result<PathBuf> {
    packed("plugin_erp_rest.wasm", version, dir).await
}

/// A component that was built, packed and signed as another version of the ERP's plugin.
async fn packed(component: &str, version: &str, dir: &Path) -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/erp-rest/plugin.toml");
    let text = std::fs::read_to_string(manifest)?;
    let changed = text.replace("version = \"0.1.0\"", &format!("version = \"{version}\""));
    ensure!(changed != text, "the manifest has another version than this test believes");
    let (manifest, out) = (dir.join(format!("{version}.toml")), dir.join(format!("erp-rest-{version}.wasm")));
    std::fs::write(&manifest, changed)?;
    let guests = std::env::var_os("CROSSDOCK_GUESTS").context("CROSSDOCK_GUESTS is not set")?;
    let status = tokio::process::Command::new(binary()?)
        .args(["plugin", "pack"])
        .arg(Path::new(&guests).join(component))
        .args(["--manifest".as_ref(), manifest.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .args(["--sign".as_ref(), plugins()?.join("vendor.key").as_os_str()])
        .status()
        .await?;
    ensure!(status.success(), "packing failed");
    Ok(out)
}

fn shop(host: &Host) -> Shop {
    let mut options = shop::Options::new(host.intake(), SECRET, ORDERS, 17);
    options.plan.shares = Shares { duplicate: 0.1, reorder: 0.1, ..Shares::none() };
    options.plan.pace = 30.0;
    options.plan.spread = Duration::from_millis(500);
    Shop::start(options)
}

async fn connector(host: &Host) -> Result<Value> {
    let (_, all) = host.get("/api/v1/connectors").await?;
    let all = all["connectors"].as_array().context("connectors")?.clone();
    all.into_iter().find(|one| one["name"] == "erp").context("no connector `erp`")
}

async fn swap(host: &Host, body: Value) -> Result<(StatusCode, Value)> {
    let client = Client::new(Duration::from_secs(30), SWAP_LIMIT);
    let url = format!("{}/api/v1/connectors/erp/swap", host.url());
    Ok(client.json(Method::POST, &url, API_TOKEN, &body).await?)
}

/// Waits until the first orders are in the ERP.
async fn orders_flow(erp: &Erp) -> Result<()> {
    stall::until(MIN_STALL, async || {
        let booked = erp.order_count();
        ensure!(booked >= 10, "{booked} orders are booked");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_connector_is_swapped_while_orders_flow() -> Result<()> {
    let weather = Weather { search_lag: Duration::from_millis(500), ..Weather::calm() };
    let erp = Erp::start(Options { weather, ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    let new = another("0.2.0", host.dir()).await?;
    let shop = shop(&host);
    orders_flow(&erp).await?;

    // A damaged file, a plugin of another system, and the file that runs already are refused.
    let damaged = host.dir().join("damaged.wasm");
    let mut bytes = std::fs::read(&new)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&damaged, bytes)?;
    std::fs::copy(new.with_extension("wasm.sig"), damaged.with_extension("wasm.sig"))?;
    for (to, code) in [
        (damaged.display().to_string(), "plugin-not-loaded"),
        ("nowhere.wasm".into(), "plugin-not-loaded"),
        ("shopify".into(), "plugin-not-loaded"),
        ("erp-rest".into(), "plugin-unfit"),
    ] {
        let (status, said) = swap(&host, json!({ "to": to })).await?;
        ensure!(status == StatusCode::CONFLICT && said["code"] == code, "{to}: {status} {said}");
        ensure!(said["detail"].as_str().is_some_and(|d| d.contains("keeps erp-rest@0.1.0")), "{said}");
    }
    ensure!(connector(&host).await?["plugin"] == "erp-rest@0.1.0");

    let (status, said) = swap(&host, json!({ "to": new })).await?;
    ensure!(status == StatusCode::OK, "{said}");
    ensure!(said["from"] == "erp-rest@0.1.0" && said["to"] == "erp-rest@0.2.0", "{said}");
    ensure!(said["receipts"].as_u64().is_some_and(|receipts| receipts > 0), "nothing was probed: {said}");
    let now = connector(&host).await?;
    ensure!(now["plugin"] == "erp-rest@0.2.0" && now["versions"][0]["current"] == true, "{now}");

    // After a kill and a restart it runs the chosen version; then it goes back.
    host.kill().await?;
    host.start().await?;
    ensure!(connector(&host).await?["plugin"] == "erp-rest@0.2.0");
    let said = host.cli_json(&["connector", "swap", "erp", "--back"]).await?;
    ensure!(said["from"] == "erp-rest@0.2.0" && said["to"] == "erp-rest@0.1.0", "{said}");
    let refused = host.cli(&["connector", "swap", "erp", "--back"]).await.unwrap_err().to_string();
    ensure!(refused.contains("has gone back to erp-rest@0.1.0 already"), "{refused}");

    let verdict = || verify(&shop.ledger(), &erp.held());
    stall::until(MIN_STALL, async || {
        let (sent, writes) = (shop.progress().accepted, erp.call_counts().writes);
        ensure!(shop.is_done(), "the shop is still sending: {sent} accepted, {writes} writes");
        let verdict = verdict();
        ensure!(verdict.is_clean(), "{writes} writes: {:?}", verdict.findings().collect::<Vec<_>>());
        Ok(())
    })
    .await?;
    // A duplicate would come late, so its absence can only be checked after a wait.
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(verdict().is_clean());
    Ok(())
}

/// A version that finds none of the booked orders would book each again after an unknown outcome. Most orders have just
/// been booked, and may be absent from a correct search too.
#[tokio::test]
async fn a_blind_version_is_refused_while_orders_flow() -> Result<()> {
    let erp = Erp::start(Options { weather: Weather::calm(), ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    // It answers `absent` to everything.
    let blind = packed("crossdock_guests.wasm", "0.3.0", host.dir()).await?;
    let _shop = shop(&host);
    orders_flow(&erp).await?;
    // It takes as long as the target may take to show what it has; the test's client would give up before.
    let said = host.cli(&["connector", "swap", "erp", "--to", &blind.display().to_string()]).await;
    let said = said.unwrap_err().to_string();
    ensure!(said.contains("was posted, and erp-rest@0.3.0 does not find it"), "{said}");
    ensure!(connector(&host).await?["plugin"] == "erp-rest@0.1.0");
    Ok(())
}

/// The new version lies where the old one lay, under the name that the configuration says.
#[tokio::test]
async fn a_file_that_was_overwritten_is_swapped_by_its_name_and_gone_back_from() -> Result<()> {
    let weather = Weather { search_lag: Duration::from_millis(500), ..Weather::calm() };
    let erp = Erp::start(Options { weather, ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    let own = host.dir().join("plugins");
    std::fs::create_dir(&own)?;
    for name in ["shopify.wasm", "shopify.wasm.sig", "erp-rest.wasm", "erp-rest.wasm.sig"] {
        std::fs::copy(plugins()?.join(name), own.join(name))?;
    }
    let file = host.dir().join("crossdock.toml");
    let text = std::fs::read_to_string(&file)?;
    let dir = |path: &Path| format!("\ndir = \"{}\"", path.display());
    let changed = text.replace(&dir(&plugins()?), &dir(&own));
    ensure!(changed != text, "the folder of plugins is configured otherwise than this test believes");
    std::fs::write(&file, changed)?;
    host.start().await?;
    let overwrite = async |host: &Host, version: &str| -> Result<()> {
        let new = another(version, host.dir()).await?;
        std::fs::copy(&new, own.join("erp-rest.wasm"))?;
        std::fs::copy(new.with_extension("wasm.sig"), own.join("erp-rest.wasm.sig"))?;
        Ok(())
    };
    overwrite(&host, "0.2.0").await?;
    let back = json!({ "back": true });
    let (status, said) = swap(&host, back.clone()).await?;
    ensure!(status == StatusCode::CONFLICT && said["code"] == "nothing-before", "{status} {said}");

    let (status, said) = swap(&host, json!({ "to": "erp-rest" })).await?;
    ensure!(status == StatusCode::OK && said["to"] == "erp-rest@0.2.0", "{status} {said}");
    // A start runs the plugin that the configuration names.
    host.kill().await?;
    host.start().await?;
    ensure!(connector(&host).await?["plugin"] == "erp-rest@0.2.0");
    let (status, said) = swap(&host, back.clone()).await?;
    ensure!(status == StatusCode::OK && said["to"] == "erp-rest@0.1.0", "{status} {said}");
    // The file is still the new one: the choice outlives the host.
    host.kill().await?;
    host.start().await?;
    ensure!(connector(&host).await?["plugin"] == "erp-rest@0.1.0");
    let (status, said) = swap(&host, back).await?;
    ensure!(status == StatusCode::CONFLICT && said["code"] == "nothing-before", "{status} {said}");
    let detail = said["detail"].as_str().context("detail")?;
    ensure!(detail.contains("has gone back to erp-rest@0.1.0 already"), "{said}");

    // And to the new version again.
    let (status, said) = swap(&host, json!({ "to": "erp-rest" })).await?;
    ensure!(status == StatusCode::OK && said["to"] == "erp-rest@0.2.0", "{status} {said}");
    Ok(())
}
