//! A connector gets another version of its plugin while orders flow: nothing is lost or doubled, what cannot
//! take over is refused, and what was chosen outlives the host.

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
use crossdock_demo::erp::{Erp, Options, Weather};
use crossdock_demo::shop::{self, Shop, plan::Shares};
use crossdock_demo::verify::verify;
use crossdock_tests::{ERP_TOKEN, Host, SECRET, binary, eventually, plugins};
use hyper::StatusCode;
use serde_json::{Value, json};

const ORDERS: usize = 150;

/// The component of the ERP's plugin, packed and signed under another version.
async fn another(version: &str, dir: &Path) -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/erp-rest/plugin.toml");
    let text = std::fs::read_to_string(manifest)?;
    let changed = text.replace("version = \"0.1.0\"", &format!("version = \"{version}\""));
    ensure!(changed != text, "the manifest has another version than this test believes");
    let (manifest, out) = (dir.join(format!("{version}.toml")), dir.join(format!("erp-rest-{version}.wasm")));
    std::fs::write(&manifest, changed)?;
    let guests = std::env::var_os("CROSSDOCK_GUESTS").context("CROSSDOCK_GUESTS is not set")?;
    let status = tokio::process::Command::new(binary()?)
        .args(["plugin", "pack"])
        .arg(Path::new(&guests).join("plugin_erp_rest.wasm"))
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
    host.post("/api/v1/connectors/erp/swap", &body).await
}

#[tokio::test]
async fn a_connector_is_swapped_while_orders_flow() -> Result<()> {
    let weather = Weather { search_lag: Duration::from_millis(500), ..Weather::calm() };
    let erp = Erp::start(Options { weather, ..Options::stormy(ERP_TOKEN, 5) }).await?;
    let mut host = Host::between_shop_and(&erp, "")?;
    host.start().await?;
    let new = another("0.2.0", host.dir()).await?;
    let shop = shop(&host);
    eventually(Duration::from_secs(30), async || {
        ensure!(erp.order_count() >= 10, "orders have to flow first");
        Ok(())
    })
    .await?;

    // What is damaged, of another system, or the very file that runs, does not take over.
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

    // Killed and started again, it runs what was chosen; then it goes back.
    host.kill().await?;
    host.start().await?;
    ensure!(connector(&host).await?["plugin"] == "erp-rest@0.2.0");
    let said = host.cli_json(&["connector", "swap", "erp", "--back"]).await?;
    ensure!(said["from"] == "erp-rest@0.2.0" && said["to"] == "erp-rest@0.1.0", "{said}");
    let refused = host.cli(&["connector", "swap", "erp", "--back"]).await.unwrap_err().to_string();
    ensure!(refused.contains("there is no version to go back to"), "{refused}");

    eventually(Duration::from_secs(60), async || {
        ensure!(shop.is_done(), "the shop is still sending");
        let verdict = verify(&shop.ledger(), &erp.held());
        ensure!(verdict.is_clean(), "{:?}", verdict.findings().take(3).collect::<Vec<_>>());
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(verify(&shop.ledger(), &erp.held()).is_clean());
    Ok(())
}
