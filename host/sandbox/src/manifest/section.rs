//! The custom section of a component that contains the manifest.

use std::borrow::Cow;

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Encoding, Parser, Payload};

use super::error::Error;

/// The section's name.
pub const SECTION: &str = "crossdock:manifest";

/// The section's content. Only the component's own sections count, not those of modules and components within
/// it, which have other authors.
pub(super) fn find(file: &[u8]) -> Result<Option<&[u8]>, Error> {
    let mut depth = 0_u32;
    let mut found = None;
    for payload in Parser::new(0).parse_all(file) {
        match payload.map_err(|e| Error::NoComponent { reason: e.to_string() })? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                let reason = "it is a core module; build it for the target wasm32-wasip2".to_owned();
                return Err(Error::NoComponent { reason });
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(custom)
                if depth == 0 && custom.name() == SECTION && found.replace(custom.data()).is_some() =>
            {
                return Err(Error::Repeated);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The file with the section appended.
pub(super) fn append(file: &[u8], content: &[u8]) -> Vec<u8> {
    let mut packed = file.to_vec();
    CustomSection { name: Cow::Borrowed(SECTION), data: Cow::Borrowed(content) }
        .append_to_component(&mut packed);
    packed
}
