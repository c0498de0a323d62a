//! Echoes of what Crossdock wrote to a system, and values reported by a system that does not own the attribute.

use crossdock_model::connector::Written;
use crossdock_model::event::{Event, Fact};
use crossdock_rules::attributes::Attribute;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::{Next, Settlement};

use super::samples::*;
use crate::view::Page;
use crate::{Admitted, Command, Filter, Replay, Store, Target};

/// The channel of most tests: events come from it, and it is written to.
pub(crate) const SHOP: &str = "shop";

/// The order with these tags, and with what else is changed.
pub(crate) fn tagged(
    at: i64,
    tags: &[&str],
    change: impl FnOnce(&mut crossdock_model::order::Order),
) -> Event {
    let mut event = order("order.updated", 1, at);
    if let Fact::Order(fact) = &mut event.fact {
        fact.order.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        change(&mut fact.order);
    }
    event
}

pub(crate) fn written(entity: &Event, attribute: &str, value: &str) -> Written {
    Written { entity: entity.entity.clone(), attribute: attribute.into(), value: value.into() }
}

/// An event of the ERP for the shop: its document of order 1.
pub(crate) fn status(at: i64, state: &str) -> Event {
    document("4711", at, serde_json::json!({ "kind": "sales-order", "state": state }))
}

impl Driver {
    pub(crate) async fn admit_from(&self, source: &str, event: Event, to: &[&str], now: i64) -> Admitted {
        let system = |to: &str| if to == SHOP { "shopify" } else { "tryton" };
        let targets = to
            .iter()
            .map(|to| Target { system: Some(system(to).into()), ..super::samples::to(to) })
            .collect();
        self.admit(vec![from(source, new(event, targets))], t(now)).await
    }

    /// Delivers an event of the ERP to the shop, whose connector answers that it wrote these values.
    async fn write(&self, event: Event, written: Vec<Written>, now: i64) {
        self.admit_from(ERP, event, &[SHOP], now).await;
        let claimed = self.claim_of(SHOP, 1, t(now)).await.pop().unwrap();
        self.settle(&claimed, Settlement { outbound_writes: written, ..posted(&[]) }, t(now)).await;
    }
}

/// The ERP has order 1 as it was placed, and its number was written to the order's tags.
async fn with_our_tag(store: &Driver) {
    let placed = tagged(0, &["vip"], |_| ());
    store.admit_from(SHOP, placed.clone(), &[ERP], 1).await;
    let claimed = store.claim(t(1)).await.pop().unwrap();
    store.settle(&claimed, posted(&["SO-1"]), t(1)).await;
    store.write(status(2, "accepted"), vec![written(&placed, "order.tags", "SO-1, vip")], 2).await;
}

pub async fn what_was_written_in_passing_comes_back_too(store: Store) {
    let store = Driver(store);
    with_our_tag(&store).await;
    let placed = tagged(0, &[], |_| ());
    let steps = vec![written(&placed, "order.tags", "vip"), written(&placed, "order.tags", "SO-2, vip")];
    store.write(status(3, "processing"), steps, 3).await;
    // The value before is one that nobody wrote any more.
    let reported =
        [(4, ["vip"].as_slice(), "echo"), (5, &["SO-2", "vip"], "echo"), (6, &["SO-1", "vip"], "ready")];
    for (at, tags, wanted) in reported {
        let admitted = store.admit_from(SHOP, tagged(at, tags, |_| ()), &[ERP], at).await;
        assert_eq!(admitted.deliveries[0].state, wanted, "{tags:?}");
    }
}

pub async fn what_was_written_before_is_known_when_it_comes_back_late(store: Store) {
    let store = Driver(store);
    with_our_tag(&store).await;
    let placed = tagged(0, &[], |_| ());
    for (at, state, tag) in [(3, "processing", "SO-2"), (4, "cancelled", "SO-3")] {
        store.write(status(at, state), vec![written(&placed, "order.tags", tag)], at).await;
    }
    // The shop reports both writes only now, and the second one twice. Then somebody sets the first one back.
    let reported = [(5, "SO-2", "echo"), (6, "SO-3", "echo"), (7, "SO-3", "echo"), (8, "SO-2", "ready")];
    for (at, tag, wanted) in reported {
        let admitted = store.admit_from(SHOP, tagged(at, &[tag], |_| ()), &[ERP], at).await;
        assert_eq!(admitted.deliveries[0].state, wanted, "{tag}");
    }
}

