//! Tills that write NRF/ARTS POSLog, as a source: sales, returns, voids and day ends from XML files.
//!
//! A file contains many transactions. An invalid transaction rejects the whole file, and the problem names it: a day
//! that is partly booked is worse than a day that waits for a person.
//!
//! | module | purpose |
//! |---|---|
//! | `decode`, `xml` | decodes the bytes; parses and queries the XML tree |
//! | `settings`, `stores`, `time` | the connector's settings; zone and currency of a store; timestamps |
//! | `file` | the transactions of a file |
//! | `header`, `link` | the header of a transaction; links to other transactions |
//! | `basket`, `line_item`, `discount`, `reward`, `tax`, `tender` | the content of a retail transaction, as the till wrote it |
//! | `interpretation` | what the amounts mean: the interpretation that yields the printed total |
//! | `payments`, `allocation`, `amount` | payments and repayments; allocation of amounts to lines; prices |
//! | `sale`, `refund`, `void`, `day_end` | the events |

mod allocation;
mod amount;
mod basket;
mod day_end;
mod decode;
mod discount;
mod file;
mod header;
mod interpretation;
mod line_item;
mod link;
mod payments;
mod refund;
mod reward;
mod sale;
mod settings;
mod stores;
mod tax;
mod tender;
#[cfg(test)]
mod tests;
mod time;
mod void;
mod xml;

use crossdock_sdk::prelude::*;

/// The plugin.
pub struct Poslog;

impl Source for Poslog {
    fn receive(inbound: Inbound) -> Result<Vec<Event>, Failure> {
        let settings = settings::Settings::read()?;
        let text = decode::text(&inbound.body)?;
        let tree = xml::parse(&text)?;
        Ok(file::events(&tree, &settings)?)
    }

    /// Tills are not polled: they send files.
    fn poll(cursor: Option<String>, _limit: u32) -> Result<Page, Failure> {
        Ok(Page::empty(cursor))
    }
}

plugin!(Poslog: source);
