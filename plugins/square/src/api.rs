//! Requests to Square's API. All are reads, so each can be repeated.

use std::collections::BTreeMap;

use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::payload::{Order, Payment};
use crate::settings::Settings;

/// The most catalogue objects of one request.
const MAX_CATALOG_IDS: usize = 500;

/// Square's API.
pub(crate) struct Api {
    client: http::Client,
    pub settings: Settings,
}

/// The data of orders that Square does not return with them.
#[derive(Debug, Default)]
pub(crate) struct OrderContext {
    /// Articles by the ids of Square's variations.
    pub articles: BTreeMap<String, Article>,
    /// The payments of the orders.
    pub payments: Vec<Payment>,
}

/// The merchant's article of a variation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Article {
    pub sku: Option<String>,
    /// 14 digits.
    pub gtin: Option<String>,
}

/// A page of orders.
#[derive(Debug, Deserialize)]
pub(crate) struct OrderPage {
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
        struct Body {
            order: Order,
        }
        let body: Body = self.client.get(["v2", "orders", id]).call()?;
        Ok(body.order)
    }

    /// Reads a payment. Absent when Square does not have it.
    pub(crate) fn payment(&self, id: &str) -> Result<Option<Payment>, http::Error> {
        #[derive(Deserialize)]
        struct Body {
            payment: Payment,
        }
        match self.client.get(["v2", "payments", id]).call::<Body>() {
            Ok(body) => Ok(Some(body.payment)),
            Err(http::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a page of the orders changed since a time, oldest first.
    pub(crate) fn search(
        &self,
        since: Option<&str>,
        page: Option<&str>,
        limit: u32,
    ) -> Result<OrderPage, http::Error> {
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
        self.client.post("/v2/orders/search").json(&body).read_only().call()
    }

    /// Reads the payments and articles of orders. Payments that the caller already has are not read again.
    pub(crate) fn context(
        &self,
        orders: &[&Order],
        payments: Vec<Payment>,
    ) -> Result<OrderContext, http::Error> {
        let mut context = OrderContext { payments, ..OrderContext::default() };
        if self.settings.read_payments {
            for id in
                orders.iter().flat_map(|order| &order.tenders).filter_map(|tender| tender.payment_id.as_ref())
            {
                if !context.payments.iter().any(|payment| payment.id == *id) {
                    context.payments.extend(self.payment(id)?);
                }
            }
        }
        let lines = orders.iter().flat_map(|order| &order.line_items);
        context.articles = self.articles(lines.filter_map(|line| line.catalog_object_id.as_deref()))?;
        Ok(context)
    }

    /// The merchant's articles of variations: from the operator's table `sku`, else from the catalogue.
    pub(crate) fn articles<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, Article>, http::Error> {
        #[derive(Deserialize)]
        struct Body {
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
        let mut unmapped: Vec<&str> = Vec::new();
        for id in ids {
            match mappings::get("sku", id) {
                Some(sku) => {
                    articles.insert(id.to_owned(), Article { sku: Some(sku), gtin: None });
                }
                None => unmapped.push(id),
            }
        }
        unmapped.sort_unstable();
        unmapped.dedup();
        for ids in unmapped.chunks(MAX_CATALOG_IDS) {
            let request = json!({ "object_ids": ids, "include_related_objects": false });
            let body: Body =
                self.client.post("/v2/catalog/batch-retrieve").json(&request).read_only().call()?;
            articles.extend(body.objects.into_iter().filter_map(|object| {
                let variation = object.item_variation_data?;
                let is_gtin = |code: &String| {
                    (8..=14).contains(&code.len()) && code.bytes().all(|digit| digit.is_ascii_digit())
                };
                let gtin = variation.upc.filter(is_gtin).map(|code| format!("{code:0>14}"));
                let sku = variation.sku.filter(|sku| !sku.trim().is_empty());
                Some((object.id, Article { sku, gtin }))
            }));
        }
        Ok(articles)
    }
}
