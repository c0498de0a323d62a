//! Swapping a connector's plugin for another version while events flow.
//!
//! The new version is made ready beside the old one: loaded, compiled and tried out by the [`Loader`], then asked
//! with `find` for deliveries that the old one posted. Only then do new calls go to it; calls in flight end on the
//! version they began on. Cursor, numbers, resume tokens and references belong to the connector and not to a
//! version, so they carry over by themselves. Where a step fails, the old version stays.
//!
//! The old version's file is stored under its digest, whatever becomes of the file it was loaded from: so a swap can
//! be undone also where the new file was put in its place.

mod compatibility;
mod error;
mod loader;
mod probe;
mod swapper;

pub use error::SwapError;
pub use loader::{BY_DIGEST, Loader};
pub use swapper::Swapped;
pub(crate) use swapper::{Swapper, Wanted};