pub async fn what_comes_back_as_it_was_written_is_not_sent_round_again(store: Store) {
    let store = Driver(store);
    with_our_tag(&store).await;
    let back = store.admit_from(SHOP, tagged(3, &["vip", "SO-1"], |_| ()), &[ERP], 3).await;
    assert_eq!((back.deliveries[0].state, back.echoes, back.conflicts), ("echo", 1, 0));
    let shown = store.0.delivery(back.deliveries[0].delivery).await.unwrap().unwrap().row;
    assert_eq!((shown.ending.as_deref(), shown.reason.unwrap().code.as_str()), (Some("echo"), "echo"));
    // Two webhooks that report the same echo are both settled as echoes.
    let again = store.admit_from(SHOP, tagged(4, &["SO-1", "vip"], |_| ()), &[ERP], 4).await;
    assert_eq!(again.deliveries[0].state, "echo");
    assert!(store.claim(t(4)).await.is_empty());
    // A state older than the echo is stale, as it would be if the echo had been a change.
    let older = store.admit_from(SHOP, tagged(2, &[], |_| ()), &[ERP], 5).await;
    assert_eq!(older.deliveries[0].state, "stale");
}

pub async fn a_change_back_to_what_was_written_is_news(store: Store) {
    let store = Driver(store);
    with_our_tag(&store).await;
    let more = ["SO-1", "vip", "gift"];
    let reported: [(i64, &[&str], &str); 5] = [
        (3, &["SO-1", "vip"], "echo"),
        (4, &more, "ready"),
        (5, &more, "echo"),
        (6, &["SO-1", "vip"], "ready"),
        (7, &["SO-1", "vip"], "echo"),
    ];
    for (at, tags, wanted) in reported {
        let admitted = store.admit_from(SHOP, tagged(at, tags, |_| ()), &[ERP], at).await;
        assert_eq!(admitted.deliveries[0].state, wanted, "at {at}");
        for claimed in store.claim(t(at)).await {
            store.settle(&claimed, posted(&[]), t(at)).await;
        }
    }
    // A value that is written again is recognised as an echo again.
    store
        .write(status(8, "processing"), vec![written(&tagged(0, &[], |_| ()), "order.tags", "SO-1")], 8)
        .await;
    assert_eq!(
        store.admit_from(SHOP, tagged(9, &["SO-1"], |_| ()), &[ERP], 9).await.deliveries[0].state,
        "echo"
    );
}

pub async fn a_change_is_sent_though_an_echo_comes_with_it(store: Store) {
    let store = Driver(store);
    with_our_tag(&store).await;
    let news = tagged(3, &["vip", "SO-1"], |order| order.number = "#1-B".into());
    let admitted = store.admit_from(SHOP, news, &[ERP], 3).await;
    assert_eq!((admitted.deliveries[0].state, admitted.echoes), ("ready", 0));
    let claimed = store.claim(t(3)).await.pop().unwrap();
    store.settle(&claimed, posted(&[]), t(3)).await;
    // A connector that never received the order receives it, although another one has it already.
    let admitted = store.admit_from(SHOP, tagged(4, &["vip", "SO-1"], |_| ()), &["wms"], 4).await;
    assert_eq!(admitted.deliveries[0].state, "ready");
}

pub async fn what_is_personal_is_news_too_and_our_own_note_is_not(store: Store) {
    let store = Driver(store);
    let noted = |at, name: &str, note: Option<&str>| {
        let mut event = with_person(tagged(at, &[], |_| ()), name);
        if let Fact::Order(fact) = &mut event.fact {
            fact.order.personal.as_mut().unwrap().note = note.map(str::to_owned);
        }
        event
    };
    store.admit_from(SHOP, noted(0, "Ada", None), &[ERP], 1).await;
    let claimed = store.claim(t(1)).await.pop().unwrap();
    store.settle(&claimed, posted(&["SO-1"]), t(1)).await;
    let same = store.admit_from(SHOP, noted(2, "Ada", None), &[ERP], 2).await;
    assert_eq!(same.deliveries[0].state, "echo");
    let ours = vec![written(&noted(0, "Ada", None), "order.note", "is SO-1 ")];
    store.write(status(3, "accepted"), ours, 3).await;
    let back = store.admit_from(SHOP, noted(4, "Ada", Some("is SO-1")), &[ERP], 4).await;
    assert_eq!(back.deliveries[0].state, "echo");
    let changed = store.admit_from(SHOP, noted(5, "Ada Lovelace", Some("is SO-1")), &[ERP], 5).await;
    assert_eq!(changed.deliveries[0].state, "ready");
    let claimed = store.claim(t(5)).await.pop().unwrap();
    assert_eq!(claimed.event, noted(5, "Ada Lovelace", Some("is SO-1")));
}

