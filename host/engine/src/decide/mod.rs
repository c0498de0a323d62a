//! The decisions: one function a command, over the [`State`](crate::state::State) of a unit of work.

mod admit;
mod books;
mod claim;
mod confirm;
mod echo;
mod enqueue;
mod in_flight;
mod intake;
mod lanes;
mod mappings;
mod operate;
mod outbox;
mod place;
mod read_ahead;
mod refunds;
mod registry;
mod replay;
mod retention;
mod sale;
mod secrets;
mod settle;
mod stock;
mod time;

pub(crate) mod prefetch;

use crate::applied::{Applied, Tally};
use crate::command::Command;
use crate::state::{Decision, State};

/// Decides a command.
pub(crate) fn decide(state: &mut State<'_>, command: &Command) -> Decision<Applied> {
    match command {
        Command::Accept(accept) => state.accept(accept),
        Command::ClaimInbounds(claim) => state.claim_inbounds(claim),
        Command::PostponeInbound { inbound, due_at, why: _, now: _ } => state.postpone(*inbound, *due_at),
        Command::Admit(admit) => state.admit(admit),
        Command::Quarantine { inbound, problem } => state.quarantine(*inbound, problem),
        Command::Reread { inbound, by, now } => state.reread(*inbound, by, *now),
        Command::Claim(claim) => state.claim(claim),
        Command::Settle(settle) => state.settle(settle).map(Applied::Settled),
        Command::SettleBatch(batch) => state.settle_batch(batch),
        Command::PutOutbox(entries) => state.put_outbox(entries),
        Command::FileWritten { file, now } => state.file_written(*file, *now),
        Command::Confirm { delivery, references, now } => state.confirm(*delivery, references, *now),
        Command::Expire { now, limit } => state.expire(*now, *limit),
        Command::RecoverClaims { now, limit } => state.recover_claims(*now, *limit),
        Command::Overdue { connector, now, wait_limit, limit } => {
            state.overdue(connector, *now, *wait_limit, *limit)
        }
        Command::ReleaseAwaiting { now, limit } => state.release_pending(*now, *limit),
        Command::Retry { delivery, by, now } => state.retry(*delivery, by, *now).map(tally),
        Command::Discard { delivery, why, by, now } => state.discard(*delivery, why, by, *now),
        Command::Replay(replay) => state.replay(replay),
        Command::Pause { connector, why, by, now } => state.pause_by(connector, why, by, *now),
        Command::Resume { connector, by, now } => state.resume(connector, by, *now),
        Command::ErasePerson { subject, by, now } => state.erase(subject, by, *now),
        Command::ApplyRetention(retention) => state.retain(retention),
        Command::PutToken { name, hash, by, now } => state.put_token(name, hash, by, *now),
        Command::RevokeToken { name, by, now } => state.revoke_token(name, by, *now),
        Command::PutMappings(put) => state.put_mappings(put),
        Command::PutStores(put) => state.put_stores(put),
        Command::PutSecret { name, value, expected, by, now } => {
            state.put_secret(name, value, *expected, by, *now)
        }
        Command::RemoveSecret { name, by, now } => state.remove_secret(name, by, *now),
        Command::Rekey { to, by, now } => state.rekey(to, by, *now),
        Command::ChoosePlugin { connector, plugin, previous, by, now } => {
            state.choose_plugin(connector, plugin.as_deref(), previous.as_deref(), by, *now)
        }
        Command::Audit { by, action, subject, detail, now } => {
            state.audit(by, action, subject, detail, *now);
            Ok(Applied::Done)
        }
        Command::StartIncarnation { incarnation, skip, now } => {
            state.start_incarnation(*incarnation, *skip, *now)
        }
    }
}

fn tally(tally: Tally) -> Applied {
    Applied::Tally(tally)
}
