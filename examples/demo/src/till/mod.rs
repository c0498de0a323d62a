//! Eight tills, as stores have them: four whose sales are told by Square, four that write POSLog.
//!
//! Two of them are offline for a while, and upload everything later, at once, doubled and out of order. The clock
//! of one is a day ahead. Goods come back, and one sale is voided. What they sold, and what the books must
//! show of it, is the [`Ledger`].
//!
//! The tills know the host only by the addresses they send to, and by the folder they write into.

pub mod poslog;
pub mod sale;
pub mod square;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{Span, Timestamp};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::{JoinHandle, JoinSet};

use crate::erp::document;
use crate::landscape::stores::{STORES, Store, Style};
use crate::lock;
use sale::{Sale, Teller};
use square::Square;

/// How the tills are set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Drives what is sold, and when.
    pub seed: u64,
    /// Sales of each till.
    pub sales: usize,
    /// Over which time.
    pub during: Duration,
    /// Where POSLog files are put: the exchange folder's `in`.
    pub folder: PathBuf,
    /// Where POSLog is posted to.
    pub poslog: String,
    /// What signs posted POSLog.
    pub poslog_secret: String,
    /// Where Square sends notifications.
    pub square: String,
}

/// One sale and what became of it.
#[derive(Debug, Clone)]
pub struct Sold {
    /// Where.
    pub store: &'static Store,
    /// What a person calls it: the receipt's number.
    pub number: String,
    /// What the books must show in the end.
    pub order: document::Order,
    /// What was given back.
    pub refunds: Vec<document::Refund>,
    /// When the till first told of it.
    pub told: Option<Instant>,
}

/// What the tills sold.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Every sale that was begun.
    pub sold: Vec<Sold>,
}

/// Figures for the progress line and the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sales rung up.
    pub sales: u64,
    /// Sales uploaded late by tills that were offline.
    pub late: u64,
    /// Files and requests that told the same again.
    pub doubled: u64,
    /// Requests that were not answered 2xx.
    pub retries: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    sales: AtomicU64,
    late: AtomicU64,
    doubled: AtomicU64,
    retries: AtomicU64,
}

impl Counters {
    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn repeated(&self) {
        self.doubled.fetch_add(1, Ordering::Relaxed);
    }
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

    /// Whether everything was sold and told.
    pub fn is_done(&self) -> bool {
        self.working.is_finished()
    }

    /// Where they are.
    pub fn progress(&self) -> Progress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            sales: read(&self.counters.sales),
            late: read(&self.counters.late),
            doubled: read(&self.counters.doubled),
            retries: read(&self.counters.retries),
        }
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

/// What a till has to tell.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// Something was sold.
    Sold(Sale),
    /// Goods of the sale came back: line and pieces.
    Back(Sale, sale::Back),
    /// The sale was taken back as a whole, at another till of the store.
    Voided(Sale, sale::Voided),
}

impl Outlets {
    /// Tells it, so that it arrives: files are put, requests repeated until they are accepted.
    async fn tell(&self, store: &'static Store, told: &[Told], late: bool) {
        let first = Instant::now();
        {
            let mut ledger = lock(&self.ledger);
            for one in told {
                if let Told::Sold(sale) = one
                    && let Some(sold) = ledger.sold.get_mut(sale.index)
                {
                    sold.told.get_or_insert(first);
                }
            }
        }
        match store.style {
            Style::Square => self.square.tell(store, told, late).await,
            Style::Folder | Style::Post => self.poslog.tell(store, told).await,
        }
    }
}

/// When each till has made its first sale.
const OPENS: Duration = Duration::from_secs(2);

/// A store's day.
async fn work(store: &'static Store, seed: u64, options: Options, outlets: Outlets) {
    let start = Instant::now();
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut teller = Teller::new(store, &outlets.square.merchant(), poslog::RETAILER);
    // Offline from a quarter of the time to six tenths of it.
    let offline = (options.during.mul_f64(0.25), options.during.mul_f64(0.6));
    let mut kept: Vec<Told> = vec![];
    for number in 0..options.sales {
        let due = options.during.mul_f64((number as f64 + rng.random::<f64>()) / options.sales.max(1) as f64);
        // The stores open at once.
        let due = if number == 0 { due.min(OPENS) } else { due };
        tokio::time::sleep_until((start + due).into()).await;
        let away = store.offline && (offline.0..offline.1).contains(&start.elapsed());
        if !away && !kept.is_empty() {
            upload(store, std::mem::take(&mut kept), &mut rng, &outlets).await;
        }
        outlets.counters.sales.fetch_add(1, Ordering::Relaxed);
        // What is uploaded late was sold yesterday, and belongs to yesterday's books.
        let now = Timestamp::now();
        let now = if away { now.checked_sub(Span::new().hours(24)).unwrap_or(now) } else { now };
        let mut sale = teller.sell(&mut rng, now);
        {
            let mut ledger = lock(&outlets.ledger);
            sale.index = ledger.sold.len();
            let (number, order) = (sale.number(), sale.order());
            ledger.sold.push(Sold { store, number, order, refunds: vec![], told: None });
        }
        let mut told = vec![Told::Sold(sale.clone())];
        if rng.random_bool(0.15) {
            let back = teller.give_back(&sale, &mut rng, now);
            if let Some(sold) = lock(&outlets.ledger).sold.get_mut(sale.index) {
                sold.refunds.push(back.refund(&sale));
            }
            told.push(Told::Back(sale.clone(), back));
        }
        if away {
            kept.extend(told);
        } else {
            outlets.tell(store, &told, false).await;
            // The clock that is a day ahead must not win: the store's other till, which is right, takes one back.
            if store.ahead && number == options.sales / 2 && told.len() == 1 {
                void(store, &mut teller, sale, &outlets).await;
            }
        }
    }
    if !kept.is_empty() {
        tokio::time::sleep_until((start + offline.1).into()).await;
        upload(store, kept, &mut rng, &outlets).await;
    }
}

async fn void(store: &'static Store, teller: &mut Teller, sale: Sale, outlets: &Outlets) {
    outlets.poslog.wait_until_taken(&sale).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let voided = teller.void(Timestamp::now());
    if let Some(sold) = lock(&outlets.ledger).sold.get_mut(sale.index) {
        sold.order.state = document::State::Cancelled;
    }
    outlets.tell(store, &[Told::Voided(sale, voided)], false).await;
}

/// The line is up again: everything at once, in any order, and some of it twice.
async fn upload(store: &'static Store, mut kept: Vec<Told>, rng: &mut SmallRng, outlets: &Outlets) {
    let sales = kept.iter().filter(|told| matches!(told, Told::Sold(_))).count() as u64;
    outlets.counters.late.fetch_add(sales, Ordering::Relaxed);
    let again: Vec<Told> = kept.iter().filter(|_| rng.random_bool(0.6)).cloned().collect();
    for _ in &again {
        outlets.counters.repeated();
    }
    kept.extend(again);
    rand::seq::SliceRandom::shuffle(kept.as_mut_slice(), rng);
    for told in kept {
        outlets.tell(store, &[told], true).await;
    }
}

#[cfg(test)]
mod tests;
