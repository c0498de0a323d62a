//! The example configurations are valid: `serve --check` accepts each of them, with the shipped plugins.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::path::Path;

use anyhow::{Context, Result, ensure};
use crossdock_tests::{binary, plugins};
use serde_json::Value;
use tokio::process::Command;

/// Each example, in a folder of its own with the files beside it, and the plugins where this run has them.
#[tokio::test]
async fn every_example_is_sound() -> Result<()> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for folder in std::fs::read_dir(&examples)? {
        let folder = folder?.path();
        let file = folder.join("crossdock.toml");
        if !file.exists() {
            continue;
        }
        let dir = tempfile::tempdir()?;
        for beside in std::fs::read_dir(&folder)? {
            let beside = beside?.path();
            std::fs::copy(&beside, dir.path().join(beside.file_name().context("a name")?))?;
        }
        let text = std::fs::read_to_string(&file)?;
        ensure!(text.contains("../../target/plugins"), "{}: where are its plugins?", file.display());
        let here = text.replace("../../target/plugins", &plugins()?.display().to_string());
        std::fs::write(dir.path().join("crossdock.toml"), here)?;
        let said = check(dir.path(), &text).await.with_context(|| file.display().to_string())?;
        ensure!(said["sound"] == true && said["routes"].as_u64() > Some(0), "{}: {said}", file.display());
        seen += 1;
    }
    ensure!(seen >= 3, "there are {seen} examples");
    Ok(())
}

/// `--check` refuses what `serve` would refuse, and creates no file.
#[tokio::test]
async fn a_check_refuses_what_serve_would() -> Result<()> {
    let deaf = format!(
        "storage = {{ url = 'sqlite://x.db' }}\nplugins = {{ dir = '{dir}', cache = '{dir}/cache', trust = ['{dir}/vendor.pub'] }}\n\
         [[connector]]\nname = 'tills'\nplugin = 'poslog'\nsettings = {{ retailer = 'acme' }}",
        dir = plugins()?.display()
    );
    for (text, reason) in [
        (deaf.as_str(), "would receive nothing"),
        ("[storage]\nurl = 'postgres://x'", "keeps its data in SQLite"),
        ("[storage]\nurl = 'sqlite://x.db'\nkey = 'hunter2'", "never as itself"),
        ("[storage]\nurl = 'sqlite://x.db'\nkey = 'env:NOT_SET_ANYWHERE'", "NOT_SET_ANYWHERE"),
        ("server = { first-token = 'file:missing' }\nstorage = { url = 'sqlite://x.db' }", "first-token"),
    ] {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("crossdock.toml"), text)?;
        let said = format!("{:#}", check(dir.path(), text).await.err().context("it was sound")?);
        ensure!(said.contains(reason), "{said}");
        ensure!(std::fs::read_dir(dir.path())?.count() == 1, "{text}: something was made");
    }
    Ok(())
}

/// Runs the check with a value for every variable that the file names.
async fn check(dir: &Path, text: &str) -> Result<Value> {
    let named = text.split("\"env:").skip(1).filter_map(|rest| rest.split('"').next());
    let output = Command::new(binary()?)
        .args(["serve", "--check", "--json", "--config"])
        .arg(dir.join("crossdock.toml"))
        .envs(named.map(|name| (name, "a-secret-of-this-example")))
        .output()
        .await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
