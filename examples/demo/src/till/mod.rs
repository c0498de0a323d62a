//! Eight tills, as stores have them: four whose sales Square reports, four that write POSLog.
//!
//! Two of them are offline for a while, and upload everything later, at once, doubled and out of order. The clock
//! of one is a day ahead. Goods are returned, and one sale is voided. Their sales, as the books
//! must show them, are the [`Ledger`].
//!
//! The tills know the host only by the addresses they send to, and by the folder they write into. They send until
//! they are answered: that this has an end is the harness's business.

mod counters;
mod options;
pub mod poslog;
pub mod sale;
pub mod square;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{Span, Timestamp};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::{JoinHandle, JoinSet};

use crate::erp::document;
use crate::landscape::stores::{STORES, Store, Style};
use crate::lock;
use counters::Counters;
use sale::{Register, Sale, Transaction};
use square::Square;

pub use counters::Progress;
pub use options::Options;

/// One sale as the books must show it.
#[derive(Debug, Clone)]
pub struct SaleRecord {
    /// The store.
    pub store: &'static Store,
    /// The receipt's number.
    pub number: String,
    /// The order as the books must show it in the end.
    pub order: document::Order,
    /// Its refunds.
    pub refunds: Vec<document::Refund>,
    /// When the till first sent it.
    pub first_sent: Option<Instant>,
}

/// The sales of the tills.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Every sale that was begun.
    pub sold: Vec<SaleRecord>,
}

/// Tills at work; they stop when this is dropped.
pub struct Tills {
    ledger: Arc<Mutex<Ledger>>,
    counters: Arc<Counters>,
    working: JoinHandle<()>,
}

impl Tills {
    /// Opens the stores, on the current runtime.
    pub fn start(options: Options, square: Square) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let counters = Arc::new(Counters::default());
        square.subscribe(&options.square, Arc::clone(&counters));
        let outlets = Outlets {
            square,
            poslog: poslog::Outlet::new(&options, Arc::clone(&counters)),
            counters: Arc::clone(&counters),
            ledger: Arc::clone(&ledger),
        };
        let working = tokio::spawn(async move {
            let mut tills = JoinSet::new();
            for (number, store) in STORES.iter().enumerate() {
                let seed = options.seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                tills.spawn(work(store, seed, options.clone(), outlets.clone()));
            }
            while tills.join_next().await.is_some() {}
        });
        Self { ledger, counters, working }
    }

    /// Whether everything was sold and sent.
    pub fn is_done(&self) -> bool {
        self.working.is_finished()
    }

    /// Their figures.
    pub fn progress(&self) -> Progress {
        self.counters.progress()
    }

    /// A copy of the record.
    pub fn ledger(&self) -> Ledger {
        lock(&self.ledger).clone()
    }
}

impl Drop for Tills {
    fn drop(&mut self) {
        self.working.abort();
    }
}

#[derive(Clone)]
struct Outlets {
    square: Square,
    poslog: poslog::Outlet,
    counters: Arc<Counters>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Outlets {
    /// Sends transactions until they are accepted: files are put, requests repeated.
    async fn send(&self, store: &'static Store, transactions: &[Transaction], late: bool) {
        let first = Instant::now();
        {
            let mut ledger = lock(&self.ledger);
            for one in transactions {
                if let Transaction::Sale(sale) = one
                    && let Some(sold) = ledger.sold.get_mut(sale.index)
                {
                    sold.first_sent.get_or_insert(first);
                }
            }
        }
        match store.style {
            Style::Square => self.square.report(store, transactions, late).await,
            Style::Folder | Style::Post => self.poslog.send(store, transactions).await,
        }
    }
}

/// By then each till has made its first sale.
const FIRST_SALE_WITHIN: Duration = Duration::from_secs(2);

/// A store's day.
async fn work(store: &'static Store, seed: u64, options: Options, outlets: Outlets) {
    let start = Instant::now();
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut register = Register::new(store, &outlets.square.merchant(), poslog::RETAILER);
    // Offline from a quarter of the time to six tenths of it.
    let offline = (options.during.mul_f64(0.25), options.during.mul_f64(0.6));
    let mut unsent: Vec<Transaction> = vec![];
    for number in 0..options.sales {
        let due = options.during.mul_f64((number as f64 + rng.random::<f64>()) / options.sales.max(1) as f64);
        // The stores open at once.
        let due = if number == 0 { due.min(FIRST_SALE_WITHIN) } else { due };
        tokio::time::sleep_until((start + due).into()).await;
        let is_offline = store.offline && (offline.0..offline.1).contains(&due);
        if !is_offline && !unsent.is_empty() {
            upload(store, std::mem::take(&mut unsent), &mut rng, &outlets).await;
        }
        outlets.counters.sold();
        // What is uploaded late was sold yesterday, and belongs to yesterday's books.
        let now = Timestamp::now();
        let now = if is_offline { now.checked_sub(Span::new().hours(24)).unwrap_or(now) } else { now };
        let mut sale = register.sell(&mut rng, now);
        {
            let mut ledger = lock(&outlets.ledger);
            sale.index = ledger.sold.len();
            let (number, order) = (sale.number(), sale.order());
            ledger.sold.push(SaleRecord { store, number, order, refunds: vec![], first_sent: None });
        }
        let mut transactions = vec![Transaction::Sale(sale.clone())];
        if rng.random_bool(0.15) {
            let returned = register.take_return(&sale, &mut rng, now);
            if let Some(sold) = lock(&outlets.ledger).sold.get_mut(sale.index) {
                sold.refunds.push(returned.refund(&sale));
            }
            transactions.push(Transaction::Return(sale.clone(), returned));
        }
        if is_offline {
            unsent.extend(transactions);
        } else {
            outlets.send(store, &transactions, false).await;
            // The clock that is a day ahead must not win: the store's other till, whose clock is right, voids one.
            if store.ahead && number == options.sales / 2 && transactions.len() == 1 {
                void(store, &mut register, sale, &outlets).await;
            }
        }
    }
    if !unsent.is_empty() {
        tokio::time::sleep_until((start + offline.1).into()).await;
        upload(store, unsent, &mut rng, &outlets).await;
    }
}

async fn void(store: &'static Store, register: &mut Register, sale: Sale, outlets: &Outlets) {
    outlets.poslog.wait_until_read(&sale).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let voided = register.void(Timestamp::now());
    if let Some(sold) = lock(&outlets.ledger).sold.get_mut(sale.index) {
        sold.order.state = document::State::Cancelled;
    }
    outlets.send(store, &[Transaction::Void(sale, voided)], false).await;
}

/// The till is online again: everything at once, in any order, and some of it twice.
async fn upload(store: &'static Store, mut unsent: Vec<Transaction>, rng: &mut SmallRng, outlets: &Outlets) {
    let sales = unsent.iter().filter(|one| matches!(one, Transaction::Sale(_))).count() as u64;
    outlets.counters.uploaded_late(sales);
    let again: Vec<Transaction> = unsent.iter().filter(|_| rng.random_bool(0.6)).cloned().collect();
    for _ in &again {
        outlets.counters.repeated();
    }
    unsent.extend(again);
    rand::seq::SliceRandom::shuffle(unsent.as_mut_slice(), rng);
    for one in unsent {
        outlets.send(store, &[one], true).await;
    }
}

#[cfg(test)]
mod tests;