pub async fn reported_values_are_recognised_under_another_master_key(store: Store) {
    let store = Driver(store);
    let noted = |at, note: &str| {
        let mut event = with_person(tagged(at, &[], |_| ()), "Ada");
        if let Fact::Order(fact) = &mut event.fact {
            fact.order.personal.as_mut().unwrap().note = Some(note.to_owned());
        }
        event
    };
    store.admit_from(SHOP, noted(0, "ring twice"), &[ERP], 1).await;
    let claimed = store.claim(t(1)).await.pop().unwrap();
    store.settle(&claimed, posted(&["SO-1"]), t(1)).await;
    let ours = vec![written(&noted(0, ""), "order.note", "is SO-1")];
    store.write(status(2, "accepted"), ours, 2).await;
    let to = crate::MasterKey::new([9; 32]);
    store.one(Command::Rekey { to, by: "me".into(), now: t(3) }).await.unwrap();
    for (at, note, wanted) in [(4, "ring twice", "echo"), (5, "is SO-1", "echo"), (6, "no", "ready")] {
        let admitted = store.admit_from(SHOP, noted(at, note), &[ERP], at).await;
        assert_eq!(admitted.deliveries[0].state, wanted, "{note}");
    }
}

pub async fn a_possible_echo_waits_until_the_in_flight_write_is_resolved(store: Store) {
    let store = Driver(store);
    let placed = tagged(0, &[], |_| ());
    store.admit_from(SHOP, placed.clone(), &[ERP], 1).await;
    let claimed = store.claim(t(1)).await.pop().unwrap();
    store.settle(&claimed, posted(&["SO-1"]), t(1)).await;
    // The shop reports the tag before it has answered the call that sets it.
    store.admit_from(ERP, status(2, "accepted"), &[SHOP], 2).await;
    let writing = store.claim_of(SHOP, 1, t(2)).await.pop().unwrap();
    let back = store.admit_from(SHOP, tagged(3, &["SO-1"], |_| ()), &[ERP], 3).await;
    assert_eq!(back.deliveries[0].state, "waiting");
    assert!(store.claim(t(3)).await.is_empty());
    let why = store.0.stuck(Some(ERP), t(3), stuck_page(5)).await.unwrap();
    assert!(why[0].why.contains("in flight"), "{why:?}");
    let ours = vec![written(&placed, "order.tags", "SO-1")];
    let settled = store.settle(&writing, Settlement { outbound_writes: ours, ..posted(&[]) }, t(4)).await;
    assert!(settled.released.is_empty());
    assert_eq!(store.state(back.deliveries[0].delivery).await, "echo");

    // What turns out to be a change is released, with the newer states that joined it meanwhile.
    store.admit_from(ERP, status(5, "processing"), &[SHOP], 5).await;
    let writing = store.claim_of(SHOP, 1, t(5)).await.pop().unwrap();
    let vip = store.admit_from(SHOP, tagged(6, &["SO-1", "vip"], |_| ()), &[ERP], 6).await;
    let more = tagged(7, &["SO-1", "vip", "gift"], |_| ());
    assert_eq!(store.admit_from(SHOP, more.clone(), &[ERP], 7).await.deliveries[0].state, "joined");
    let delivery = vip.deliveries[0].delivery;
    assert_eq!(store.settle(&writing, posted(&[]), t(8)).await.released, [delivery]);
    assert_eq!(store.claim_only(delivery, t(8)).await.event, more);
}

