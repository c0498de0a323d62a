//! The options of every listing: where the page starts and how long it is.

use clap::Args;

use super::address::query;

/// A page of a listing.
#[derive(Clone, Debug, Default, Args)]
pub struct Paging {
    /// Continue after this number, with which the previous page ended
    #[arg(long)]
    after: Option<i64>,
    /// The maximum number of rows, up to 1000; 50 by default
    #[arg(long)]
    limit: Option<u32>,
}

impl Paging {
    /// As names and values of a query.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("after", self.after.map(|after| after.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// A page of a listing, of one connector or of all.
#[derive(Clone, Debug, Default, Args)]
pub struct Listing {
    /// Only rows of this connector
    #[arg(long)]
    connector: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

impl Listing {
    /// As the query of an address.
    pub fn query(&self) -> String {
        let connector = self.connector.clone().map(|connector| ("connector", connector));
        query(&connector.into_iter().chain(self.paging.pairs()).collect::<Vec<_>>())
    }
}
