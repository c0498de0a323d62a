//! Requests that are stored and not yet read.
//!
//! They lie in the store, with the time from which each may be read and a lease while a host reads it; the host keeps
//! none of them in memory but those it reads right now, and a few that it just accepted.

mod inbounds;
mod stored;

pub(crate) use inbounds::PendingInbounds;
pub(crate) use stored::StoredInbounds;
