//! The life of one order: each change as a webhook body, and as the document that the ERP must hold after it.
//!
//! A life is a pure function of the shop's seed and the order's serial, so a run can be repeated and lives
//! need not be stored.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rust_decimal::Decimal;

use super::catalogue::{self, PRODUCTS, Product, REGIONS, Region};
use super::market::Market;
use super::order::{
    Address, Channel, Discount, Line, Order, Payment, Person, Refund, RefundedLine, Shipping, cents,
};
use super::{expect, payload};
use crate::erp::document;

/// The kinds of ids: nine digits, before the nine of the order's serial. Together they are beyond 2^53, where
/// neighbours are the same number to whoever reads them as floats.
const ORDER: u64 = 820_982_911;
const LINE: u64 = 487_817_000;
const REFUND: u64 = 890_088_000;
const REFUND_LINE: u64 = 104_689_000;
const CUSTOMER: u64 = 115_310_627;
const SHIPPING: u64 = 271_878_346;

fn id(kind: u64, serial: u32) -> u64 {
    kind * 1_000_000_000 + u64::from(serial)
}

/// The topic of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `orders/create`
    Created,
    /// `orders/updated`
    Updated,
    /// `orders/paid`
    Paid,
    /// `orders/cancelled`
    Cancelled,
    /// `refunds/create`
    Refunded,
    /// `fulfillments/create`
    FulfilmentCreated,
    /// `fulfillments/update`
    FulfilmentUpdated,
    /// `inventory_levels/update`
    StockSet,
}

impl Topic {
    /// As in `X-Shopify-Topic`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "orders/create",
            Self::Updated => "orders/updated",
            Self::Paid => "orders/paid",
            Self::Cancelled => "orders/cancelled",
            Self::Refunded => "refunds/create",
            Self::FulfilmentCreated => "fulfillments/create",
            Self::FulfilmentUpdated => "fulfillments/update",
            Self::StockSet => "inventory_levels/update",
        }
    }
}

/// A fault that an order is given on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Nothing: the ERP must hold it.
    Good,
    /// It has a SKU the ERP does not know: must end as one exception. It has one webhook only, since later ones
    /// would wait behind the exception.
    UnknownSku,
    /// Its total does not add up: must end quarantined. It has one webhook only.
    Unbalanced,
}

/// The state of the ERP once a webhook has taken effect; an index into the life's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// This snapshot of the order, or a later one.
    Order(usize),
    /// This refund.
    Refund(usize),
}

/// One webhook of a life, before it is sent any number of times.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its topic.
    pub topic: Topic,
    /// The exact bytes; every retry carries them.
    pub body: Bytes,
    /// For `X-Shopify-Triggered-At`.
    pub triggered_at: String,
    /// Its effect on the ERP.
    pub effect: Effect,
}

/// Everything that happens to one order.
#[derive(Debug, Clone)]
pub struct Life {
    /// `shopify/{shop}/order/{id}`
    pub reference: String,
    /// The number people call it by, without its `#`.
    pub number: u32,
    /// Whether and how it is bad.
    pub plant: Plant,
    /// The webhooks in the order in which they happened.
    pub facts: Vec<Fact>,
    /// The document that the ERP must hold after each change of the order; the last is the final one.
    pub snapshots: Vec<document::Order>,
    /// The refunds the ERP must hold in the end.
    pub refunds: Vec<document::Refund>,
    market: Market,
    versions: Vec<Timestamp>,
}

/// How varied lives are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything that happens in a shop.
    Varied,
    /// One `orders/create` of about 6 KB (one line, delivered free of charge) and nothing else: for the
    /// benchmark. Each has its own customer.
    Plain,
}

