//! Any commands, in any groups: lanes stay in order, and nothing is lost.

use std::collections::{BTreeMap, HashMap};

use crossdock_model::connector::Written;
use crossdock_rules::lane::{Ending, Sent};
use crossdock_rules::outcome::{Next, Settlement, mapping};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::samples::*;
use crate::view::{EventFilter, Page};
use crate::{Admit, Applied, Claim, Claimed, Command, MappingChange, PutMappings, Settle, Store};

const ORDERS: u32 = 4;

/// What the test itself knows of the deliveries.
#[derive(Default)]
struct Model {
    /// Who holds which claim.
    held: BTreeMap<i64, Claimed>,
    /// The versions of an order that were handed out, in the order they were.
    told: HashMap<String, Vec<i64>>,
    clock: i64,
    version: i64,
}

impl Model {
    fn random(&mut self, dice: &mut SmallRng) -> Command {
        self.clock += dice.random_range(0..20);
        let now = t(self.clock);
        let lease = std::time::Duration::from_secs(60);
        let number = dice.random_range(1..=ORDERS);
        match dice.random_range(0..100) {
            0..35 => {
                self.version += 1;
                let at = self.version - i64::from(dice.random_bool(0.2)) * dice.random_range(1..10);
                let event = match dice.random_range(0..10) {
                    0..3 => order("order.placed", number, at),
                    3..6 => order("order.updated", number, at),
                    6 => order("order.cancelled", number, at),
                    _ => refund(dice.random_range(1..60), number),
                };
                Command::Admit(Admit {
                    inbound: None,
                    cursor: None,
                    handed: None,
                    // Some of it comes from whom it is told to: it may be an echo of what is on its way.
                    events: vec![from(
                        if dice.random_bool(0.5) { ERP } else { "shop" },
                        new(event, vec![to(ERP)]),
                    )],
                    now,
                })
            }
            35..60 => {
                Command::Claim(Claim { connector: ERP.into(), limit: dice.random_range(1..4), now, lease })
            }
            60..90 => match self.held.keys().nth(dice.random_range(0..=self.held.len())).copied() {
                None => Command::Expire { now },
                Some(delivery) => {
                    let claimed = &self.held[&delivery];
                    let settlement = random_answer(dice, self.clock, self.version + 1);
                    let (fence, kind) = (claimed.fence, crate::AttemptKind::Send);
                    let attempt = crate::Attempt {
                        kind,
                        started: now,
                        ended: now,
                        outcome: "any".into(),
                        message: String::new(),
                        exchange: None,
                    };
                    Command::Settle(Box::new(Settle { delivery, fence, settlement, attempt, now }))
                }
            },
            90..93 => Command::TakeOver { now },
            93..95 => {
                Command::Overdue { connector: ERP.into(), now, waiting: std::time::Duration::from_secs(300) }
            }
            95 => {
                let change = MappingChange {
                    connector: ERP.into(),
                    table: "sku".into(),
                    value: "A".into(),
                    target: Some(self.clock.to_string()),
                };
                let by = "dice".into();
                Command::PutMappings(PutMappings { changes: vec![change], by, now, ..PutMappings::default() })
            }
            96..98 => Command::Retry { delivery: dice.random_range(1..80), by: "dice".into(), now },
            _ => Command::Discard {
                delivery: dice.random_range(1..80),
                why: "dice".into(),
                by: "dice".into(),
                now,
            },
        }
    }

