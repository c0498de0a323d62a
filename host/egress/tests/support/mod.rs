//! Shared by the tests of authentication: a manual clock, and clients made from an operator's configuration.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crossdock_egress::{
    Access, Client, Egress, Error, Limits, MemorySecretStore, Options, Profile, SecretStore, Secrets,
};
use crossdock_model::time::{Clock, Millis};
use http::{Request, Response};

pub const NOON: i64 = 1_800_000_000_000;

/// A clock that stands still until it is advanced.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn new() -> Self {
        Self(Arc::new(NOON.into()))
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }
}

/// A profile in the operator's notation.
pub fn profile(text: &str) -> Profile {
    try_profile(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub fn try_profile(text: &str) -> Result<Profile, String> {
    #[derive(serde::Deserialize)]
    struct Connector {
        auth: Profile,
    }
    let read: Result<Connector, _> = toml::from_str(&format!("auth = {text}"));
    read.map(|connector| connector.auth).map_err(|error| error.to_string())
}

/// A connector's secrets, all of them in a store.
pub async fn secrets(store: Arc<dyn SecretStore>, names: &[(&str, &str)]) -> Secrets {
    let locations = names.iter().map(|(name, locations)| (*name, locations.split(' ')));
    Secrets::open(locations, store).await.unwrap()
}

/// A store with these values.
pub fn store(values: &[(&str, &str)]) -> Arc<MemorySecretStore> {
    let store = MemorySecretStore::default();
    for (name, value) in values {
        store.set(name, value);
    }
    Arc::new(store)
}

pub fn try_client(
    hosts: &[String],
    profile: &Profile,
    secrets: Secrets,
    clock: &ManualClock,
) -> Result<Client, String> {
    let egress = Egress::new(Options::default()).unwrap().with_clock(Arc::new(clock.clone()));
    let limits = Limits { first_byte: Duration::from_secs(10), ..Limits::default() };
    let access = Access { hosts: hosts.to_vec(), profile: Some(profile.clone()), secrets, limits };
    Client::new(&egress, access)
}

pub async fn get(client: &Client, url: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    client.send(request, &client.budget()).await
}

pub async fn post(client: &Client, url: &str, body: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::post(url).body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    client.send(request, &client.budget()).await
}

/// The value of a header in a request that the server received.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let prefix = format!("{name}: ");
    request.lines().find_map(|line| line.strip_prefix(&prefix))
}

/// The fields of a posted form.
pub fn form(request: &str) -> std::collections::BTreeMap<String, String> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// Everything that a guest or an operator could see of an error.
pub fn printed(error: &Error) -> String {
    format!("{error} {error:?} {}", serde_json::to_string(error).unwrap())
}
