//! The storage key, under which the database is encrypted: finds it, or creates one.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock_engine::MasterKey;
use rand::RngCore;
use zeroize::Zeroizing;

/// How long a command that fetches the key may take.
const MAX_COMMAND_TIME: Duration = Duration::from_secs(30);

/// The most bytes that are read of a command's output; a key is far shorter.
const LONGEST: u64 = 4096;

/// Finds the key at `place`: `env:NAME`; `file:PATH`, made when it is missing and readable by its owner
/// alone; or `command:LINE`, the output of a command, for instance of a key management service's client. The key is
/// written as 64 hexadecimal digits or in base64.
///
/// # Errors
/// When there is no key there, or it is not 32 bytes.
pub fn find(place: &str) -> anyhow::Result<MasterKey> {
    let text = match place.split_once(':') {
        Some(("env", name)) => Zeroizing::new(
            std::env::var(name).map_err(|_| anyhow!("the storage key: {name} is not in the environment"))?,
        ),
        Some(("file", path)) => read_or_make(Path::new(path))?,
        Some(("command", line)) if !line.trim().is_empty() => ask(line, MAX_COMMAND_TIME)?,
        _ => bail!("the storage key is written `env:NAME`, `file:PATH` or `command:LINE`, never as itself"),
    };
    let key = bytes(text.trim())
        .ok_or_else(|| anyhow!("the storage key has to be 64 hexadecimal digits, or 32 bytes in base64"))?;
    Ok(MasterKey::new(*key))
}

/// Checks that there is a key at `place`, or that [`find`] would create one there; creates none.
///
/// # Errors
/// When [`find`] would refuse what is there.
pub fn look(place: &str) -> anyhow::Result<()> {
    let missing = place.strip_prefix("file:").is_some_and(|path| !Path::new(path).exists());
    if missing { Ok(()) } else { find(place).map(drop) }
}

fn bytes(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0u8; 32]);
    if hex::decode_to_slice(text, key.as_mut()).is_ok() {
        return Some(key);
    }
    let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
    key.copy_from_slice(decoded.as_slice().first_chunk::<32>().filter(|_| decoded.len() == 32)?);
    Some(key)
}

/// The output of a command, which the shell runs as the operator wrote it.
fn ask(line: &str, limit: Duration) -> anyhow::Result<Zeroizing<String>> {
    let failed = "running the command that prints the storage key";
    let mut child = Command::new("/bin/sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .context(failed)?;
    let mut printed = child.stdout.take().context(failed)?.take(LONGEST);
    let reading = std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::new());
        printed.read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context(failed)? {
            break status;
        }
        if begun.elapsed() > limit {
            // Whether or not it can be killed, the host does not wait for it any longer.
            child.kill().ok();
            child.wait().ok();
            bail!("the command that prints the storage key took longer than {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        bail!("the command that prints the storage key ended with {status}");
    }
    let text = reading.join().map_err(|_| anyhow!(failed))?;
    text.context("the command that prints the storage key printed no text")
}

fn read_or_make(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("reading the storage key {}", path.display()));
        }
    }
    let mut key = Zeroizing::new([0u8; 32]);
    rand::rng().fill_bytes(key.as_mut());
    let text = Zeroizing::new(hex::encode(key.as_ref()));
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
        look(&place).unwrap();
        assert!(!path.exists(), "looking makes none");
        find(&place).unwrap();
        look(&place).unwrap();
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
        assert!(look(&format!("file:{}", path.display())).is_err());
        let said = format!("{:#}", find(&format!("file:{}", path.display())).err().unwrap());
        assert!(said.contains("64 hexadecimal digits") && !said.contains("hunter2"));
    }

    #[test]
    fn a_key_is_written_in_hexadecimal_or_in_base64() {
        let bytes_of = |text: &str| bytes(text).map(|key| *key);
        assert_eq!(bytes_of(&"07".repeat(32)), Some([7; 32]));
        assert_eq!(bytes_of(&STANDARD.encode([7; 32])), Some([7; 32]));
        for wrong in ["", "07", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33]), &"0g".repeat(32)] {
            assert_eq!(bytes_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_command_prints_the_key_or_is_refused() {
        let key = "ab".repeat(32);
        find(&format!("command:echo {key}")).unwrap();
        assert_eq!(ask(&format!("printf '%s\\n' {key}"), MAX_COMMAND_TIME).unwrap().trim(), key);
        let said = |place: &str| format!("{:#}", find(place).err().unwrap());
        assert!(said("command:exit 3").contains("exit status: 3"));
        assert!(said("command:echo hunter2").contains("32 bytes"));
        assert!(said("command: ").contains("never as itself"));
        let late = ask("sleep 5", Duration::from_millis(50)).err().unwrap();
        assert!(late.to_string().contains("longer than"));
    }
}