    fn see(&mut self, command: &Seen, answer: &Applied) {
        match (command, answer) {
            (_, Applied::Claimed(claimed)) => {
                for claimed in claimed {
                    if let Some(version) = claimed.event.version.as_ref().filter(|_| claimed.sent == Sent::No)
                    {
                        let at = crossdock_model::time::micros(&version.at).unwrap();
                        self.told.entry(claimed.lane.clone()).or_default().push(at);
                    }
                    self.held.insert(claimed.delivery, claimed.clone());
                }
            }
            (Seen::Settle(delivery), Applied::Settled(_)) => {
                self.held.remove(delivery);
            }
            (Seen::Other, _) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug)]
enum Seen {
    Settle(i64),
    Other,
}

fn random_answer(dice: &mut SmallRng, clock: i64, version: i64) -> Settlement {
    match dice.random_range(0..12) {
        0..3 => posted(&["SO"]),
        3..5 => {
            // What it writes may be what the next event tells.
            let told = |number| Written {
                entity: order("order.updated", number, 0).entity,
                attribute: "order.tags".into(),
                value: format!("as of {version}"),
            };
            let written = (1..=ORDERS).map(told).collect();
            Settlement { written, ..posted(&["SO"]) }
        }
        10 => {
            let waits_for = Some(mapping("sku", "A"));
            answer(Next::Exception { code: "unmapped".into(), waits_for }, Sent::No)
        }
        5 => answer(Next::Settle(Ending::Ignored), Sent::No),
        6 => answer(Next::Retry { at: t(clock + 5), find: dice.random() }, Sent::Maybe),
        7 => answer(Next::Received { overdue_at: t(clock + 200), releases: dice.random() }, Sent::Yes),
        8 => answer(
            Next::Wait { referent: order_id(dice.random_range(1..=ORDERS)), again: t(clock + 50) },
            Sent::No,
        ),
        _ => rejected(Sent::No),
    }
}

/// Every delivery, as its lane sees it: lane, id, state, the referent it waits for.
async fn lanes(store: &impl Store) -> BTreeMap<String, Vec<crate::view::DeliveryRow>> {
    let mut lanes: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let page = Page { before: None, limit: 10_000 };
    for event in store.events(&EventFilter::default(), page).await.unwrap() {
        assert!(!event.deliveries.is_empty(), "event {} is owed to nobody", event.id);
        for delivery in event.deliveries {
            lanes.entry(delivery.lane.clone()).or_default().push(delivery);
        }
    }
    lanes.values_mut().for_each(|lane| lane.sort_by_key(|delivery| delivery.id));
    lanes
}

fn in_order(lane: &[crate::view::DeliveryRow]) {
    let heads: Vec<_> = lane.iter().filter(|row| row.state == "ready" || row.state == "sending").collect();
    assert!(heads.len() <= 1, "a lane with two heads: {lane:#?}");
    let code = |row: &crate::view::DeliveryRow| row.reason.as_ref().map(|reason| reason.code.clone());
    let blocked = |row: &&crate::view::DeliveryRow| {
        let passed = ["referent-missing", "overdue"].map(|code| Some(code.to_owned()));
        row.state == "exception" && !passed.contains(&code(row))
    };
    let queued: Vec<_> = lane.iter().filter(|row| row.state == "queued").collect();
    let received = lane.iter().any(|row| row.state == "received" || code(row).as_deref() == Some("overdue"));
    if heads.is_empty()
        && !received
        && let Some(first) = queued.first()
    {
        assert!(
            lane.iter().any(|row| blocked(&row) && row.id < first.id),
            "a lane without a head: {lane:#?}"
        );
    }
}

pub async fn any_commands_leave_lanes_in_order(store: impl Store) {
    let store = Driver(store);
    let mut dice = SmallRng::seed_from_u64(20_261_123);
    let mut model = Model::default();
    for _ in 0..400 {
        // A group is made before any of it is done, so a settlement in it may have been overtaken by then.
        let group: Vec<Command> = (0..dice.random_range(1..6)).map(|_| model.random(&mut dice)).collect();
        let seen: Vec<Seen> = group
            .iter()
            .map(|command| match command {
                Command::Settle(settle) => Seen::Settle(settle.delivery),
                _ => Seen::Other,
            })
            .collect();
        let answers = store.0.apply(group).await.unwrap();
        for (seen, answer) in seen.iter().zip(&answers) {
            match answer {
                Ok(answer) => model.see(seen, answer),
                Err(error) => {
                    assert!(!error.is_fault(), "{error}");
                    if let Seen::Settle(delivery) = seen {
                        model.held.remove(delivery);
                    }
                }
            }
        }
        lanes(&store.0).await.values().for_each(|lane| in_order(lane));
    }
    // What was told for the first time was told in the order of its versions.
    for (lane, told) in &model.told {
        assert!(told.is_sorted(), "{lane} was told out of order: {told:?}");
    }
    // Let everything come to its end: nothing is lost on the way, nothing is left behind.
    for _ in 0..10_000 {
        model.clock += 1000;
        let now = t(model.clock);
        store.moved(Command::TakeOver { now }).await;
        store.moved(Command::Expire { now }).await;
        let mut busy = false;
        for rows in lanes(&store.0).await.into_values() {
            for row in rows {
                if row.state == "exception" || row.state == "received" {
                    let confirm = Command::Confirm { delivery: row.id, references: Vec::new(), now };
                    let retry = Command::Retry { delivery: row.id, by: "end".into(), now };
                    store.one(if row.state == "received" { confirm } else { retry }).await.unwrap();
                }
                busy |= row.state != "settled" && row.state != "waiting";
            }
        }
        for claimed in store.claim(now).await {
            store.settle(&claimed, posted(&[]), now).await;
        }
        if !busy {
            break;
        }
    }
    let left = lanes(&store.0).await;
    let open: Vec<_> = left.values().flatten().filter(|row| row.state != "settled").collect();
    assert!(open.iter().all(|row| row.state == "waiting"), "{open:#?}");
    // Only what refers to an order that never was there still waits.
    for row in open {
        assert!(row.waits_for.is_some());
    }
    let settled: usize = left.values().flatten().filter(|row| row.state == "settled").count();
    assert!(settled > 100, "{settled}");
}
