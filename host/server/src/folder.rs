//! Opens the exchange folder that `[connector.folder]` describes.

use std::sync::Arc;

use anyhow::anyhow;
use crossdock_egress::Secrets;
use crossdock_exchange::{ExchangeFolder, Folder as Files, Local, Sftp};
use crossdock_flow::connector::Folder;

use crate::config;

/// The configured folder. Nothing is read or connected before the flow runs.
///
/// # Errors
/// When the configuration of the folder is incomplete.
pub fn open(wanted: &config::Folder, secrets: &Secrets) -> anyhow::Result<Folder> {
    let layout = wanted.layout();
    let (files, address): (Arc<dyn Files>, String) =
        match wanted.at().map_err(|why| anyhow!("folder: {why}"))? {
            config::At::Path(path) => {
                (Arc::new(ExchangeFolder::new(Local::new(path), &layout)), path.display().to_string())
            }
            config::At::Sftp { address, secret, host_keys } => {
                let (secrets, name) = (secrets.clone(), secret.to_owned());
                let live =
                    move || secrets.values(&name).iter().map(|secret| secret.expose().to_owned()).collect();
                let sftp = Sftp::new(address, host_keys.to_vec(), Arc::new(live));
                (Arc::new(ExchangeFolder::new(sftp, &layout)), wanted.url.clone().unwrap_or_default())
            }
        };
    let (every, settle) = (wanted.every.0, wanted.settle.0);
    Ok(Folder { files, address, every, settle, limit: wanted.limit.as_u64() })
}
