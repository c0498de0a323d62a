//! `crossdock plugin …`: plugin files. Nothing here needs a running host.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use crossdock_sandbox::manifest::{self, Manifest};
use crossdock_sandbox::signature::{self, SigningKey};
use crossdock_sandbox::{Options, Sandbox};
use rand::RngCore;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::print::Printer;
use crate::keyring;

/// `crossdock plugin …`
#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// Show a plugin's manifest and who signed it, without running it
    Inspect {
        /// The plugin file
        file: PathBuf,
        /// A file with trusted keys (`NAME KEY`, one a line): shows whether one of them signed the plugin
        #[arg(long)]
        trust: Option<PathBuf>,
    },
    /// Add a manifest to a component, which makes the plugin file
    Pack {
        /// The component that the compiler wrote
        component: PathBuf,
        /// The manifest
        #[arg(long, default_value = "plugin.toml")]
        manifest: PathBuf,
        /// The plugin file to write; beside the component by default
        #[arg(long)]
        out: Option<PathBuf>,
        /// Sign it with this key
        #[arg(long)]
        sign: Option<PathBuf>,
    },
    /// Sign a plugin file; the signature is written beside it
    Sign {
        /// The plugin file
        file: PathBuf,
        /// The key
        #[arg(long)]
        key: PathBuf,
    },
    /// Compile plugins into a host's cache, so that the host's first start is as fast as later ones
    Compile {
        /// The plugin files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The cache folder: `cache` under `[plugins]` in the host's configuration
        #[arg(long)]
        cache: PathBuf,
        /// A file with trusted keys; without it, unsigned plugins are accepted
        #[arg(long)]
        trust: Option<PathBuf>,
    },
    /// Create a signing key, and beside it (`.pub`) the line for files of trusted keys
    Keygen {
        /// The key file to write
        #[arg(long)]
        out: PathBuf,
        /// The name of the signer
        #[arg(long, default_value = "vendor")]
        name: String,
    },
}

/// Runs `crossdock plugin …`.
pub async fn run(plugin: Plugin, print: Printer) -> anyhow::Result<()> {
    match plugin {
        Plugin::Inspect { file, trust } => inspect(&file, trust.as_deref(), print),
        Plugin::Pack { component, manifest, out, sign } => {
            let text = std::fs::read_to_string(&manifest)
                .with_context(|| format!("reading the manifest {}", manifest.display()))?;
            let packed = manifest::pack(&read(&component)?, &text)
                .with_context(|| format!("packing {}", component.display()))?;
            let out = out.unwrap_or_else(|| component.with_extension("plugin.wasm"));
            write(&out, &packed)?;
            if let Some(key) = sign {
                write_signature(&out, &packed, &key)?;
            }
            let packed_file = json!({ "file": out, "bytes": packed.len(), "digest": digest(&packed) });
            print.done(&packed_file, &format!("{} ({} KB)", out.display(), packed.len().div_ceil(1024)));
            Ok(())
        }
        Plugin::Compile { files, cache, trust } => compile(&files, cache, trust.as_deref(), print).await,
        Plugin::Sign { file, key } => {
            let bytes = read(&file)?;
            manifest::read(&bytes).with_context(|| file.display().to_string())?;
            write_signature(&file, &bytes, &key)?;
            print.done(&json!({ "signature": signature::beside(&file) }), "Signed.");
            Ok(())
        }
        Plugin::Keygen { out, name } => keygen(&out, &name, print),
    }
}

async fn compile(
    files: &[PathBuf],
    cache: PathBuf,
    trust: Option<&Path>,
    print: Printer,
) -> anyhow::Result<()> {
    let keyring = keyring::read(trust)?;
    let allow_unsigned = trust.is_none();
    let sandbox =
        Sandbox::new(Options { cache: Some(cache), keyring, allow_unsigned, ..Options::default() })?;
    for file in files {
        let begun = std::time::Instant::now();
        let plugin =
            sandbox.load_path(file).await.with_context(|| format!("compiling {}", file.display()))?;
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let compiled =
            json!({ "file": file, "plugin": plugin.label(), "digest": plugin.digest(), "millis": millis });
        print.done(&compiled, &format!("{} is ready ({millis} ms)", plugin.label()));
    }
    Ok(())
}

fn inspect(file: &Path, trust: Option<&Path>, print: Printer) -> anyhow::Result<()> {
    let bytes = read(file)?;
    let manifest: Manifest = manifest::read(&bytes).with_context(|| file.display().to_string())?;
    let signatures = std::fs::read_to_string(signature::beside(file)).ok();
    let signed = match trust {
        Some(path) => {
            let keyring = keyring::read([path])?;
            match signature::verify(&bytes, signatures.as_deref(), &keyring) {
                Ok(signer) => json!({ "trusted": true, "signer": signer }),
                Err(error) => json!({ "trusted": false, "reason": error.to_string() }),
            }
        }
        None => json!({ "signatures": signatures.map_or(0, |text| text.lines().count()) }),
    };
    print.one(&json!({
        "file": file,
        "bytes": bytes.len(),
        "digest": digest(&bytes),
        "signed": signed,
        "manifest": manifest,
    }));
    Ok(())
}

fn keygen(out: &Path, name: &str, print: Printer) -> anyhow::Result<()> {
    if out.exists() {
        bail!("{} exists, and a key is never overwritten", out.display());
    }
    let mut seed = [0u8; 32];
    rand::rng().fill_bytes(&mut seed);
    let key = SigningKey::from_seed(&seed);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("making {}", out.display()))?;
    file.write_all(key.to_text().as_bytes()).with_context(|| format!("writing {}", out.display()))?;
    let public = out.with_extension("pub");
    write(&public, format!("{name} {}\n", key.public()).as_bytes())?;
    let files = json!({ "key": out, "public": public });
    print.done(
        &files,
        &format!(
            "{} is the signing key: keep it secret. {} is its public line for files of trusted keys.",
            out.display(),
            public.display()
        ),
    );
    Ok(())
}

fn write_signature(file: &Path, bytes: &[u8], key: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(key).with_context(|| format!("reading the key {}", key.display()))?;
    let key = SigningKey::from_text(&text).with_context(|| format!("the key {}", key.display()))?;
    write(&signature::beside(file), signature::sign(bytes, &key).as_bytes())
}

/// Written beside and renamed, so that a host never loads half a file.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("writing {}", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