pub async fn what_waits_for_a_call_that_is_lost_waits_until_it_is_looked_up(store: Store) {
    let store = Driver(store);
    let placed = tagged(0, &[], |_| ());
    store.admit_from(SHOP, placed.clone(), &[ERP], 0).await;
    let claimed = store.claim(t(0)).await.pop().unwrap();
    store.settle(&claimed, posted(&["SO-1"]), t(0)).await;
    store.admit_from(ERP, status(1, "accepted"), &[SHOP], 1).await;
    store.claim_of(SHOP, 1, t(1)).await;
    let back = store.admit_from(SHOP, tagged(2, &["SO-1"], |_| ()), &[ERP], 2).await;
    assert_eq!(back.deliveries[0].state, "waiting");
    // The host is killed and looks up what it had sent: the first look-up does not find it yet, the second one does.
    store.tally(Command::RecoverClaims { now: t(3), limit: 1000 }).await;
    let looking = store.claim_of(SHOP, 1, t(3)).await.pop().unwrap();
    assert!(looking.look_up);
    let again = answer(Next::Retry { at: t(4), find: true }, Sent::Maybe);
    store.settle(&looking, again, t(3)).await;
    assert!(store.claim(t(4)).await.is_empty(), "whether it is an echo is not known yet");
    let looking = store.claim_of(SHOP, 1, t(4)).await.pop().unwrap();
    let ours = vec![written(&placed, "order.tags", "SO-1")];
    store.settle(&looking, Settlement { outbound_writes: ours, ..posted(&[]) }, t(5)).await;
    assert_eq!(store.state(back.deliveries[0].delivery).await, "echo");

    // When the in-flight write stays unresolved, the delivery is released after the time limit.
    store.admit_from(ERP, status(6, "processing"), &[SHOP], 6).await;
    store.claim_of(SHOP, 1, t(6)).await;
    let admitted = store.admit_from(SHOP, tagged(7, &["SO-1", "vip"], |_| ()), &[ERP], 7).await;
    let delivery = admitted.deliveries[0].delivery;
    store.tally(Command::RecoverClaims { now: t(8), limit: 1000 }).await;
    store.tally(Command::Expire { now: t(9), limit: 1000 }).await;
    assert!(store.claim(t(9)).await.is_empty());
    store.tally(Command::Expire { now: t(600), limit: 1000 }).await;
    store.claim_only(delivery, t(600)).await;
}

pub async fn a_value_reported_by_a_non_owner_is_recorded_and_not_sent(store: Store) {
    let store = Driver(store);
    let foreign = |at, available: &str| {
        let level = level("shopify", "A", "7", Some(available), at);
        let new = from(SHOP, new(level, vec![to(ERP)]));
        crate::NewEvent { foreign: vec![Attribute::StockAvailable], ..new }
    };
    let admitted = store.admit(vec![foreign(1, "3")], t(1)).await;
    assert_eq!((admitted.deliveries[0].state, admitted.conflicts), ("conflict", 1));
    let reason =
        store.0.delivery(admitted.deliveries[0].delivery).await.unwrap().unwrap().row.reason.unwrap();
    assert!(reason.message.contains("stock.available"), "{reason:?}");
    // The value that Crossdock wrote there is an echo, not a conflict.
    let five = level("shopify", "A", "7", Some("5"), 0);
    store.write(status(2, "accepted"), vec![written(&five, "stock.available", "5.0")], 2).await;
    assert_eq!(store.admit(vec![foreign(3, "5")], t(3)).await.deliveries[0].state, "echo");
    let admitted = store.admit(vec![foreign(4, "4")], t(4)).await;
    assert_eq!(admitted.deliveries[0].state, "conflict");
    assert!(store.claim(t(4)).await.is_empty());
    let page = Page::default();
    let conflicts = store.0.conflicts(Some(SHOP), page).await.unwrap();
    let shown: Vec<_> = conflicts
        .iter()
        .map(|it| (it.event, it.attribute.as_str(), it.value.as_deref(), it.written.as_deref(), it.applied))
        .collect();
    let first = conflicts[1].event;
    assert_eq!(
        shown,
        [
            (admitted.events[0], "stock.available", Some("4"), Some("5"), false),
            (first, "stock.available", Some("3"), None, false),
        ]
    );
    assert!(store.0.conflicts(Some(ERP), page).await.unwrap().is_empty());
    // A person who replays does not apply it either.
    let filter = Filter { connector: Some(ERP.into()), ..Filter::default() };
    let replay = Replay { filter, generation: None, after: None, page: 1000, by: "me".into(), now: t(5) };
    assert_eq!(store.tally(Command::Replay(replay)).await.count, 0);
}

pub async fn a_conflict_that_comes_with_a_change_is_sent_and_recorded(store: Store) {
    let store = Driver(store);
    let owned = |event| {
        let new = from(SHOP, new(event, vec![to(ERP)]));
        crate::NewEvent { foreign: vec![Attribute::OrderTags], ..new }
    };
    let admitted = store.admit(vec![owned(tagged(0, &["a"], |_| ()))], t(1)).await;
    assert_eq!((admitted.deliveries[0].state, admitted.conflicts), ("ready", 0));
    let conflicts = store.0.conflicts(None, Page::default()).await.unwrap();
    assert_eq!((conflicts.len(), conflicts[0].attribute.as_str()), (1, "order.tags"));
    assert!(conflicts[0].applied);
    // The conflict alone does not join what has yet to be sent.
    let admitted = store.admit(vec![owned(tagged(1, &["b"], |_| ()))], t(2)).await;
    assert_eq!(admitted.deliveries[0].state, "conflict");
    let claimed = store.claim(t(2)).await.pop().unwrap();
    assert_eq!(claimed.event, tagged(0, &["a"], |_| ()));
}

