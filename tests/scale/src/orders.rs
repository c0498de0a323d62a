//! Orders that look like many different ones: each has a number of its own, and everything else about it follows
//! from that.

use anyhow::Context as _;
use crossdock_engine::conformance::samples::{accept, posted};
use crossdock_engine::{Accept, NewEvent, Target};
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::outcome::Settlement;
use crossdock_rules::ownership::Class;
use crossdock_storage::seed::Names;
use serde_json::{Value, json};

/// The sink of every order, and that of one in ten.
pub const ERP: &str = "erp";
pub const WAREHOUSE: &str = "wms";
/// The moment that measuring begins at.
pub const NOW: Millis = Millis(1_795_000_000_000);

const DAY: i64 = 86_400_000;
const SECOND: i64 = 1000;
/// How long ago the oldest and the newest settled order were placed.
const OLDEST: i64 = 390 * DAY;
const NEWEST: i64 = 2 * DAY;
/// Numbers of orders that are placed while measuring begin here.
pub const LIVE: u64 = 100_000_000;
const STORES: u64 = 400;
const ARTICLES: u64 = 20_000;

// Where each text stands in `Names::texts`.
const ORDER: usize = 0;
const NUMBER: usize = 1;
const CUSTOMER: usize = 2;
const ARTICLE: usize = 3;
const STORE: usize = 5;
const AMOUNT: usize = 6;
const TIME: usize = 7;
const TRACE: usize = 8;

/// How many orders a database has: what follows from the number of an order depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Orders of which everything is settled.
    pub settled: u64,
    /// Orders of which something is open.
    pub open: u64,
}

/// Scatters numbers.
fn scattered(number: u64, what: u64) -> u64 {
    let mut mixed = number.wrapping_mul(8).wrapping_add(what).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn named(numbers: [u64; 6], amount: String, placed_at: i64, trace: u128, customer: u64) -> Names {
    let [order, number, person, first, second, store] = numbers;
    let texts = vec![
        (5_100_000_000 + order).to_string(),
        (7_100_000_000 + number).to_string(),
        (6_200_000_000 + person).to_string(),
        (3_300_000_000 + first).to_string(),
        (3_300_000_000 + second).to_string(),
        (4_400_000_000 + store).to_string(),
        amount,
        Millis(placed_at).to_string(),
        format!("{trace:032x}"),
    ];
    Names { texts, customer: usize::try_from(customer).unwrap_or(usize::MAX), placed_at }
}

/// What a template is called: as no order is.
pub fn template(at: u64) -> Names {
    let unused = 99_999_000;
    let (first, second) = (unused + 2 * at, unused + 2 * at + 1);
    let numbers = [unused + at, unused + at, unused + at, first, second, unused + at];
    named(numbers, format!("98765.{at:02}"), NOW.0, (0xfeed << 64) + u128::from(at), 0)
}

impl Size {
    /// How many customers there are: three settled orders each, far apart.
    pub fn customers(self) -> u64 {
        (self.settled / 3).max(1)
    }

    /// What an order is called.
    pub fn names(self, order: u64) -> Names {
        let any = |what: u64, of: u64| scattered(order, what) % of;
        // Two in three orders that are placed while measuring are of customers who are known.
        let customer = match order {
            live if live >= LIVE && any(0, 3) == 0 => self.customers() + (live - LIVE),
            live if live >= LIVE => any(1, self.customers()),
            seeded => seeded % self.customers(),
        };
        // Two different ones.
        let (first, second) = (any(2, ARTICLES / 2), ARTICLES / 2 + any(3, ARTICLES / 2));
        let numbers = [order, order, customer, first, second, any(4, STORES)];
        let cents = 1000 + any(5, 1_000_000);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let trace = (u128::from(scattered(order, 6)) << 64) + u128::from(order);
        named(numbers, amount, self.placed_at(order), trace, customer)
    }

    /// When an order was placed: settled ones over a year, open ones over the last day.
    pub fn placed_at(self, order: u64) -> i64 {
        let spread = |at: u64, of: u64, span: i64| {
            let share = i128::from(at) * i128::from(span) / i128::from(of.max(1));
            i64::try_from(share).unwrap_or(span)
        };
        match order {
            order if order < self.settled => NOW.0 - OLDEST + spread(order, self.settled, OLDEST - NEWEST),
            order if order < LIVE => {
                NOW.0 - DAY + spread(order - self.settled, self.open, DAY - 3600 * SECOND)
            }
            _ => NOW.0,
        }
    }
}

/// The texts of an order by what they are.
#[derive(Clone, Copy)]
pub struct Order<'n>(pub &'n Names);

