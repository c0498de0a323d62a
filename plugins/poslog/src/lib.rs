//! Tills that write NRF/ARTS POSLog, as a source: sales, returns, voids and day ends out of XML files.
//!
//! A file holds many transactions, and what is wrong with one of them sets the whole file aside, with that
//! transaction named: a part of a day is worse than a day that waits for a person.
//!
//! | file | what it knows |
//! |---|---|
//! | `decode`, `xml` | bytes that are text; text that is a tree, and how to ask it |
//! | `settings`, `zone` | the operator's words; when something was, where the till wrote no zone |
//! | `transaction` | a transaction's head, and which kind it is |
//! | `basket`, `goods`, `tax`, `tender` | a retail transaction as the till wrote it |
//! | `reading`, `share` | which of the dialects' readings makes the printed total |
//! | `sale`, `returned`, `void`, `day` | what it means as events |

mod basket;
mod day;
mod decode;
mod goods;
mod reading;
mod returned;
mod sale;
mod settings;
mod share;
mod tax;
mod tender;
#[cfg(test)]
mod tests;
mod transaction;
mod void;
mod xml;
mod zone;

use crossdock_sdk::prelude::*;

/// The plugin.
pub struct Poslog;

impl Source for Poslog {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        let settings = settings::Settings::read()?;
        let text = decode::text(&inbound.body)?;
        let tree = xml::parse(&text)?;
        Ok(transaction::all(&tree, &settings)?)
    }

    /// Tills are not polled: they send.
    fn poll(cursor: Option<String>, _limit: u32) -> Result<Page, Failure> {
        Ok(Page::empty(cursor))
    }
}

plugin!(Poslog: source);
