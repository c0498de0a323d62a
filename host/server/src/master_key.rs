//! The key that everything encrypted in the database rests under: where it is, and making one.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use crossdock_storage::MasterKey;
use rand::RngCore;

/// Finds the key at `place` (`env:NAME` or `file:PATH`); a file that is missing is made, readable by its
/// owner alone.
///
/// # Errors
/// When there is no key there, or it is not 64 hexadecimal digits.
pub fn find(place: &str) -> anyhow::Result<MasterKey> {
    let text = match place.split_once(':') {
        Some(("env", name)) => {
            std::env::var(name).map_err(|_| anyhow!("the storage key: {name} is not in the environment"))?
        }
        Some(("file", path)) => read_or_make(Path::new(path))?,
        _ => bail!("the storage key is written `env:NAME` or `file:PATH`, never as itself"),
    };
    let mut key = [0u8; 32];
    hex::decode_to_slice(text.trim(), &mut key)
        .map_err(|_| anyhow!("the storage key has to be 64 hexadecimal digits"))?;
    Ok(MasterKey::new(key))
}

fn read_or_make(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("reading the storage key {}", path.display()));
        }
    }
    let mut key = [0u8; 32];
    rand::rng().fill_bytes(&mut key);
    let text = hex::encode(key);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("making the storage key {}", path.display()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).context("writing the storage key")?;
    tracing::info!(
        "made a storage key at {}: keep a copy, without it the database cannot be read",
        path.display()
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_made_once_and_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        let place = format!("file:{}", path.display());
        find(&place).unwrap();
        let first = std::fs::read(&path).unwrap();
        find(&place).unwrap();
        assert_eq!(first, std::fs::read(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_being_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        std::fs::write(&path, "hunter2").unwrap();
        let said = format!("{:#}", find(&format!("file:{}", path.display())).err().unwrap());
        assert!(said.contains("64 hexadecimal digits") && !said.contains("hunter2"));
    }
}
