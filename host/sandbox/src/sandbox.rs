//! Loads plugins: trusts, compiles and tries them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::compiler::Compiler;
use crate::engine::{Runtime, StartError};
use crate::load_error::LoadError;
use crate::manifest::{self, Manifest};
use crate::plugin::Plugin;
use crate::signature::{self, Keyring};

/// How plugins are loaded and run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many calls may run at the same time, over all connectors.
    pub instances: u32,
    /// The directory of compiled plugins. Absent: every start compiles.
    pub cache: Option<PathBuf>,
    /// The trusted signers.
    pub keyring: Keyring,
    /// True to load plugins without a trusted signature, for development.
    pub allow_unsigned: bool,
    /// How long a compilation may take. Ten seconds of processor time are usual, which can be minutes on a
    /// machine that starts everything at once.
    pub compile_timeout: Duration,
    /// The largest plugin file, in bytes. Plugins with an interpreter inside have 13 to 18 MB.
    pub max_file_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instances: 64,
            cache: None,
            keyring: Keyring::default(),
            allow_unsigned: false,
            compile_timeout: Duration::from_secs(300),
            max_file_bytes: 64 << 20,
        }
    }
}

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    runtime: Arc<Runtime>,
    compiler: Compiler,
    keyring: Keyring,
    allow_unsigned: bool,
    max_file_bytes: u64,
}

impl Sandbox {
    /// Starts the engine.
    ///
    /// # Errors
    /// When the engine, its thread or the cache cannot be started.
    pub fn new(options: Options) -> Result<Self, StartError> {
        let Options { instances, cache, keyring, allow_unsigned, compile_timeout, max_file_bytes } = options;
        let runtime = Arc::new(Runtime::new(instances)?);
        let compiler = Compiler::new(runtime.engine.clone(), cache.as_deref(), compile_timeout)?;
        Ok(Self(Arc::new(Inner { runtime, compiler, keyring, allow_unsigned, max_file_bytes })))
    }

    /// Loads a plugin file, with the signature file beside it.
    ///
    /// # Errors
    /// Why the plugin was not loaded.
    pub async fn load_path(&self, path: &Path) -> Result<Plugin, LoadError> {
        let unreadable = |path: &Path, source| LoadError::Unreadable { path: path.to_owned(), source };
        let metadata = tokio::fs::metadata(path).await.map_err(|e| unreadable(path, e))?;
        self.check_size(metadata.len())?;
        let file = tokio::fs::read(path).await.map_err(|e| unreadable(path, e))?;
        let signature_path = signature::beside(path);
        let signatures = match tokio::fs::read_to_string(&signature_path).await {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&signature_path, error)),
        };
        self.load(file, signatures.as_deref()).await
    }

    /// Loads a plugin: checks its signature, reads its manifest, compiles it, and starts it once on trial.
    ///
    /// # Errors
    /// Why the plugin was not loaded.
    pub async fn load(&self, file: Vec<u8>, signatures: Option<&str>) -> Result<Plugin, LoadError> {
        self.check_size(file.len() as u64)?;
        // First of all: nothing of the file is parsed before it is trusted.
        let signer = match signature::verify(&file, signatures, &self.0.keyring) {
            Ok(signer) => Some(signer),
            // A file that was changed after it was signed is refused in any case.
            Err(error @ signature::Error::Tampered { .. }) => return Err(error.into()),
            Err(_) if self.0.allow_unsigned => None,
            Err(error) => return Err(error.into()),
        };
        let manifest: Manifest = manifest::read(&file)?;
        let digest = hex::encode(Sha256::digest(&file));
        let component = self.0.compiler.compile(file, digest.clone()).await?;
        Plugin::new(self.0.runtime.clone(), manifest, digest, signer, &component).await
    }

    fn check_size(&self, bytes: u64) -> Result<(), LoadError> {
        let limit = self.0.max_file_bytes;
        if bytes > limit { Err(LoadError::TooLarge { limit }) } else { Ok(()) }
    }
}
