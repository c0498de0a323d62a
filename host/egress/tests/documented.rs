//! The profiles in the documentation are valid.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod support;

use crossdock_egress::{Profile, Secrets};
use support::{ManualClock, profile, secrets, store, try_client};

async fn all_secrets() -> Secrets {
    let locations = [
        ("token", "stored:token"),
        ("password", "stored:password"),
        ("client", "stored:client"),
        ("refresh", "stored:refresh"),
    ];
    secrets(store(&[]), &locations).await
}

async fn assert_valid(profile: &Profile) {
    let hosts = ["https://erp.example".to_owned(), "https://shop.example".to_owned()];
    let client = try_client(&hosts, profile, all_secrets().await, &ManualClock::new());
    assert!(client.is_ok(), "{profile:?}: {:?}", client.err());
}

#[tokio::test]
async fn the_profiles_in_the_readme_are_valid() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## Authentication\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let inline: Vec<&str> =
        section.split("`auth = ").skip(1).map(|rest| rest.split('`').next().unwrap()).collect();
    for text in &inline {
        assert_valid(&profile(text)).await;
    }
    let blocks: Vec<&str> =
        section.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    for text in &blocks {
        let value: toml::Table = toml::from_str(text).unwrap();
        let auth: Profile = value["connector"]["auth"].clone().try_into().unwrap();
        assert_valid(&auth).await;
    }
    assert_eq!((inline.len(), blocks.len()), (3, 5));
}

#[tokio::test]
async fn the_profiles_in_the_documentation_of_profile_are_valid() {
    let source = include_str!("../src/auth/profile.rs");
    let examples: Vec<&str> =
        source.lines().filter_map(|line| line.trim().strip_prefix("/// auth = ")).collect();
    for text in &examples {
        assert_valid(&profile(&text.replace("login.example", "shop.example"))).await;
    }
    assert_eq!(examples.len(), 8);
}
