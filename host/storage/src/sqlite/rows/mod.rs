//! Rows: how typed values are stored, and read back.

pub(super) mod codes;
pub(super) mod delivery;
pub(super) mod digest;
pub(super) mod event;
pub(super) mod request;
pub(super) mod shown;
pub(super) mod waits;
