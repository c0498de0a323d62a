//! The writes of others into the shop: each mutation with the refusals that a connector has to handle.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{digest, gid, number};
use super::order::Fulfilment;
use super::state::{AdminState, item_id};
use crate::shop::catalogue::LOCATIONS;
use crate::shop::life::Topic;

/// Why something was not written, as the vendor answers it.
pub(super) struct Refusal {
    code: Option<&'static str>,
    field: Vec<&'static str>,
    message: String,
}

fn refuse(code: &'static str, field: &[&'static str], message: impl Into<String>) -> Refusal {
    Refusal { code: Some(code), field: field.to_vec(), message: message.into() }
}

/// Whether a write changed anything, with its answer.
enum Written {
    /// It changed something.
    Changed(Value),
    /// It changed nothing.
    Unchanged(Value),
}

impl AdminState {
    /// Carries out a root field of a mutation.
    ///
    /// `Err` is a malformed request; a refusal by the shop is an answer.
    pub(super) fn write(
        &mut self,
        name: &str,
        of: &Map<String, Value>,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, String> {
        let keyed = matches!(name, "inventorySetQuantities" | "inventoryActivate");
        let request = json!([name, of]);
        if keyed {
            let Some(key) = key else {
                return Err(format!("{name} requires the @idempotent directive with a key"));
            };
            match self.keys.get(key) {
                Some((before, answer)) if *before == request => return Ok(answer.clone()),
                Some(_) => {
                    let refusal = refuse(
                        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
                        &[],
                        "The key was used with other parameters",
                    );
                    return Ok(self.answer_write(name, Err(refusal)));
                }
                None => {}
            }
        }
        let written = match name {
            "fulfillmentCreate" => self.fulfil(of),
            "fulfillmentTrackingInfoUpdate" => self.track(of),
            "fulfillmentCancel" => self.cancel_fulfilment(of),
            "tagsAdd" => self.tag(of, true),
            "tagsRemove" => self.tag(of, false),
            "metafieldsSet" => self.set_metafields(of),
            "inventorySetQuantities" => self.set_quantities(of, now),
            "inventoryActivate" => self.activate(of, now),
            "orderCancel" => self.cancel(of),
            "productUpdate" => self.update_product(of),
            "productVariantsBulkUpdate" => self.update_variants(of),
            "webhookSubscriptionCreate" | "webhookSubscriptionUpdate" | "webhookSubscriptionDelete" => {
                self.subscribe(name, of)
            }
            other => return Err(format!("Field '{other}' doesn't exist on type 'Mutation'")),
        };
        let answer = self.answer_write(name, written);
        if let Some(key) = key.filter(|_| keyed) {
            self.keys.insert(key.to_owned(), (request, answer.clone()));
        }
        Ok(answer)
    }

    /// Counts a write, and writes its answer.
    fn answer_write(&mut self, name: &str, written: Result<Written, Refusal>) -> Value {
        let list = if name == "orderCancel" { "orderCancelUserErrors" } else { "userErrors" };
        let (mut answer, errors) = match written {
            Ok(Written::Changed(answer)) => {
                self.writes.done += 1;
                (answer, json!([]))
            }
            Ok(Written::Unchanged(answer)) => {
                self.writes.unchanged += 1;
                (answer, json!([]))
            }
            Err(Refusal { code, field, message }) => {
                self.writes.refused += 1;
                let field = (!field.is_empty()).then_some(field);
                let error =
                    json!({ "__typename": "UserError", "code": code, "field": field, "message": message });
                (nothing(name), json!([error]))
            }
        };
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("__typename".to_owned(), format!("{name}Payload").into());
            answer.insert(list.to_owned(), errors);
        }
        answer
    }

