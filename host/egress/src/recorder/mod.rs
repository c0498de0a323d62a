//! The one interface through which a plugin call reads from the host: HTTP responses, the time, random
//! numbers, settings, references, the operator's tables and sequences.
//!
//! A call with a [`Live`] recorder can write a [`Transcript`] of everything that it read; a call with a
//! [`Replay`] recorder reads the same again, without the network, at any later time. A plugin has no other
//! input, so the replayed call ends as the recorded one did.

mod interface;
mod live;
mod lookup;
mod random;
mod replay;
mod transcript;

pub use interface::Recorder;
pub use live::{Inputs, Live};
pub use lookup::{LookupFailed, NoReferences, NoTables, References, StoreRecord, Tables};
pub use random::{Randomness, SeededRandomness, SystemRandomness};
pub use replay::{NotReplayable, Replay};
pub use transcript::{Detail, HttpCall, HttpResponse, Transcript};
