//! The plugin's settings.

use crossdock_sdk::config;

/// The behaviour.
pub fn mode() -> String {
    config::get("mode").unwrap_or_default()
}

/// The address of requests.
pub fn url() -> String {
    config::get("url").unwrap_or_default()
}

/// How many requests, lines or bytes.
pub fn count() -> u32 {
    config::get("count").unwrap_or(1)
}
