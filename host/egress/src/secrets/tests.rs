//! How secrets are read, reloaded and rotated, and that they are never printed.

use std::time::{Duration, Instant};

use super::value::RELOAD_INTERVAL;
use super::*;
use crate::secret_store::MemorySecretStore;

fn one(location: &str) -> Result<Secrets, SecretUnavailable> {
    Secrets::load([("token", [location])])
}

#[test]
fn secrets_never_print() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "hunter2\n").unwrap();
    let secrets = one(&format!("file:{}", path.display())).unwrap();
    assert_eq!(secrets.get("token").unwrap().expose(), "hunter2");
    let printed = format!("{secrets:?} {:?}", secrets.get("token"));
    assert!(!printed.contains("hunter2"), "{printed}");
    let error = one("hunter2").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "a secret given in plain text leaks");
}

#[test]
fn a_changed_file_is_reloaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "old").unwrap();
    let secrets = one(&format!("file:{}", path.display())).unwrap();
    std::fs::write(&path, "newer").unwrap();
    let value = &secrets.0.values["token"][0];
    value.state.lock().unwrap().checked = Instant::now().checked_sub(RELOAD_INTERVAL).unwrap();
    assert_eq!(secrets.get("token").unwrap().expose(), "newer");
    std::fs::remove_file(&path).unwrap();
    value.state.lock().unwrap().checked = Instant::now().checked_sub(RELOAD_INTERVAL).unwrap();
    assert_eq!(secrets.get("token").unwrap().expose(), "newer");
}

#[test]
fn a_rotated_secret_has_two_values_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let locations: Vec<String> = ["new", "old"]
        .iter()
        .map(|text| {
            let path = dir.path().join(text);
            std::fs::write(&path, text).unwrap();
            format!("file:{}", path.display())
        })
        .collect();
    let secrets = Secrets::load([("webhook", locations.iter().map(String::as_str))]).unwrap();
    let values: Vec<_> = secrets.values("webhook").iter().map(|secret| secret.expose().to_owned()).collect();
    assert_eq!(values, ["new", "old"]);
    assert!(secrets.values("other").is_empty());
}

fn texts(secrets: &Secrets, name: &str) -> Vec<String> {
    secrets.values(name).iter().map(|secret| secret.expose().to_owned()).collect()
}

#[tokio::test]
async fn a_stored_secret_is_reloaded_when_it_changes() {
    let store = Arc::new(MemorySecretStore::default());
    store.set("erp/token", "first\n");
    let secrets = Secrets::open([("token", ["stored:erp/token"])], store.clone()).await.unwrap();
    assert_eq!(texts(&secrets, "token"), ["first"]);
    store.set("erp/token", "second");
    // In the background, at the next interval.
    let seen = async {
        while texts(&secrets, "token") != ["second"] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(RELOAD_INTERVAL * 5, seen).await.expect("the store was not read again");
    store.set("erp/token", "");
    secrets.reload().await;
    assert!(secrets.get("token").is_none(), "a secret that was removed has no value");
}

#[tokio::test]
async fn either_of_two_stored_values_may_be_absent() {
    let store = Arc::new(MemorySecretStore::default());
    let locations = [("webhook", ["stored:new", "stored:old"])];
    let secrets = Secrets::open(locations, store.clone()).await.unwrap();
    assert!(secrets.values("webhook").is_empty() && secrets.declares("webhook"));
    store.set("old", "one");
    secrets.reload().await;
    assert_eq!(
        (texts(&secrets, "webhook"), secrets.get("webhook").unwrap().expose()),
        (vec!["one".into()], "one")
    );
    store.set("new", "two");
    secrets.reload().await;
    assert_eq!(texts(&secrets, "webhook"), ["two", "one"]);
    assert_eq!(secrets.get("webhook").unwrap().expose(), "two");
}

#[tokio::test]
async fn an_unavailable_store_keeps_the_last_value_but_fails_a_start() {
    struct Down(std::sync::atomic::AtomicBool);
    #[async_trait::async_trait]
    impl SecretStore for Down {
        async fn get(&self, _: &str) -> Result<Option<(Zeroizing<String>, u64)>, SecretStoreError> {
            match self.0.load(std::sync::atomic::Ordering::Relaxed) {
                true => Err(SecretStoreError { reason: "it is down".into() }),
                false => Ok(Some((Zeroizing::new("value".into()), 1))),
            }
        }
        async fn put(&self, _: &str, _: Zeroizing<String>, _: Option<u64>) -> Result<bool, SecretStoreError> {
            Ok(false)
        }
    }
    let store = Arc::new(Down(false.into()));
    let secrets = Secrets::open([("token", ["stored:x"])], store.clone()).await.unwrap();
    store.0.store(true, std::sync::atomic::Ordering::Relaxed);
    secrets.reload().await;
    assert_eq!(texts(&secrets, "token"), ["value"]);
    let error = Secrets::open([("token", ["stored:x"])], store).await.unwrap_err();
    assert!(error.to_string().contains("it is down"), "{error}");
}

#[test]
fn a_location_without_a_value_is_an_error() {
    for location in
        ["env:CROSSDOCK_NO_SUCH_VARIABLE", "file:/no/such/file", "env:", "vault:x", "stored:x", "stored:"]
    {
        assert!(one(location).is_err(), "{location}");
    }
}