impl Life {
    /// The life of order number `serial` (nine digits) of a shop.
    pub fn new(shop: &str, seed: u64, serial: u32, plant: Plant, profile: Profile) -> Self {
        let rng = SmallRng::seed_from_u64(seed ^ u64::from(serial).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut builder = LifeBuilder { shop, rng, profile, life: Self::empty(plant), next_line: 0 };
        let mut order = builder.order(serial);
        builder.life.reference = expect::order_reference(shop, order.id);
        builder.life.market = order.market();
        builder.life.number = order.number;
        match plant {
            Plant::Good => {}
            Plant::Unbalanced => order.off_by = Decimal::new(builder.rng.random_range(1..500), 2),
            Plant::UnknownSku => {
                if let Some(line) = order.lines.first_mut() {
                    line.sku = Some(format!("UNKNOWN-{}", serial % 10));
                }
            }
        }
        if plant == Plant::Good && profile == Profile::Varied {
            builder.live(&mut order);
        } else {
            builder.order_changed(&order, &[Topic::Created]);
        }
        builder.life
    }

    fn empty(plant: Plant) -> Self {
        Self {
            reference: String::new(),
            number: 0,
            plant,
            facts: vec![],
            snapshots: vec![],
            refunds: vec![],
            market: Market::Home,
            versions: vec![],
        }
    }

    /// When the order says that it was changed, after each change.
    pub fn versions(&self) -> &[Timestamp] {
        &self.versions
    }

    /// Which of the shop's markets it was sold in.
    pub fn market(&self) -> Market {
        self.market
    }

    /// The order as the ERP must hold it in the end.
    pub fn last(&self) -> Option<&document::Order> {
        self.snapshots.last()
    }
}

struct LifeBuilder<'a> {
    shop: &'a str,
    rng: SmallRng,
    profile: Profile,
    life: Life,
    next_line: u64,
}