    fn fulfil(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let input = of.get("fulfillment").cloned().unwrap_or_default();
        let groups =
            input.get("lineItemsByFulfillmentOrder").and_then(Value::as_array).cloned().unwrap_or_default();
        let [group] = groups.as_slice() else {
            return Err(refuse(
                "INVALID",
                &["fulfillment"],
                "All fulfillment orders must be at one location",
            ));
        };
        let order = group.get("fulfillmentOrderId").and_then(|id| number(id, "FulfillmentOrder"));
        let Some((order, shown)) = order.and_then(|order| Some((order, self.orders.get(&order)?))) else {
            return Err(refuse("NOT_FOUND", &["fulfillment"], "Fulfillment order does not exist."));
        };
        let left: Vec<(String, i64)> =
            shown.shipping().into_iter().map(|(id, wanted, left)| (id, wanted - left)).collect();
        if shown.is_cancelled() || left.iter().all(|(_, remaining)| *remaining <= 0) {
            let message = "The fulfillment order is not in an open state.";
            return Err(refuse("INVALID", &["fulfillment"], message));
        }
        let wanted = group.get("fulfillmentOrderLineItems").and_then(Value::as_array);
        let lines: Vec<(String, i64)> = match wanted.filter(|wanted| !wanted.is_empty()) {
            None => left.iter().filter(|(_, remaining)| *remaining > 0).cloned().collect(),
            Some(wanted) => {
                let mut lines = vec![];
                for one in wanted {
                    let id = one
                        .get("id")
                        .and_then(|id| number(id, "FulfillmentOrderLineItem"))
                        .unwrap_or_default();
                    let pieces = one.get("quantity").and_then(Value::as_i64).unwrap_or_default();
                    let remaining =
                        left.iter().find(|(line, _)| *line == id.to_string()).map_or(0, |(_, left)| *left);
                    if pieces < 1 || pieces > remaining {
                        let message = "Invalid fulfillment order line item quantity requested.";
                        return Err(refuse("INVALID", &["fulfillment"], message));
                    }
                    lines.push((id.to_string(), pieces));
                }
                lines
            }
        };
        self.next_id += 1;
        let id = self.next_id;
        let (numbers, carrier) = tracking(input.get("trackingInfo"));
        if let Some(shown) = self.orders.get_mut(&order) {
            shown.fulfilments.push(Fulfilment { id, lines, numbers, carrier, cancelled: false });
        }
        self.fulfilment_changed(order, id, Topic::FulfilmentCreated);
        self.changed(order, &[Topic::Updated]);
        Ok(Written::Changed(json!({ "fulfillment": self.fulfilment_node(id) })))
    }

    fn track(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let (id, order, at) = self.named_fulfilment(of.get("fulfillmentId"))?;
        let (numbers, carrier) = tracking(of.get("trackingInfoInput"));
        let one = self.orders.get_mut(&order).and_then(|shown| shown.fulfilments.get_mut(at));
        let same = one.as_ref().is_some_and(|one| one.numbers == numbers && one.carrier == carrier);
        if let Some(one) = one.filter(|_| !same) {
            (one.numbers, one.carrier) = (numbers, carrier);
            self.fulfilment_changed(order, id, Topic::FulfilmentUpdated);
            self.changed(order, &[Topic::Updated]);
        }
        let answer = json!({ "fulfillment": self.fulfilment_node(id) });
        Ok(if same { Written::Unchanged(answer) } else { Written::Changed(answer) })
    }

    fn cancel_fulfilment(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let (id, order, at) = self.named_fulfilment(of.get("id"))?;
        let one = self.orders.get_mut(&order).and_then(|shown| shown.fulfilments.get_mut(at));
        let Some(one) = one.filter(|one| !one.cancelled) else {
            return Err(refuse("INVALID", &["id"], "Fulfillment is already cancelled"));
        };
        one.cancelled = true;
        self.fulfilment_changed(order, id, Topic::FulfilmentUpdated);
        self.changed(order, &[Topic::Updated]);
        Ok(Written::Changed(json!({ "fulfillment": self.fulfilment_node(id) })))
    }

