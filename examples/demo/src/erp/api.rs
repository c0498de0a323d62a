//! The ERP's HTTP API: how requests are parsed and answers are written.

use hyper::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::document::{Adjustment, Order, Refund};
use super::stored::{LineId, StoredAdjustment, StoredOrder, StoredRefund};

/// A request that was parsed.
pub(super) enum Call {
    CreateOrder(Order),
    ReplaceOrder(String, Order),
    CancelOrder(String),
    GetOrder(String),
    FindOrders(String),
    CreateRefund(String, Refund),
    FindRefunds(String),
    Adjust(Adjustment),
    FindAdjustments(String),
    Changes { after: usize, limit: usize },
}

impl Call {
    /// The warehouse that a document names.
    pub(super) fn warehouse(&self) -> Option<&str> {
        match self {
            Self::CreateOrder(order) | Self::ReplaceOrder(_, order) => order.warehouse.as_deref(),
            Self::CreateRefund(_, refund) => refund.warehouse.as_deref(),
            Self::Adjust(change) => change.warehouse.as_deref(),
            _ => None,
        }
    }

    /// Whether the call changes what the ERP stores.
    pub(super) fn writes(&self) -> bool {
        use Call::{Changes, FindAdjustments, FindOrders, FindRefunds, GetOrder};
        !matches!(self, GetOrder(_) | FindOrders(_) | FindRefunds(_) | FindAdjustments(_) | Changes { .. })
    }
}

/// Status and JSON body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self { status, body },
            Err(error) => {
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, body: error.to_string().into_bytes() }
            }
        }
    }

    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    pub(super) fn unknown_warehouse(warehouse: &str) -> Self {
        let message = format!("there is no warehouse {warehouse}");
        let problem = json!({ "code": "unknown-warehouse", "message": message, "field": "warehouse" });
        Self::json(StatusCode::UNPROCESSABLE_ENTITY, &problem)
    }

    pub(super) fn unknown_article() -> Self {
        let message = "there is no such article in this warehouse";
        let problem = json!({ "code": "unknown-sku", "message": message, "field": "article" });
        Self::json(StatusCode::UNPROCESSABLE_ENTITY, &problem)
    }

    pub(super) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "not-found", "there is no such document")
    }

    /// The ERP's ids after a post or put.
    pub(super) fn order_ids(status: StatusCode, stored: &StoredOrder) -> Self {
        #[derive(Serialize)]
        struct Ids<'a> {
            id: &'a str,
            lines: Vec<LineId>,
        }
        Self::json(status, &Ids { id: &stored.id, lines: stored.line_ids() })
    }
}

/// An order as it is answered: the document, the ERP's id, and in each line the ERP's id of the line.
pub(super) fn order_view(stored: &StoredOrder) -> serde_json::Value {
    let mut view = serde_json::to_value(&stored.document).unwrap_or_default();
    if !view.is_object() {
        return json!({ "id": stored.id, "lines": stored.line_ids() });
    }
    let ids = stored.line_ids();
    for line in view.get_mut("lines").and_then(|lines| lines.as_array_mut()).into_iter().flatten() {
        let id = ids.iter().find(|id| line.get("line").is_some_and(|name| *name == id.line.as_str()));
        if let (Some(line), Some(id)) = (line.as_object_mut(), id) {
            line.insert("id".to_owned(), id.id.clone().into());
        }
    }
    if let Some(view) = view.as_object_mut() {
        view.insert("id".to_owned(), stored.id.clone().into());
    }
    view
}

/// A refund as it is answered: the document, the ERP's id and that of its order.
pub(super) fn refund_view(stored: &StoredRefund) -> serde_json::Value {
    let mut view = serde_json::to_value(&stored.document).unwrap_or_default();
    if let Some(view) = view.as_object_mut() {
        view.insert("id".to_owned(), stored.id.clone().into());
        view.insert("order".to_owned(), stored.order.clone().into());
    }
    view
}

/// A change of stock as it is answered: the document and the ERP's id.
pub(super) fn adjustment_view(stored: &StoredAdjustment) -> serde_json::Value {
    let mut view = serde_json::to_value(&stored.document).unwrap_or_default();
    if let Some(view) = view.as_object_mut() {
        view.insert("id".to_owned(), stored.id.clone().into());
    }
    view
}

/// Parses a request, or gives the answer that refuses it.
pub(super) fn parse(method: &Method, path: &str, query: Option<&str>, body: &[u8]) -> Result<Call, Answer> {
    let mut segments = path.trim_matches('/').split('/');
    let path = (segments.next(), segments.next(), segments.next(), segments.next());
    match (method.as_str(), path) {
        ("POST", (Some("orders"), None, ..)) => Ok(Call::CreateOrder(order(body)?)),
        ("GET", (Some("orders"), None, ..)) => Ok(Call::FindOrders(reference(query)?)),
        ("GET", (Some("orders"), Some(id), None, _)) => Ok(Call::GetOrder(id.to_owned())),
        ("PUT", (Some("orders"), Some(id), None, _)) => Ok(Call::ReplaceOrder(id.to_owned(), order(body)?)),
        ("POST", (Some("orders"), Some(id), Some("cancel"), None)) => Ok(Call::CancelOrder(id.to_owned())),
        ("POST", (Some("orders"), Some(id), Some("refunds"), None)) => {
            Ok(Call::CreateRefund(id.to_owned(), document(body)?))
        }
        ("GET", (Some("refunds"), None, ..)) => Ok(Call::FindRefunds(reference(query)?)),
        ("POST", (Some("adjustments"), None, ..)) => Ok(Call::Adjust(document(body)?)),
        ("GET", (Some("adjustments"), None, ..)) => Ok(Call::FindAdjustments(reference(query)?)),
        ("GET", (Some("changes"), None, ..)) => {
            let limit = number(query, "limit", 100)?.clamp(1, 500);
            Ok(Call::Changes { after: number(query, "after", 0)?, limit })
        }
        _ => Err(Answer::error(StatusCode::NOT_FOUND, "no-route", "there is no such path or method")),
    }
}

fn document<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body)
        .map_err(|error| Answer::error(StatusCode::BAD_REQUEST, "malformed", &error.to_string()))
}

fn order(body: &[u8]) -> Result<Order, Answer> {
    let order: Order = document(body)?;
    let unknown = |sku: &Option<String>| sku.as_deref().is_some_and(|sku| sku.starts_with("UNKNOWN"));
    if let Some(index) = order.lines.iter().position(|line| unknown(&line.sku)) {
        let sku = order.lines.get(index).and_then(|line| line.sku.as_deref()).unwrap_or_default();
        let problem = json!({
            "code": "unknown-sku",
            "message": format!("there is no article with SKU {sku}"),
            "field": format!("lines[{index}].sku"),
        });
        return Err(Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &problem));
    }
    Ok(order)
}

fn number(query: Option<&str>, name: &str, absent: usize) -> Result<usize, Answer> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let Some((_, value)) = pairs.find(|(other, _)| other == name) else { return Ok(absent) };
    value.parse().map_err(|_| {
        let message = format!("the query parameter `{name}` is no number");
        Answer::error(StatusCode::BAD_REQUEST, "malformed", &message)
    })
}

fn reference(query: Option<&str>) -> Result<String, Answer> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.find(|(name, _)| name == "reference").map(|(_, value)| value.into_owned()).ok_or_else(|| {
        Answer::error(StatusCode::BAD_REQUEST, "malformed", "the query parameter `reference` is missing")
    })
}
