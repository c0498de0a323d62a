//! Reads the operator's files of keys whose signatures of plugins are trusted.

use std::path::Path;

use anyhow::Context;
use crossdock_sandbox::signature::Keyring;

/// Reads files of trusted keys: `NAME KEY`, one a line.
///
/// # Errors
/// When a file cannot be read or holds something else; the message names it.
pub fn read<'a>(files: impl IntoIterator<Item = &'a Path>) -> anyhow::Result<Keyring> {
    let mut keyring = Keyring::default();
    for path in files {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the trusted keys in {}", path.display()))?;
        keyring.read(&text).with_context(|| format!("the trusted keys in {}", path.display()))?;
    }
    Ok(keyring)
}
