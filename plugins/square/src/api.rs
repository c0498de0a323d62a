//! What is asked of Square. Nothing here changes anything there: every question may be asked again.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::payload::{Order, Payment};
use crate::settings::Settings;

/// The most articles that are asked for at once.
const ARTICLES: usize = 500;

/// Square, as this connector may ask it.
pub(crate) struct Api {
    client: http::Client,
    pub settings: Settings,
}

/// What has been asked beside the orders themselves.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Articles by Square's ids of their variations.
    pub articles: BTreeMap<String, Article>,
    /// The payments of the orders.
    pub payments: Vec<Payment>,
}

/// What the merchant calls a variation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Article {
    pub sku: Option<String>,
    /// 14 digits.
    pub gtin: Option<String>,
}

/// A page of orders.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    #[serde(default)]
    pub orders: Vec<serde_json::Value>,
    pub cursor: Option<String>,
}

impl Api {
    pub(crate) fn new(settings: Settings) -> Self {
        let client = http::Client::new(settings.url.as_str());
        let client = match &settings.version {
            Some(version) => client.header("square-version", version),
            None => client,
        };
        Self { client, settings }
    }

    /// Reads an order.
    pub(crate) fn order(&self, id: &str) -> Result<Order, http::Error> {
        #[derive(Deserialize)]
        struct Answer {
            order: Order,
        }
        let answer: Answer = self.client.get(["v2", "orders", id]).call()?;
        Ok(answer.order)
    }

    /// Reads a payment. Absent when Square does not have it.
    pub(crate) fn payment(&self, id: &str) -> Result<Option<Payment>, http::Error> {
        #[derive(Deserialize)]
        struct Answer {
            payment: Payment,
        }
        match self.client.get(["v2", "payments", id]).call::<Answer>() {
            Ok(answer) => Ok(Some(answer.payment)),
            Err(http::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Orders changed since a moment, oldest first.
    pub(crate) fn search(
        &self,
        since: Option<&str>,
        page: Option<&str>,
        limit: u32,
    ) -> Result<Found, http::Error> {
        let mut query = json!({ "sort": { "sort_field": "UPDATED_AT", "sort_order": "ASC" } });
        if let (Some(since), Some(query)) = (since, query.as_object_mut()) {
            query.insert(
                "filter".into(),
                json!({ "date_time_filter": { "updated_at": { "start_at": since } } }),
            );
        }
        let mut body = json!({
            "location_ids": self.settings.locations, "query": query, "limit": limit, "return_entries": false,
        });
        if let (Some(page), Some(body)) = (page, body.as_object_mut()) {
            body.insert("cursor".into(), page.into());
        }
        self.client.post("/v2/orders/search").json(&body).reads().call()
    }

    /// What has to be known of these orders beside what they say: payments that may have been taken offline, and
    /// what the merchant calls the articles. Payments that are at hand are not asked for again.
    pub(crate) fn about(&self, orders: &[&Order], at_hand: Vec<Payment>) -> Result<Known, http::Error> {
        let mut known = Known { payments: at_hand, ..Known::default() };
        if self.settings.ask_payments {
            for id in
                orders.iter().flat_map(|order| &order.tenders).filter_map(|tender| tender.payment_id.as_ref())
            {
                if !known.payments.iter().any(|payment| payment.id == *id) {
                    known.payments.extend(self.payment(id)?);
                }
            }
        }
        let lines = orders.iter().flat_map(|order| &order.line_items);
        known.articles = self.articles(lines.filter_map(|line| line.catalog_object_id.as_deref()))?;
        Ok(known)
    }

    /// What the merchant calls these variations: as the operator's table `sku` says, else as the catalogue does.
    pub(crate) fn articles<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, Article>, http::Error> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            objects: Vec<Object>,
        }
        #[derive(Deserialize)]
        struct Object {
            id: String,
            item_variation_data: Option<Variation>,
        }
        #[derive(Deserialize)]
        struct Variation {
            sku: Option<String>,
            upc: Option<String>,
        }
        let mut articles = BTreeMap::new();
        let mut unknown: Vec<&str> = Vec::new();
        for id in ids {
            match mappings::get("sku", id) {
                Some(sku) => {
                    articles.insert(id.to_owned(), Article { sku: Some(sku), gtin: None });
                }
                None => unknown.push(id),
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        for ids in unknown.chunks(ARTICLES) {
            let body = json!({ "object_ids": ids, "include_related_objects": false });
            let answer: Answer = self.client.post("/v2/catalog/batch-retrieve").json(&body).reads().call()?;
            articles.extend(answer.objects.into_iter().filter_map(|object| {
                let variation = object.item_variation_data?;
                let digits = |code: &String| {
                    (8..=14).contains(&code.len()) && code.bytes().all(|digit| digit.is_ascii_digit())
                };
                let gtin = variation.upc.filter(digits).map(|code| format!("{code:0>14}"));
                let sku = variation.sku.filter(|sku| !sku.trim().is_empty());
                Some((object.id, Article { sku, gtin }))
            }));
        }
        Ok(articles)
    }
}