    fn named_fulfilment(&self, id: Option<&Value>) -> Result<(u64, u64, usize), Refusal> {
        let id = id.and_then(|id| number(id, "Fulfillment"));
        let found = id.and_then(|id| self.fulfilment(id).map(|(order, at)| (id, order, at)));
        found.ok_or_else(|| refuse("NOT_FOUND", &["id"], "Fulfillment does not exist."))
    }

    fn tag(&mut self, of: &Map<String, Value>, add: bool) -> Result<Written, Refusal> {
        let order = self.named_order(of.get("id"))?;
        let tags = of.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let tags: Vec<String> =
            tags.iter().filter_map(Value::as_str).map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().any(|tag| tag.is_empty() || tag.len() > 40 || tag.contains(',')) {
            return Err(refuse("INVALID", &["tags"], "Tags must be of 1 to 40 characters, without a comma"));
        }
        let mut changed = false;
        let mut now = std::collections::BTreeSet::new();
        if let Some(shown) = self.orders.get_mut(&order) {
            for tag in tags {
                changed |= if add { shown.tags.insert(tag) } else { shown.tags.remove(&tag) };
            }
            now = shown.tags.clone();
        }
        let answer = json!({ "node": { "__typename": "Order", "id": gid("Order", order), "tags": now } });
        if !changed {
            return Ok(Written::Unchanged(answer));
        }
        self.changed(order, &[Topic::Updated]);
        Ok(Written::Changed(answer))
    }

    fn named_order(&self, id: Option<&Value>) -> Result<u64, Refusal> {
        let id = id.and_then(|id| number(id, "Order")).filter(|id| self.orders.contains_key(id));
        id.ok_or_else(|| refuse("NOT_FOUND", &["id"], "Order does not exist"))
    }

    fn set_metafields(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let all = of.get("metafields").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut changes = vec![];
        for one in &all {
            let order = self.named_order(one.get("ownerId"))?;
            let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (key, value) = (format!("{}/{}", text("namespace"), text("key")), text("value"));
            if value.is_empty() {
                return Err(refuse("BLANK", &["metafields"], "Value can't be blank."));
            }
            let stored = self.orders.get(&order).and_then(|shown| shown.metafields.get(&key)).cloned();
            // A digest that is given, `null` too, says what the writer believes to be there.
            if let Some(believed) = one.get("compareDigest") {
                let is = stored.as_deref().map(digest);
                if believed.as_str().map(str::to_owned) != is {
                    return Err(refuse(
                        "STALE_OBJECT",
                        &["metafields"],
                        "The metafield was changed by somebody else.",
                    ));
                }
            }
            if stored.as_ref() != Some(&value) {
                changes.push((order, key, value));
            }
        }
        let answer = json!({ "metafields": [] });
        if changes.is_empty() {
            return Ok(Written::Unchanged(answer));
        }
        for (order, key, value) in changes {
            if let Some(shown) = self.orders.get_mut(&order) {
                shown.metafields.insert(key, value);
            }
        }
        Ok(Written::Changed(answer))
    }

    fn set_quantities(&mut self, of: &Map<String, Value>, now: Timestamp) -> Result<Written, Refusal> {
        let input = of.get("input").cloned().unwrap_or_default();
        let all = input.get("quantities").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut changes = vec![];
        for one in &all {
            let variant = self.item(one.get("inventoryItemId"))?;
            let location = one.get("locationId").and_then(|id| number(id, "Location")).unwrap_or_default();
            let level = self.variants.get(variant).and_then(|variant| variant.levels.get(&location)).copied();
            let Some(level) = level else {
                let message = "The specified inventory item is not stocked at the location.";
                return Err(refuse("ITEM_NOT_STOCKED_AT_LOCATION", &["input", "quantities"], message));
            };
            let Some(from) = one.get("changeFromQuantity") else {
                let message = "changeFromQuantity is required";
                return Err(refuse("INVALID", &["input", "quantities"], message));
            };
            if from.as_i64().is_some_and(|from| from != level) {
                let message = "The changeFromQuantity argument no longer matches the persisted quantity.";
                return Err(refuse("CHANGE_FROM_QUANTITY_STALE", &["input", "quantities"], message));
            }
            let quantity = one.get("quantity").and_then(Value::as_i64).unwrap_or_default();
            if quantity != level {
                changes.push((variant, location, quantity));
            }
        }
        if changes.is_empty() {
            return Ok(Written::Unchanged(json!({ "inventoryAdjustmentGroup": null })));
        }
        for (variant, location, quantity) in changes {
            if let Some(variant) = self.variants.get_mut(variant) {
                variant.levels.insert(location, quantity);
            }
            self.level_changed(variant, location, now);
        }
        self.next_id += 1;
        let id = gid("InventoryAdjustmentGroup", self.next_id);
        let group = json!({ "__typename": "InventoryAdjustmentGroup", "id": id });
        Ok(Written::Changed(json!({ "inventoryAdjustmentGroup": group })))
    }

