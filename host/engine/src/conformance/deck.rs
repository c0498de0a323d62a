//! Events of many orders, shuffled: what a random test has arrive.

use crossdock_model::connector::Written;
use crossdock_model::event::Fact;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;

use super::samples::*;
use super::target::{Reported, Target};
use crate::NewEvent;

/// The channel that the orders come from. Some of it is written back to it.
pub const SHOP: &str = "shop";

/// How many events behind the first may arrive before it.
const WINDOW: usize = 200;

/// An event that will arrive.
#[derive(Clone, Debug)]
pub struct Card {
    pub event: NewEvent,
    /// The order's number.
    pub order: u32,
    /// It is reported once this sink's target has booked this key.
    pub after: Option<(usize, String)>,
}

/// What arrives, and what has to be in the books in the end.
#[derive(Debug, Default)]
pub struct Deck {
    cards: Vec<Card>,
    /// What is reported of each order to the ERP, by the order's number from 1.
    pub reported: Vec<Reported>,
    /// The keys of events that only report what was written to their source.
    pub echoes: Vec<String>,
    /// What requests write that comes back, by their keys.
    pub writes: Vec<(String, Written)>,
}

impl Deck {
    /// Events of so many orders. Every eighth is written to by the ERP.
    pub fn of(orders: u32, dice: &mut SmallRng) -> Self {
        let mut deck = Self::default();
        for number in 1..=orders {
            deck.reported.push(Reported::default());
            if number % 8 == 0 {
                deck.written_to(number);
            } else {
                deck.order(number, dice);
            }
        }
        // Events of one order lie near each other, and those of others between them.
        let cards = std::mem::take(&mut deck.cards).into_iter();
        let mut cards: Vec<_> =
            cards.enumerate().map(|(at, card)| (at + dice.random_range(0..WINDOW), card)).collect();
        cards.sort_by_key(|(at, _)| *at);
        deck.cards = cards.into_iter().map(|(_, card)| card).collect();
        deck.cards.reverse();
        deck
    }

    /// An order with some of what can happen to one, some of it reported twice.
    fn order(&mut self, number: u32, dice: &mut SmallRng) {
        let mut events = vec![
            order("order.placed", number, 1),
            order("order.updated", number, 2),
            edit(&format!("e{number}"), number, 3),
            order("order.updated", number, 5),
            order("order.cancelled", number, 9),
            refund(2 * number, number),
            refund(2 * number + 1, number),
        ];
        events.shuffle(dice);
        events.truncate(dice.random_range(3..6));
        if events.iter().all(|event| !matches!(event.fact, Fact::Order(_))) {
            events.push(order("order.placed", number, 1));
        }
        for event in events {
            let event = new(event, vec![to(ERP)]);
            self.reported[number as usize - 1].add(&event.incoming.key, &event.event);
            for _ in 0..dice.random_range(1..3) {
                self.cards.push(Card { event: event.clone(), order: number, after: None });
            }
        }
    }

    /// An order to which the shop adds a tag, since the ERP has invoiced it. The shop reports that, and it is no news.
    fn written_to(&mut self, number: u32) {
        let placed = order("order.placed", number, 1);
        let mut invoice = document(
            &format!("inv-{number}"),
            2,
            serde_json::json!({ "kind": "invoice", "state": "posted" }),
        );
        invoice.parent = Some(placed.entity.clone());
        let mut report = order("order.updated", number, 7);
        if let Fact::Order(change) = &mut report.fact {
            change.order.tags = vec!["as of 1".to_owned(), "invoiced".to_owned()];
        }
        let value = "as of 1, invoiced".to_owned();
        let written = Written { entity: placed.entity.clone(), attribute: "order.tags".to_owned(), value };
        let shop = crate::Target { system: Some("shopify".to_owned()), ..to(SHOP) };
        let placed = new(placed, vec![to(ERP)]);
        let invoice = from(ERP, new(invoice, vec![shop]));
        let report = new(report, vec![to(ERP)]);
        self.reported[number as usize - 1].add(&placed.incoming.key, &placed.event);
        self.echoes.push(report.incoming.key.clone());
        self.writes.push((invoice.incoming.key.clone(), written));
        let after = |sink, event: &NewEvent| Some((sink, event.incoming.key.clone()));
        let (after_placed, after_invoice) = (after(0, &placed), after(1, &invoice));
        self.cards.push(Card { event: placed, order: number, after: None });
        self.cards.push(Card { event: invoice, order: number, after: after_placed });
        self.cards.push(Card { event: report, order: number, after: after_invoice });
    }

    /// True when everything has arrived.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// The next event that can arrive, if there is one.
    pub fn deal(&mut self, targets: &[Target]) -> Option<Card> {
        let possible = |card: &Card| {
            card.after.as_ref().is_none_or(|(sink, key)| {
                let book = targets[*sink].books.get(&order_id(card.order));
                book.is_some_and(|book| book.booked.contains_key(key))
            })
        };
        let at = self.cards.iter().rposition(possible)?;
        Some(self.cards.remove(at))
    }

    /// The event arrives again.
    pub fn put_back(&mut self, card: Card) {
        self.cards.push(card);
    }
}