impl LifeBuilder<'_> {
    fn chance(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    fn order(&mut self, serial: u32) -> Order {
        let plain = self.profile == Profile::Plain;
        let channel = match self.rng.random_range(0..10) {
            _ if plain => Channel::Web,
            0 | 1 => Channel::Till,
            2 => Channel::Draft,
            _ => Channel::Web,
        };
        let region: &'static Region = match channel {
            _ if plain => &REGIONS[1],
            Channel::Till => &REGIONS[0],
            Channel::Web | Channel::Draft => REGIONS.choose(&mut self.rng).unwrap_or(&REGIONS[0]),
        };
        let day = Timestamp::from_second(1_782_864_000).unwrap_or_default(); // 2026-07-01T00:00Z
        let created = day + Duration::from_secs(self.rng.random_range(0..30 * 86_400));
        let number = 1001 + serial % 1_000_000;
        let mut order = Order {
            serial,
            id: id(ORDER, serial),
            number,
            channel,
            region,
            created,
            updated: created + Duration::from_secs(self.rng.random_range(0..3)),
            customer: None,
            ship_to: None,
            lines: vec![],
            discounts: vec![],
            shipping: None,
            tip: Decimal::ZERO,
            payment: Payment::Pending,
            cancelled: None,
            repeats_address: !plain,
            note: None,
            attributes: vec![],
            refunds: vec![],
            off_by: Decimal::ZERO,
        };
        self.furnish(&mut order);
        order
    }

    fn furnish(&mut self, order: &mut Order) {
        let plain = self.profile == Profile::Plain;
        let count = if plain { 1 } else { *[1, 1, 1, 2, 2, 3, 4].choose(&mut self.rng).unwrap_or(&1) };
        for _ in 0..count {
            let line = self.line(order);
            order.lines.push(line);
        }
        if order.channel != Channel::Till || self.chance(0.3) {
            order.customer = Some(self.person(order.serial));
        }
        if order.channel != Channel::Till {
            order.ship_to = Some(self.address(order.region));
        }
        if order.channel != Channel::Till && !plain {
            let price = Decimal::new(*[495, 790, 1250].choose(&mut self.rng).unwrap_or(&495), 2);
            let reduced_by = if self.chance(0.2) { cents(price / Decimal::TWO) } else { Decimal::ZERO };
            let title = if price > Decimal::from(10) { "Express" } else { "Standard" };
            order.shipping = Some(Shipping { id: id(SHIPPING, order.serial), title, price, reduced_by });
        }
        if !plain && self.chance(0.3) {
            let percent = *[5, 10, 15, 33].choose(&mut self.rng).unwrap_or(&10);
            order.discounts.push(Discount::Percent { code: "SPRING", percent });
        }
        if !plain && self.chance(0.15) {
            let amount = Decimal::new(self.rng.random_range(100..900), 2);
            order.discounts.push(Discount::Fixed { title: "Loyalty", amount });
        }
        if order.channel == Channel::Till && self.chance(0.3) {
            order.tip = Decimal::new(self.rng.random_range(50..800), 2);
        }
        if !plain && self.chance(0.2) {
            order.note = Some(catalogue::note(&mut self.rng));
        }
        if !plain && self.chance(0.2) {
            order.attributes.push(("gift wrap", "yes".to_owned()));
            order.attributes.push(("delivery day", format!("2026-08-{:02}", self.rng.random_range(1..29))));
        }
        let at_once = if order.channel == Channel::Till { 1.0 } else { 0.4 };
        order.payment = match self.chance(at_once) {
            true => Payment::Paid,
            false if self.chance(0.5) => Payment::Authorized,
            false => Payment::Pending,
        };
    }

    fn line(&mut self, order: &Order) -> Line {
        self.next_line += 1;
        let id = id(LINE + self.next_line, order.serial);
        let quantity = *[1, 1, 1, 2, 3, 7].choose(&mut self.rng).unwrap_or(&1);
        if order.channel == Channel::Draft && self.chance(0.5) {
            let price = Decimal::new(self.rng.random_range(500..20_000), 2);
            let title = "Made to measure".to_owned();
            return Line {
                id,
                sku: None,
                title,
                variant: None,
                price,
                quantity,
                grams: 300,
                gift_card: false,
                engraving: None,
            };
        }
        let product: &'static Product = PRODUCTS.choose(&mut self.rng).unwrap_or(&PRODUCTS[0]);
        Line {
            id,
            sku: Some(product.sku.to_owned()),
            title: product.title.to_owned(),
            variant: product.variant,
            price: Decimal::new(product.cents, 2),
            quantity,
            grams: product.grams,
            gift_card: product.gift_card,
            engraving: self.chance(0.05).then_some("For Zoë \u{2665}"),
        }
    }

    /// Somebody; in a varied shop half of the orders are from people who come again.
    fn person(&mut self, serial: u32) -> Person {
        let again = self.profile == Profile::Varied && self.chance(0.5);
        let who = if again { 100_000_000 + self.rng.random_range(0..200) } else { serial };
        let mut rng = SmallRng::seed_from_u64(u64::from(who));
        let (first_name, last_name) = catalogue::name(&mut rng);
        Person { id: id(CUSTOMER, who), first_name, last_name, email: format!("customer.{who}@example.com") }
    }

    fn address(&mut self, region: &'static Region) -> Address {
        Address {
            street: catalogue::street(&mut self.rng),
            flat: self.chance(0.3).then(|| "Flat 2".to_owned()),
            zip: region.zip.to_owned(),
            region,
        }
    }

    /// Adds what happens to a good order: it is changed, paid or cancelled, and some of it is returned.
    fn live(&mut self, order: &mut Order) {
        let paid = order.payment == Payment::Paid;
        // Paid at once: two webhooks, one fact, the same bytes.
        self.order_changed(order, if paid { &[Topic::Created, Topic::Paid] } else { &[Topic::Created] });
        for _ in 0..*[0, 0, 1, 1, 2].choose(&mut self.rng).unwrap_or(&0) {
            self.edit(order);
        }
        if !paid {
            match self.rng.random_range(0..10) {
                0..=5 => {
                    self.pass_time(order);
                    order.payment = Payment::Paid;
                    let both = self.chance(0.4);
                    self.order_changed(
                        order,
                        if both { &[Topic::Paid, Topic::Updated] } else { &[Topic::Paid] },
                    );
                }
                6 | 7 => {
                    self.pass_time(order);
                    order.cancelled = Some(order.updated);
                    order.payment = Payment::Voided;
                    let both = self.chance(0.4);
                    let topics: &[Topic] =
                        if both { &[Topic::Cancelled, Topic::Updated] } else { &[Topic::Cancelled] };
                    self.order_changed(order, topics);
                }
                _ => {}
            }
        }
        if order.payment == Payment::Paid && self.chance(0.15) {
            self.refund(order);
            if self.chance(0.25) {
                self.refund(order);
            }
        }
    }

    fn pass_time(&mut self, order: &mut Order) {
        order.updated += Duration::from_secs(self.rng.random_range(20..86_400));
    }

    /// A change by the customer or the shop. Money changes only before it is paid.
    fn edit(&mut self, order: &mut Order) {
        self.pass_time(order);
        let paid = order.payment == Payment::Paid;
        match self.rng.random_range(0..3) {
            0 if !paid => {
                let index = self.rng.random_range(0..order.lines.len().max(1));
                if let Some(line) = order.lines.get_mut(index) {
                    line.quantity = if line.quantity > 1 { line.quantity - 1 } else { 4 };
                }
            }
            1 if !paid => {
                let line = self.line(order);
                order.lines.push(line);
            }
            _ => match &mut order.ship_to {
                Some(place) => {
                    place.street = catalogue::street(&mut self.rng);
                    place.zip = format!("{:05}", self.rng.random_range(1_000..99_999));
                }
                None => order.note = Some("Collected"),
            },
        }
        self.order_changed(order, &[Topic::Updated]);
    }

    fn refund(&mut self, order: &mut Order) {
        let priced = order.price();
        let left = priced.total - order.refunded();
        self.pass_time(order);
        let number = order.refunds.len() as u64;
        let mut lines = vec![];
        let mut amount = Decimal::ZERO;
        // One line at most, and never the same twice, so that the shares of a line never exceed it.
        let open = (0..order.lines.len()).find(|index| {
            order.refunds.iter().flat_map(|refund| &refund.lines).all(|line| line.line != *index)
        });
        let line = open.filter(|_| self.rng.random_bool(0.8));
        if let Some((index, (line, priced))) =
            line.and_then(|index| Some((index, (order.lines.get(index)?, priced.lines.get(index)?))))
        {
            let quantity = self.rng.random_range(1..=line.quantity);
            let share =
                |whole: Decimal| cents(whole * Decimal::from(quantity) / Decimal::from(line.quantity));
            let (subtotal, tax) = (share(priced.net), share(priced.tax()));
            amount = if order.region.taxes_included { subtotal } else { subtotal + tax };
            // What was paid leaves soon, so only goods that never travel are taken off an order after that.
            let kinds: &[&'static str] = if order.ship_to.is_some() {
                &["return", "no_restock"]
            } else {
                &["return", "no_restock", "cancel"]
            };
            let restock_type = kinds.choose(&mut self.rng).copied().unwrap_or("return");
            let id = id(REFUND_LINE + number, order.serial);
            lines.push(RefundedLine { id, line: index, quantity, restock_type, subtotal, tax });
        }
        // Goodwill, or a fee kept: the gap between what the lines say and what went back.
        let gap = match lines.is_empty() || self.chance(0.2) {
            true if lines.is_empty() || self.chance(0.5) => -Decimal::new(self.rng.random_range(100..500), 2),
            true => Decimal::ONE,
            false => Decimal::ZERO,
        };
        let back = (amount - gap).min(left);
        if back <= Decimal::ZERO {
            return;
        }
        let split = back > Decimal::from(20) && self.chance(0.2);
        let paid_back = if split { vec![Decimal::TEN, back - Decimal::TEN] } else { vec![back] };
        let refund = Refund {
            id: id(REFUND + 10 * number, order.serial),
            at: order.updated,
            note: self.chance(0.3).then_some("Broken on arrival"),
            discrepancy: amount - back,
            lines,
            paid_back,
            failed: self.chance(0.1).then_some(back),
        };
        self.life.refunds.push(expect::refund(self.shop, order, &refund));
        let body = Bytes::from(payload::refund(order, &priced, &refund).to_string());
        let effect = Effect::Refund(self.life.refunds.len() - 1);
        order.refunds.push(refund);
        self.fact(order, Topic::Refunded, body, effect);
        let all = order.refunded() == priced.total;
        order.payment = if all { Payment::Refunded } else { Payment::PartiallyRefunded };
        self.order_changed(order, &[Topic::Updated]);
    }

    /// The order is different now: one snapshot, one body, and a webhook for each topic.
    fn order_changed(&mut self, order: &Order, topics: &[Topic]) {
        let priced = order.price();
        self.life.snapshots.push(expect::order(self.shop, order, &priced));
        self.life.versions.push(order.updated);
        let body = Bytes::from(payload::order(order, &priced).to_string());
        let effect = Effect::Order(self.life.snapshots.len() - 1);
        for topic in topics {
            self.fact(order, *topic, body.clone(), effect);
        }
    }

    fn fact(&mut self, order: &Order, topic: Topic, body: Bytes, effect: Effect) {
        let fraction: u32 = self.rng.random_range(0..1_000_000_000);
        let triggered_at = format!("{}.{fraction:09}Z", order.updated.strftime("%Y-%m-%dT%H:%M:%S"));
        self.life.facts.push(Fact { topic, body, triggered_at, effect });
    }
}