    fn item(&self, id: Option<&Value>) -> Result<usize, Refusal> {
        let id = id.and_then(|id| number(id, "InventoryItem"));
        let found = (0..self.variants.len()).find(|at| Some(item_id(*at)) == id);
        let message = "The specified inventory item could not be found.";
        found.ok_or_else(|| refuse("INVALID_INVENTORY_ITEM", &["input", "quantities"], message))
    }

    fn activate(&mut self, of: &Map<String, Value>, now: Timestamp) -> Result<Written, Refusal> {
        let variant = self.item(of.get("inventoryItemId"))?;
        let location =
            of.get("locationId").and_then(|id| number(id, "Location")).filter(|id| LOCATIONS.contains(id));
        let Some(location) = location else {
            return Err(refuse("INVALID", &["locationId"], "The location could not be found."));
        };
        let pieces = of.get("available").and_then(Value::as_i64).or(of.get("onHand").and_then(Value::as_i64));
        let level = json!({ "inventoryLevel": { "__typename": "InventoryLevel", "id": gid("InventoryLevel", location) } });
        let Some(known) = self.variants.get_mut(variant) else { return Ok(Written::Unchanged(level)) };
        if known.levels.contains_key(&location) {
            return Err(refuse(
                "INVALID",
                &["available"],
                "Not allowed to set available quantity when the item is already active at the location.",
            ));
        }
        known.levels.insert(location, pieces.unwrap_or_default());
        self.level_changed(variant, location, now);
        Ok(Written::Changed(level))
    }

    fn cancel(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let order = self.named_order(of.get("orderId"))?;
        let job = json!({ "job": { "__typename": "Job", "id": gid("Job", order), "done": true } });
        let Some(shown) = self.orders.get_mut(&order) else { return Ok(Written::Unchanged(job)) };
        if shown.is_cancelled() {
            return Err(refuse("INVALID", &["orderId"], "Order has already been cancelled."));
        }
        shown.cancelled_at = Some(shown.now());
        self.changed(order, &[Topic::Cancelled, Topic::Updated]);
        Ok(Written::Changed(job))
    }

    fn update_product(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let product = of.get("product").cloned().unwrap_or_default();
        let id = product
            .get("id")
            .and_then(|id| number(id, "Product"))
            .and_then(|id| id.checked_sub(7_880_321_196_742));
        let at = id.and_then(|at| usize::try_from(at).ok());
        let Some(variant) = at.and_then(|at| self.variants.get_mut(at)) else {
            return Err(refuse("NOT_FOUND", &["id"], "Product does not exist"));
        };
        let answer = json!({ "product": null });
        match product.get("title").and_then(Value::as_str) {
            Some(title) if title != variant.title => title.clone_into(&mut variant.title),
            _ => return Ok(Written::Unchanged(answer)),
        }
        Ok(Written::Changed(answer))
    }

