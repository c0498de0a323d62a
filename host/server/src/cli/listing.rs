//! What every listing takes: how much of it, and from where on.

use clap::Args;

use super::address::query;

/// A page of a listing.
#[derive(Clone, Debug, Default, Args)]
pub struct Paging {
    /// Go on after the number that the page before ended with
    #[arg(long)]
    after: Option<i64>,
    /// How many at most, up to 1000; 50 when not given
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
    /// Only of this connector
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
