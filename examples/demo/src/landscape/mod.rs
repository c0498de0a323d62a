//! The landscape.

pub mod stores;