impl<'n> Order<'n> {
    fn text(self, at: usize) -> &'n str {
        self.0.texts.get(at).map(String::as_str).unwrap_or_default()
    }

    pub fn number(self) -> &'n str {
        self.text(NUMBER)
    }

    pub fn article(self) -> &'n str {
        self.text(ARTICLE)
    }

    pub fn store(self) -> &'n str {
        self.text(STORE)
    }

    /// The number of the customer.
    pub fn person(self) -> &'n str {
        self.text(CUSTOMER)
    }

    pub fn amount(self) -> &'n str {
        self.text(AMOUNT)
    }

    /// The identity of the order.
    pub fn root(self) -> String {
        format!("shopify/acme.myshopify.com/order/{}", self.text(ORDER))
    }

    /// The identity of the customer.
    pub fn customer(self) -> String {
        format!("shopify/acme.myshopify.com/customer/{}", self.text(CUSTOMER))
    }

    pub fn email(self) -> String {
        format!("person-{}@customer.example", self.text(CUSTOMER))
    }

    fn identity(self, kind: &str, id: &str) -> Value {
        json!({ "system": "shopify", "tenant": "acme.myshopify.com", "kind": kind, "id": id })
    }

    /// The order as it was placed; one of a till names no customer.
    pub fn placed(self, at_a_till: bool) -> anyhow::Result<Event> {
        let price = |amount: &str| json!({ "shop": { "amount": amount, "currency": "USD" } });
        let line = |line: usize| {
            json!({
                "id": (466_157_049 + line).to_string(), "kind": "item", "sku": self.text(ARTICLE + line),
                "title": "A T-shirt, organic cotton, white", "quantity": "1", "unitPrice": price("199.00"),
                "taxable": true, "ships": true
            })
        };
        let lines = [line(0), line(1)];
        let mut order = json!({
            "number": format!("#{}", self.number()), "channel": if at_a_till { "pos" } else { "web" },
            "placedAt": self.text(TIME), "currency": "USD", "pricesIncludeTax": false, "dutiesIncluded": false,
            "payment": "paid", "fulfilment": "unfulfilled", "test": false, "lines": lines, "store": self.store(),
            "totals": { "lines": price("398.00"), "discounts": price("0.00"), "shipping": price("0.00"),
                        "tax": price("23.88"), "total": price(self.amount()) }
        });
        if let Some(order) = order.as_object_mut() {
            if at_a_till {
                let sale = format!("{}/{}", self.store(), self.text(ORDER));
                order.insert("naturalKey".into(), json!(sale));
            } else {
                let name = format!("Person {}", self.text(CUSTOMER));
                let address = json!({
                    "name": name, "lines": ["Chestnut Street 92"], "city": "Louisville", "region": "KY",
                    "postalCode": "40202", "country": "US", "phone": format!("+1 {}", self.text(CUSTOMER))
                });
                order.insert("customer".into(), self.identity("customer", self.text(CUSTOMER)));
                let personal = json!({ "name": name, "email": self.email(), "shipping": address });
                order.insert("personal".into(), personal);
            }
        }
        let fact = json!({ "kind": "order", "value": { "operation": "placed", "order": order } });
        self.event(self.identity("order", self.text(ORDER)), None, fact)
    }

    /// A refund of the order.
    pub fn refund(self) -> anyhow::Result<Event> {
        let id = format!("r{}", self.text(ORDER));
        let fact = json!({ "kind": "refund.issued", "value": { "at": self.text(TIME), "currency": "USD" } });
        self.event(self.identity("refund", &id), Some(self.identity("order", self.text(ORDER))), fact)
    }

    fn event(self, entity: Value, parent: Option<Value>, fact: Value) -> anyhow::Result<Event> {
        let mut event = json!({
            "entity": entity, "version": { "at": self.text(TIME) }, "occurredAt": self.text(TIME), "fact": fact
        });
        if let (Some(event), Some(parent)) = (event.as_object_mut(), parent) {
            event.insert("parent".into(), parent);
        }
        serde_json::from_value(event).context("making a sample")
    }

    /// An event of the order, as it is admitted.
    pub fn new_event(self, event: Event, sinks: &[&str]) -> anyhow::Result<NewEvent> {
        let targets = sinks.iter().map(|sink| Target {
            connector: (*sink).to_owned(),
            pin: *sink == ERP,
            class: Some(if *sink == ERP { Class::Erp } else { Class::Warehouse }),
            system: Some((*sink).to_owned()),
            ..Target::default()
        });
        Ok(NewEvent {
            source: "shop".into(),
            confirmation_limit: std::time::Duration::from_secs(3600),
            targets: targets.collect(),
            trace: self.text(TRACE).to_owned(),
            ..NewEvent::new(event, Millis(self.0.placed_at))?
        })
    }

    /// The request that the order came with.
    pub fn request(self, kind: &str) -> Accept {
        let body = vec![b'x'; 3000];
        let (received_at, trace) = (Millis(self.0.placed_at), self.text(TRACE).to_owned());
        Accept { received_at, trace, ..accept(&format!("{kind}-{}", self.text(ORDER)), &body) }
    }
}

/// The ERP booked the delivery. Every other answer names lines, and a number beside the id.
pub fn booked(delivery: i64, root: &str) -> Settlement {
    let number = root.rsplit('/').next().unwrap_or_default();
    let mut settlement = posted(&[&format!("SO-{number}")]);
    if delivery % 2 == 0 {
        for reference in &mut settlement.references {
            reference.lines.clear();
            reference.number = None;
        }
    }
    settlement
}