pub async fn an_echo_takes_nothing_away_from_what_a_person_has_to_decide(store: Store) {
    let store = Driver(store);
    let (placed, _) = store.enqueue(tagged(0, &[], |_| ()), t(1)).await;
    let claimed = store.claim_only(placed, t(1)).await;
    // The same state reported again while the first is in flight: an echo.
    assert_eq!(store.enqueue(tagged(2, &[], |_| ()), t(2)).await.1, "echo");
    store.settle(&claimed, rejected(Sent::No), t(3)).await;
    store.tally(Command::Retry { delivery: placed, by: "me".into(), now: t(4) }).await;
    store.settle(&store.claim_only(placed, t(4)).await, posted(&["SO-1"]), t(4)).await;
    // It was the last delivery that was enqueued, so it can be replayed.
    let filter = Filter { delivery: Some(placed), ..Filter::default() };
    let replay = Replay { filter, generation: None, after: None, page: 1000, by: "me".into(), now: t(5) };
    assert_eq!(store.tally(Command::Replay(replay)).await.count, 1);
}

/// The ERP refused the order and that was written to the shop: the shop's echo of it does not send the order again, and
/// a person's retry sends the latest state of the order.
pub async fn an_echo_does_not_send_again_what_was_refused(store: Store) {
    let store = Driver(store);
    let placed = tagged(0, &["vip"], |_| ());
    store.admit_from(SHOP, placed.clone(), &[ERP], 1).await;
    let refused = store.claim(t(1)).await.pop().unwrap();
    store.settle(&refused, rejected(Sent::No), t(1)).await;
    store.write(status(2, "refused"), vec![written(&placed, "order.tags", "refused, vip")], 2).await;
    let back = tagged(3, &["vip", "refused"], |_| ());
    assert_eq!(store.admit_from(SHOP, back.clone(), &[ERP], 3).await.deliveries[0].state, "joined");
    assert!(store.claim(t(4)).await.is_empty());
    store.tally(Command::Retry { delivery: refused.delivery, by: "me".into(), now: t(5) }).await;
    assert_eq!(store.claim(t(5)).await.pop().unwrap().event, back);
}

/// Shop → ERP → shop → ERP: every change is sent to the other side once, whatever comes back meanwhile.
pub async fn a_full_circle_comes_to_rest(store: Store) {
    let store = Driver(store);
    let mut shop = tagged(0, &[], |_| ());
    let (mut clock, mut sent_to_erp, mut sent_to_shop) = (1, 0, 0);
    store.admit_from(SHOP, shop.clone(), &[ERP], clock).await;
    for _ in 0..20 {
        clock += 1;
        for claimed in store.claim_of(ERP, 10, t(clock)).await {
            sent_to_erp += 1;
            store.settle(&claimed, posted(&["SO-1"]), t(clock)).await;
            store.admit_from(ERP, status(clock, "accepted"), &[SHOP], clock).await;
        }
        for claimed in store.claim_of(SHOP, 10, t(clock)).await {
            sent_to_shop += 1;
            shop = tagged(clock, &["SO-1"], |_| ());
            // The webhook overtakes the answer.
            store.admit_from(SHOP, shop.clone(), &[ERP], clock).await;
            let ours = vec![written(&shop, "order.tags", "SO-1")];
            store.settle(&claimed, Settlement { outbound_writes: ours, ..posted(&[]) }, t(clock)).await;
        }
    }
    assert_eq!((sent_to_erp, sent_to_shop), (1, 1));
    let counts = store.0.counts().await.unwrap();
    assert!(counts.iter().all(|count| count.ready + count.queued + count.waiting + count.exception == 0));
    // A step that is tried again writes nothing twice.
    let again = answer(Next::Retry { at: t(50), find: false }, Sent::No);
    store.admit_from(ERP, status(40, "processing"), &[SHOP], 40).await;
    let claimed = store.claim_of(SHOP, 10, t(40)).await.pop().unwrap();
    store.settle(&claimed, again, t(41)).await;
    assert_eq!(store.claim_of(ERP, 10, t(41)).await.len(), 0);
}
