//! SHA-256 of JSON while it is serialized, without a copy of it in memory.

use std::io;

use sha2::{Digest as _, Sha256};

/// A writer that hashes what is written to it.
#[derive(Default)]
pub(crate) struct DigestWriter(Sha256);

impl DigestWriter {
    /// The digest of everything written, in hex.
    pub(crate) fn hex(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl io::Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
