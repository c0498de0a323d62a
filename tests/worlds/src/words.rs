//! Steps in plain words.

use crossdock_engine::delivery::Delivery;

use crate::step::{Fate, Reply, Step};
use crate::world::{Call, SmallWorld, State};

impl SmallWorld {
    /// What a step is, in a sentence. It says the same of the same step, whatever the numbers of events and deliveries.
    pub(crate) fn describe_step(&self, state: &State, step: &Step) -> String {
        let name = |connector: &usize| self.connectors[*connector].name;
        let late = || state.calls.iter().filter(|call| call.claimed.lease_until <= state.now);
        match step {
            Step::Arrive(arrival) => {
                let again = if state.arrived[*arrival] { " once more" } else { "" };
                format!("{} arrives{again}", self.arrivals[*arrival].name)
            }
            Step::ArriveUnheard(arrival) => {
                let arrival = &self.arrivals[*arrival].name;
                format!("{arrival} arrives and is stored; the host is killed before its source hears of it")
            }
            Step::Claim { connector, limit } => match limit {
                1 => format!("{} is given what is due first", name(connector)),
                _ => format!("{} is given all that is due", name(connector)),
            },
            Step::CarryOut(call) => {
                format!("the target carries out {}, and has not answered yet", self.call(&state.calls[*call]))
            }
            Step::Answer(call, reply) => {
                let call = &state.calls[*call];
                format!("{} is answered: {}", self.call(call), reply_in_words(*reply, call.find))
            }
            Step::TakeEffect(late) => {
                format!("what was sent before takes effect: {}", self.words(&state.late[*late].request))
            }
            Step::Sweep(fates) => match fates.is_empty() {
                true => "the waiting time of a delivery is over".to_owned(),
                false => {
                    format!("a claim is given back, since its lease has ended: {}", self.fates(late(), fates))
                }
            },
            Step::Overdue(connector) => {
                format!("{} has let something wait for too long: a person has to look", name(connector))
            }
            Step::Tick => "ten seconds pass".to_owned(),
            Step::Crash(fates) => match fates.is_empty() {
                true => "the host is killed and starts again".to_owned(),
                false => {
                    format!("the host is killed and starts again: {}", self.fates(state.calls.iter(), fates))
                }
            },
            Step::Document(letter) => {
                let letter = &state.letters[*letter];
                let says = if letter.booked { "is booked" } else { "is refused" };
                format!("a document says that {} {says}", self.words(&letter.request))
            }
            Step::Retry(delivery) => format!("a person retries {}", self.delivery(state, *delivery)),
            Step::Discard { delivery, .. } => {
                format!("a person discards {}", self.delivery(state, *delivery))
            }
            Step::Map(delivery) => format!("a person adds what {} lacks", self.delivery(state, *delivery)),
            Step::Resume(connector) => format!("a person resumes {}", name(connector)),
            Step::PausedByAnother(connector) => {
                format!("{} is paused because of another order", name(connector))
            }
        }
    }

    fn call(&self, call: &Call) -> String {
        let what = if call.find { "the question about" } else { "the request for" };
        format!("{what} {} at {}", self.words(&call.request), self.connectors[call.connector].name)
    }

    fn delivery(&self, state: &State, id: i64) -> String {
        let rows: Vec<Delivery> = state.memory.deliveries();
        let code = rows.iter().find(|row| row.id == id).and_then(|row| row.reason.as_ref());
        let code = code.map_or_else(String::new, |reason| format!(" ({})", reason.code));
        match (state.requests.get(&id), rows.iter().find(|row| row.id == id)) {
            (Some(request), _) => format!("{}{code}", self.words(request)),
            (None, Some(row)) => format!("{}{code}", row.entity),
            (None, None) => "nothing".to_owned(),
        }
    }

    fn fates<'c>(&self, calls: impl Iterator<Item = &'c Call>, fates: &[Fate]) -> String {
        let each = calls.zip(fates).map(|(call, fate)| {
            let fate = match fate {
                Fate::Done => "was carried out",
                Fate::Never => "never got there",
                Fate::Late => "takes effect later",
            };
            format!("{} {fate}", self.call(call))
        });
        each.collect::<Vec<_>>().join("; ")
    }
}

fn reply_in_words(reply: Reply, find: bool) -> String {
    let fate = |fate| match fate {
        Fate::Done => "it was carried out",
        Fate::Never => "it never got there",
        Fate::Late => "it takes effect later",
    };
    let text = match reply {
        Reply::Truth if find => "what is true",
        Reply::Truth => "booked, if it can be",
        Reply::AlreadyThere => "already there",
        Reply::Received { booked: true } => "received; it will be booked",
        Reply::Received { booked: false } => "received; it will be refused",
        Reply::Partial => "a part is done",
        Reply::NotYet => "not yet",
        Reply::Ignored => "ignored",
        Reply::Stale => "stale, it was changed there",
        Reply::Unavailable => "unavailable",
        Reply::Throttled => "throttled",
        Reply::Unauthorized => "unauthorized",
        Reply::Rejected => "rejected",
        Reply::Unmapped { mapped_meanwhile: false } => "a mapping is missing",
        Reply::Unmapped { mapped_meanwhile: true } => "a mapping is missing, which was added meanwhile",
        Reply::Pending => "pending",
        Reply::Unknown(of) => return format!("unknown; {}", fate(of)),
        Reply::Trap(of) => return format!("the plugin traps; {}", fate(of)),
        Reply::Deadline(of) => return format!("the plugin takes too long; {}", fate(of)),
    };
    text.to_owned()
}
