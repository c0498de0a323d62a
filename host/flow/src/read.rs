//! From stored requests to admitted events.
//!
//! The source plugin reads a request, the events are checked and routed, and one command stores all of them. A
//! request that cannot be read, or whose events contradict themselves, goes into quarantine with the reason; it
//! stays stored, and a later version of the plugin can read it.

mod driver;
mod orphans;
mod queue;
mod reader;
mod receive;
mod record;
mod slots;
mod store_faults;

#[cfg(test)]
pub(crate) use driver::ReadInbound;
pub(crate) use driver::{Parts, ReadDriver};
pub(crate) use orphans::OrphanDriver;
#[cfg(test)]
pub(crate) use queue::ReadOutcome;
pub(crate) use queue::ReadQueues;
pub(crate) use reader::Reader;
pub(crate) use receive::{POLLED, lease_length, max_read_time};
pub(crate) use record::Recorder;
#[cfg(test)]
pub(crate) use slots::CallSlot;
pub(crate) use slots::CallSlots;
pub(crate) use store_faults::StoreFaults;
