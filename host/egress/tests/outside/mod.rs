//! What the tests of authentication share: a clock to turn by hand, and clients made from an operator's words.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crossdock_egress::{
    Access, Client, Egress, Error, Limits, MemorySecrets, Options, Profile, Secrets, StoredSecrets,
};
use crossdock_model::time::{Clock, Millis};
use http::{Request, Response};

pub const NOON: i64 = 1_800_000_000_000;

/// A clock that stands still until it is turned.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn new() -> Self {
        Self(Arc::new(NOON.into()))
    }

    pub fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }
}

/// A profile as the operator writes it.
pub fn profile(text: &str) -> Profile {
    try_profile(text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
}

pub fn try_profile(text: &str) -> Result<Profile, String> {
    #[derive(serde::Deserialize)]
    struct Connector {
        auth: Profile,
    }
    let read: Result<Connector, _> = toml::from_str(&format!("auth = {text}"));
    read.map(|connector| connector.auth).map_err(|wrong| wrong.to_string())
}

/// A connector's secrets, all of them in a store.
pub async fn secrets(store: Arc<dyn StoredSecrets>, names: &[(&str, &str)]) -> Secrets {
    let places: Vec<(&str, Vec<String>)> =
        names.iter().map(|(name, places)| (*name, places.split(' ').map(str::to_owned).collect())).collect();
    let places = places.iter().map(|(name, places)| (*name, places.iter().map(String::as_str)));
    Secrets::open(places, store).await.unwrap()
}

/// A store that holds these.
pub fn store(values: &[(&str, &str)]) -> Arc<MemorySecrets> {
    let store = MemorySecrets::default();
    for (name, value) in values {
        store.set(name, value);
    }
    Arc::new(store)
}

pub fn try_client(
    hosts: &[String],
    profile: &Profile,
    secrets: Secrets,
    clock: &Hand,
) -> Result<Client, String> {
    let egress = Egress::new(Options::default()).unwrap().with_clock(Arc::new(clock.clone()));
    let limits = Limits { first_byte: Duration::from_secs(10), ..Limits::default() };
    egress.client(Access { hosts: hosts.to_vec(), profile: Some(profile.clone()), secrets, limits })
}

pub async fn get(client: &Client, url: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    client.send(request, &client.budget()).await
}

pub async fn post(client: &Client, url: &str, body: &str) -> Result<Response<Bytes>, Error> {
    let request = Request::post(url).body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    client.send(request, &client.budget()).await
}

/// The value of a header in a request as the server saw it.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let prefix = format!("{name}: ");
    request.lines().find_map(|line| line.strip_prefix(&prefix))
}

/// The fields of a form that was posted.
pub fn form(request: &str) -> std::collections::BTreeMap<String, String> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// All that a guest or an operator could see of an error.
pub fn seen(error: &Error) -> String {
    format!("{error} {error:?} {}", serde_json::to_string(error).unwrap())
}
