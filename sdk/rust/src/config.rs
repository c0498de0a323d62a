//! The connector's settings, as the operator configured them.
//!
//! The host has validated them against the schema in the plugin's manifest and applied its defaults, so a setting
//! that the schema requires is set and has its type. Settings never contain secrets: the host adds those to requests.
//!
//! ```
//! # use crossdock_sdk::{config, testing};
//! # let _host = testing::Host::new().setting("shop", "acme.myshopify.com").setting("days", 30).install();
//! let shop: String = config::get("shop").unwrap();
//! assert_eq!(shop, "acme.myshopify.com");
//! let days: Option<u32> = config::find("days").unwrap();
//! assert_eq!(days, Some(30));
//! assert_eq!(config::get::<String>("company").unwrap_err().code, "setting-missing");
//! ```

use serde::de::DeserializeOwned;

use crate::connector::Problem;

/// The value of a required setting.
///
/// # Errors
/// `setting-missing` when it is not set, `setting-invalid` when it has another type.
pub fn get<T: DeserializeOwned>(name: &str) -> Result<T, Problem> {
    find(name)?.ok_or_else(|| Problem::new("setting-missing", format!("the setting `{name}` is missing")))
}

/// The value of an optional setting. `None` when it is not set and has no default.
///
/// # Errors
/// `setting-invalid` when it has another type.
pub fn find<T: DeserializeOwned>(name: &str) -> Result<Option<T>, Problem> {
    let Some(json) = host::get(name) else { return Ok(None) };
    serde_json::from_str(&json).map(Some).map_err(|error| {
        Problem::new("setting-invalid", format!("the setting `{name}` cannot be used: {error}"))
    })
}

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::config as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::config as host;
