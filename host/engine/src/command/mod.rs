//! The commands: every change there is. Times are passed in; ids are the database's own.

mod admit;
mod deliver;
mod intake;
mod operate;

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use uuid::Uuid;

pub use admit::{Admit, CursorMove, NewEvent, Target};
pub use deliver::{Attempt, AttemptKind, Claim, Settle, SettleBatch};
pub use intake::{Accept, ClaimInbounds, Request};
pub use operate::{Filter, Replay, Retention};

use crate::mapping::PutMappings;
use crate::master_key::MasterKey;
use crate::outbox::OutboxEntries;
use crate::registry::PutStores;
use crate::secret::SecretText;

/// One change. It is done whole or, when refused, not at all.
#[derive(Debug)]
pub enum Command {
    /// Store a raw request. Answer: [`Applied::Accepted`](crate::Applied::Accepted).
    Accept(Accept),
    /// Lease pending inbounds that are due. Answer: [`Applied::Inbounds`](crate::Applied::Inbounds).
    ClaimInbounds(ClaimInbounds),
    /// Read an inbound later: its system cannot be asked now. Its attempts are counted. Answer: `Done`.
    PostponeInbound {
        /// The inbound.
        inbound: i64,
        /// When it is due again.
        due_at: Millis,
        /// Why it cannot be read now.
        why: Problem,
        /// Now.
        now: Millis,
    },
    /// Store the events of an inbound or a poll and enqueue their deliveries. Answer: `Admitted`.
    Admit(Admit),
    /// Set an inbound aside that cannot be read. Answer: `Done`.
    Quarantine {
        /// The inbound.
        inbound: i64,
        /// Why it cannot be read.
        problem: Problem,
    },
    /// Make a quarantined inbound pending again, due at once. Answer: `Done`.
    Reread {
        /// The inbound.
        inbound: i64,
        /// Who asked, for the audit.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Claim due deliveries, durably. Answer: `Claimed`.
    Claim(Claim),
    /// Record the outcome of a claimed delivery. Answer: `Settled`.
    Settle(Box<Settle>),
    /// Record the outcomes of all deliveries of one call together with the files and numbers it put into the
    /// outbox: all of it, or nothing. Refused as a whole when a claim is no longer the newest
    /// ([`Error::Fenced`](crate::Error::Fenced)) or a file name was used before
    /// ([`Error::Taken`](crate::Error::Taken)). Answer: `SettledBatch`.
    SettleBatch(Box<SettleBatch>),
    /// Store outbox entries of a call that neither settles nor admits anything. Answer: `Done`.
    PutOutbox(OutboxEntries),
    /// An outbox file is in the exchange folder now. Reporting it again does nothing. Answer: `Done`.
    FileWritten {
        /// The file.
        file: i64,
        /// Now.
        now: Millis,
    },
    /// Confirm a `received` delivery as posted. Answer: `Settled`.
    Confirm {
        /// The delivery.
        delivery: i64,
        /// The target's references by now; added to those that are known.
        references: Vec<Reference>,
        /// Now.
        now: Millis,
    },
    /// Give back deliveries whose lease ran out; each may have been sent. Also tries deliveries again whose
    /// waiting time has come. At most `limit` of each; the answer says when there are more. Answer: `Tally`.
    Expire {
        /// Now.
        now: Millis,
        /// How many of each at most.
        limit: u32,
    },
    /// Give back every claimed delivery, whatever its lease says: at start-up, when no other process can
    /// hold one; each may have been sent. Also ends the leases of requests that were being read. At most `limit`; the
    /// answer says when there are more. Answer: `Tally`.
    RecoverClaims {
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Make exceptions of deliveries that waited longer than `wait_limit` at a connector for another entity
    /// (`referent-missing`) and of those that it has `received` and not confirmed in time (`overdue`). At most
    /// `limit` of each; the answer says when there are more. Answer: `Tally`.
    Overdue {
        /// The connector.
        connector: String,
        /// Now.
        now: Millis,
        /// How long a delivery may wait for another entity.
        wait_limit: std::time::Duration,
        /// How many of each at most.
        limit: u32,
    },
    /// Release more deliveries that await what is there by now: an arrival releases a bounded number at once, and
    /// leaves the rest to this command. At most `limit`; the answer says when there are more. Answer: `Tally`.
    ReleaseAwaiting {
        /// Now.
        now: Millis,
        /// How many at most.
        limit: u32,
    },
    /// Try an exception again, with attempts counted from the start. Answer: `Tally`.
    Retry {
        /// The delivery.
        delivery: i64,
        /// Who asked, for the audit.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Give an exception up: settled as discarded, and its lane goes on. Answer: `Tally`.
    Discard {
        /// The delivery.
        delivery: i64,
        /// Why.
        why: String,
        /// Who asked, for the audit.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Deliver again what was settled: one page of it. Answer: `Tally`, with the position of the next page.
    Replay(Replay),
    /// Claim nothing for this connector any more. Answer: `Done`.
    Pause {
        /// The connector.
        connector: String,
        /// Why, for a person.
        why: Problem,
        /// Who asked; the host itself is `host`.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Claim for this connector again. Answer: `Tally` (of nothing; the connector is ready).
    Resume {
        /// The connector.
        connector: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Erase a person: the keys of their data are destroyed, and with them everything stored under them, for
    /// ever. Raw inbounds rest under keys of their day and go with their retention. A bounded number of keys a
    /// command; the answer says when there are more. Answer: `Tally` with the number of keys destroyed.
    ErasePerson {
        /// The subject: a customer's identity text, or an order's where no customer is known.
        subject: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Drop a bounded part of what is older than its retention. Answer: `Tally` with the number of things
    /// dropped, and whether there is more.
    ApplyRetention(Retention),
    /// Store an API token by its hash. Answer: `Done`.
    PutToken {
        /// Its name.
        name: String,
        /// SHA-256 of the token.
        hash: [u8; 32],
        /// Who asked; the host itself is `host`.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Delete an API token. Answer: `Done`.
    RevokeToken {
        /// Its name.
        name: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Set and remove mappings; deliveries that await one of them are released. Answer: `Stored`.
    PutMappings(PutMappings),
    /// Put and remove stores; deliveries that await one of them are released. Refused when two stores would have
    /// the same code in a system ([`Error::Taken`](crate::Error::Taken)). Answer: `Stored`.
    PutStores(PutStores),
    /// Put a secret, if it is at the version that the caller expects. Refused when it is not
    /// ([`Error::Changed`](crate::Error::Changed)). Answer: `Version`.
    PutSecret {
        /// Its name.
        name: String,
        /// Its text.
        value: SecretText,
        /// The version it has to be at; 0: there has to be none. Absent: any.
        expected: Option<u64>,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Delete a secret. Answer: `Done`.
    RemoveSecret {
        /// Its name.
        name: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Seal the database under another master key: from the commit on it opens with the new one only.
    /// Answer: `Done`.
    Rekey {
        /// The new master key.
        to: MasterKey,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Run this plugin for a connector from now on. Answer: `Done`.
    ChoosePlugin {
        /// The connector.
        connector: String,
        /// The plugin, as a specification that finds it again; absent: the one that the configuration names.
        plugin: Option<String>,
        /// The one to go back to, likewise. Absent: there is none.
        previous: Option<String>,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Record an operator's act that no other command records. Answer: `Done`.
    Audit {
        /// Who.
        by: String,
        /// Did what (`plugin.swap`).
        action: String,
        /// To what.
        subject: String,
        /// In detail.
        detail: String,
        /// Now.
        now: Millis,
    },
    /// The database was restored from a backup: everything unsettled may have been sent, and serial and
    /// sequence numbers skip ahead. Answer: `Tally`.
    StartIncarnation {
        /// The new incarnation.
        incarnation: Uuid,
        /// How many numbers to skip for each connector.
        skip: u64,
        /// Now.
        now: Millis,
    },
}

impl Command {
    /// True for a command whose bulk changes stand in a transaction of their own: they change rows that no other
    /// command of a unit could see.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        matches!(
            self,
            Self::ApplyRetention(_)
                | Self::ErasePerson { .. }
                | Self::Rekey { .. }
                | Self::StartIncarnation { .. }
        )
    }

    /// True when the answer counts the rows that the database says a bulk change has touched.
    pub(crate) fn counts_rows(&self) -> bool {
        matches!(self, Self::ApplyRetention(_) | Self::StartIncarnation { .. })
    }
}
