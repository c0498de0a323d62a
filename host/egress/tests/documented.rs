//! What the documentation shows of profiles is what the host takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod outside;

use crossdock_egress::{Profile, Secrets};
use outside::{Hand, profile, secrets, store, try_client};

async fn all_secrets() -> Secrets {
    let names = ["token", "password", "client", "refresh"];
    let places: Vec<(&str, String)> = names.iter().map(|name| (*name, format!("stored:{name}"))).collect();
    let places: Vec<(&str, &str)> = places.iter().map(|(name, place)| (*name, place.as_str())).collect();
    secrets(store(&[]), &places).await
}

async fn accepted(profile: &Profile) {
    let hosts = ["https://erp.example".to_owned(), "https://shop.example".to_owned()];
    let made = try_client(&hosts, profile, all_secrets().await, &Hand::new());
    assert!(made.is_ok(), "{profile:?}: {:?}", made.err());
}

#[tokio::test]
async fn the_readme_shows_profiles_that_work() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## Authentication\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let inline: Vec<&str> =
        section.split("`auth = ").skip(1).map(|rest| rest.split('`').next().unwrap()).collect();
    for text in &inline {
        accepted(&profile(text)).await;
    }
    let blocks: Vec<&str> =
        section.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    for text in &blocks {
        let value: toml::Table = toml::from_str(text).unwrap();
        let auth: Profile = value["connector"]["auth"].clone().try_into().unwrap();
        accepted(&auth).await;
    }
    assert_eq!((inline.len(), blocks.len()), (3, 5));
}

#[tokio::test]
async fn the_profiles_own_documentation_shows_what_works() {
    let source = include_str!("../src/auth/mod.rs");
    let shown: Vec<&str> =
        source.lines().filter_map(|line| line.trim().strip_prefix("/// auth = ")).collect();
    for text in &shown {
        // The endpoints are where the connector goes.
        accepted(&profile(&text.replace("login.example", "shop.example"))).await;
    }
    assert_eq!(shown.len(), 8);
}