    fn update_variants(&mut self, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let all = of.get("variants").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut changed = false;
        for one in &all {
            let id = one.get("id").and_then(|id| number(id, "ProductVariant"));
            let at = (0..self.variants.len()).find(|at| Some(super::state::variant_id(*at)) == id);
            let Some(variant) = at.and_then(|at| self.variants.get_mut(at)) else {
                return Err(refuse("NOT_FOUND", &["variants"], "Product variant does not exist"));
            };
            let price = one
                .get("price")
                .and_then(|price| price.as_str().map(str::to_owned).or(Some(price.to_string())));
            if let Some(price) = price.filter(|price| *price != variant.price && price != "null") {
                variant.price = price;
                changed = true;
            }
        }
        let answer = json!({ "productVariants": [] });
        Ok(if changed { Written::Changed(answer) } else { Written::Unchanged(answer) })
    }

    fn subscribe(&mut self, name: &str, of: &Map<String, Value>) -> Result<Written, Refusal> {
        let id = of.get("id").and_then(|id| number(id, "WebhookSubscription"));
        if name == "webhookSubscriptionDelete" {
            let gone = id.and_then(|id| self.subscriptions.remove(&id));
            let Some(_) = gone else {
                return Err(refuse("NOT_FOUND", &["id"], "Webhook subscription does not exist"));
            };
            return Ok(Written::Changed(json!({ "deletedWebhookSubscriptionId": of.get("id") })));
        }
        let input = of.get("webhookSubscription").cloned().unwrap_or_default();
        let known = id.and_then(|id| self.subscriptions.get(&id));
        let topic =
            known.and_then(|known| known.get("topic")).or(of.get("topic")).cloned().unwrap_or_default();
        let uri = input.get("uri").or(input.get("callbackUrl")).cloned().unwrap_or_default();
        let taken = self.subscriptions.iter().any(|(other, stored)| {
            Some(*other) != id && stored.get("topic") == Some(&topic) && stored.get("uri") == Some(&uri)
        });
        if taken || (id.is_some() && known.is_none()) {
            return Err(refuse(
                "TAKEN",
                &["webhookSubscription", "uri"],
                "Address for this topic has already been taken",
            ));
        }
        let id = id.unwrap_or_else(|| {
            self.next_id += 1;
            self.next_id
        });
        let of = |name: &str| input.get(name).cloned().unwrap_or_default();
        let stored = json!({
            "__typename": "WebhookSubscription", "id": gid("WebhookSubscription", id), "topic": topic, "uri": uri,
            "name": of("name"), "format": "JSON", "filter": of("filter"),
            "includeFields": if of("includeFields").is_null() { json!([]) } else { of("includeFields") },
            "apiVersion": { "__typename": "ApiVersion", "handle": super::answer::VERSION },
        });
        self.subscriptions.insert(id, stored.clone());
        Ok(Written::Changed(json!({ "webhookSubscription": stored })))
    }
}

/// The answer of a mutation that was refused, beside its errors.
fn nothing(name: &str) -> Value {
    let field = match name {
        "fulfillmentCreate" | "fulfillmentTrackingInfoUpdate" | "fulfillmentCancel" => "fulfillment",
        "tagsAdd" | "tagsRemove" => "node",
        "inventorySetQuantities" => "inventoryAdjustmentGroup",
        "inventoryActivate" => "inventoryLevel",
        "orderCancel" => "job",
        "webhookSubscriptionDelete" => "deletedWebhookSubscriptionId",
        "webhookSubscriptionCreate" | "webhookSubscriptionUpdate" => "webhookSubscription",
        _ => "product",
    };
    json!({ field: null })
}

/// Numbers and carrier of a `FulfillmentTrackingInput`.
fn tracking(input: Option<&Value>) -> (Vec<String>, Option<String>) {
    let text =
        |name: &str| input.and_then(|input| input.get(name)).and_then(Value::as_str).map(str::to_owned);
    let many = input.and_then(|input| input.get("numbers")).and_then(Value::as_array);
    let mut numbers: Vec<String> =
        many.into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)).collect();
    if let Some(one) = text("number").filter(|one| !numbers.contains(one)) {
        numbers.insert(0, one);
    }
    (numbers, text("company"))
}
