//! GraphQL, as much as a connector needs of it: a document is parsed by a library, its root fields are resolved
//! to whole JSON objects, and the selected fields are cut out of them.
//!
//! An object may declare that one of its fields depends on arguments: `{"@by": ["namespace", "key"], "@of": {…}}` is
//! looked up by their values. A list with `nodes` and `pageInfo` is paged by `first` and `after`.

use std::collections::HashMap;

use async_graphql_parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql_parser::{Positioned, parse_query};
use serde_json::{Map, Value, json};

/// A request that was parsed.
pub(super) struct Request {
    document: ExecutableDocument,
    operation: OperationDefinition,
    variables: Map<String, Value>,
}

/// A root field: a query or a mutation.
pub(super) struct Root<'a> {
    pub(super) field: &'a Field,
    /// Under which name it is answered.
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    /// The key of `@idempotent`.
    pub(super) key: Option<String>,
}

impl Request {
    /// Parses `{"query", "operationName", "variables"}`, or gives the reason why not.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let text = body.get("query").and_then(Value::as_str).ok_or("there is no query")?;
        let mut document = parse_query(text).map_err(|error| error.to_string())?;
        let wanted = body.get("operationName").and_then(Value::as_str);
        let operations =
            std::mem::replace(&mut document.operations, DocumentOperations::Multiple(HashMap::new()));
        let operation = match operations {
            DocumentOperations::Single(one) => Some(one.node),
            DocumentOperations::Multiple(all) => {
                let mut all = all.into_iter();
                all.find(|(name, _)| wanted.is_none_or(|wanted| name.as_str() == wanted))
                    .map(|(_, one)| one.node)
            }
        };
        let operation = operation.ok_or("there is no such operation")?;
        let mut variables = body.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
        for definition in &operation.variable_definitions {
            let name = definition.node.name.node.as_str();
            if let Some(default) = definition.node.default_value() {
                let value = default.clone().into_json().map_err(|error| error.to_string())?;
                variables.entry(name).or_insert(value);
            }
            if !definition.node.var_type.node.nullable && variables.get(name).is_none_or(Value::is_null) {
                return Err(format!("Variable ${name} was provided invalid value"));
            }
        }
        Ok(Self { document, operation, variables })
    }

    pub(super) fn writes(&self) -> bool {
        self.operation.ty == OperationType::Mutation
    }

    /// The root fields that are to be carried out, in their order.
    pub(super) fn roots(&self) -> Result<Vec<Root<'_>>, String> {
        let mut roots = vec![];
        for selection in &self.operation.selection_set.node.items {
            let Selection::Field(Positioned { node: field, .. }) = &selection.node else {
                return Err("fragments at the root are not supported".to_owned());
            };
            if !self.is_included(field)? {
                continue;
            }
            let directive = field.directives.iter().find(|one| one.node.name.node.as_str() == "idempotent");
            let key = directive.and_then(|directive| directive.node.get_argument("key"));
            let key = key.map(|key| self.value(&key.node)).transpose()?;
            roots.push(Root {
                field,
                name: field.response_key().node.to_string(),
                arguments: self.arguments(field)?,
                key: key.and_then(|key| key.as_str().map(str::to_owned)),
            });
        }
        Ok(roots)
    }

    /// Its requested cost: ten a mutation, one an object, and as many objects as a list is asked for.
    pub(super) fn cost(&self) -> f64 {
        let base = if self.writes() { 10.0 } else { 0.0 };
        (base + self.cost_of(&self.operation.selection_set.node)).max(1.0)
    }

    fn cost_of(&self, set: &SelectionSet) -> f64 {
        let cost = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) if field.node.selection_set.node.items.is_empty() => 0.0,
            Selection::Field(field) => {
                let arguments = self.arguments(&field.node).unwrap_or_default();
                let many = arguments.get("first").and_then(Value::as_f64).unwrap_or(1.0);
                many * (1.0
                    + self.cost_of(&field.node.selection_set.node) / if many > 1.0 { 4.0 } else { 1.0 })
            }
            Selection::InlineFragment(inline) => self.cost_of(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0.0, |fragment| self.cost_of(&fragment.node.selection_set.node))
            }
        };
        set.items.iter().map(cost).sum()
    }

    /// Cuts the selected fields out of a whole object.
    pub(super) fn cut(&self, field: &Field, whole: &Value) -> Result<Value, String> {
        let arguments = self.arguments(field)?;
        let whole = looked_up(whole, &arguments);
        let set = &field.selection_set.node;
        if let Some(nodes) = whole.get("nodes").and_then(Value::as_array) {
            return self.cut_one(set, &page(nodes, &arguments));
        }
        match whole {
            Value::Array(all) => all.iter().map(|one| self.cut_one(set, one)).collect(),
            one => self.cut_one(set, one),
        }
    }

    fn cut_one(&self, set: &SelectionSet, whole: &Value) -> Result<Value, String> {
        let Some(fields) = whole.as_object().filter(|_| !set.items.is_empty()) else {
            return Ok(whole.clone());
        };
        let mut part = Map::new();
        self.select(set, fields, &mut part)?;
        Ok(Value::Object(part))
    }

    fn select(
        &self,
        set: &SelectionSet,
        whole: &Map<String, Value>,
        part: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let kind = whole.get("__typename").and_then(Value::as_str).unwrap_or("?");
        for selection in &set.items {
            match &selection.node {
                Selection::Field(Positioned { node: field, .. }) => {
                    if !self.is_included(field)? {
                        continue;
                    }
                    let name = field.name.node.as_str();
                    let Some(value) = whole.get(name) else {
                        return Err(format!("Field '{name}' doesn't exist on type '{kind}'"));
                    };
                    part.insert(field.response_key().node.to_string(), self.cut(field, value)?);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.fragments.get(name);
                    let fragment =
                        fragment.ok_or_else(|| format!("Fragment {name} was used, but not defined"))?;
                    self.select(&fragment.node.selection_set.node, whole, part)?;
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    if condition.is_none_or(|condition| condition == kind) {
                        self.select(&inline.node.selection_set.node, whole, part)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_included(&self, field: &Field) -> Result<bool, String> {
        for directive in &field.directives {
            let name = directive.node.name.node.as_str();
            if let ("include" | "skip", Some(condition)) = (name, directive.node.get_argument("if")) {
                let holds = self.value(&condition.node)?.as_bool().unwrap_or(false);
                if holds != (name == "include") {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn arguments(&self, field: &Field) -> Result<Map<String, Value>, String> {
        let arguments = field.arguments.iter();
        arguments.map(|(name, value)| Ok((name.node.to_string(), self.value(&value.node)?))).collect()
    }

    fn value(&self, value: &async_graphql_value::Value) -> Result<Value, String> {
        let known = |name: async_graphql_value::Name| {
            let value = self.variables.get(name.as_str()).cloned().unwrap_or_default();
            async_graphql_value::ConstValue::from_json(value).map_err(|error| error.to_string())
        };
        value.clone().into_const_with(known)?.into_json().map_err(|error| error.to_string())
    }
}

/// The part of a value that its arguments choose.
fn looked_up<'a>(whole: &'a Value, arguments: &Map<String, Value>) -> &'a Value {
    let Some(names) = whole.get("@by").and_then(Value::as_array) else { return whole };
    let text = |name: &Value| match arguments.get(name.as_str()?)? {
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("/")),
        one => one.as_str().map(str::to_owned),
    };
    let key = names.iter().filter_map(text).collect::<Vec<_>>().join("/");
    whole.get("@of").and_then(|of| of.get(key)).unwrap_or(&Value::Null)
}

/// A page of a list; cursors are numbers of places.
fn page(nodes: &[Value], arguments: &Map<String, Value>) -> Value {
    let number =
        |name: &str| arguments.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let after =
        arguments.get("after").and_then(Value::as_str).and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let first = number("first").unwrap_or(usize::MAX);
    let part: Vec<Value> = nodes.iter().skip(after).take(first).cloned().collect();
    let end = after + part.len();
    let cursor = (!part.is_empty()).then(|| end.to_string());
    let info = json!({ "hasNextPage": end < nodes.len(), "endCursor": cursor });
    json!({ "__typename": "Connection", "nodes": part, "pageInfo": info })
}

/// A list in the form of GraphQL.
pub(super) fn list(nodes: Vec<Value>) -> Value {
    json!({ "nodes": nodes, "pageInfo": null })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str, variables: Value, whole: &Value) -> Result<Value, String> {
        let request =
            Request::parse(json!({ "query": query, "variables": variables }).to_string().as_bytes())?;
        let roots = request.roots()?;
        request.cut(roots[0].field, whole)
    }

    fn order() -> Value {
        json!({
            "__typename": "Order", "id": "1", "name": "#1",
            "metafield": { "@by": ["namespace", "key"], "@of": { "a/b": { "value": "7" } } },
            "lines": list(vec![json!({ "id": "x" }), json!({ "id": "y" }), json!({ "id": "z" })]),
        })
    }

    #[test]
    fn selected_fields_are_cut_out_by_fragments_arguments_and_pages() {
        let query = "query Q($id: ID!, $after: String, $all: Boolean!) { order(id: $id) { ...O
            metafield(namespace: \"a\", key: \"b\") { value } other: metafield(namespace: \"a\", key: \"c\") { value }
            lines(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
            name @include(if: $all) ... on Order { id } ... on Product { title } } } fragment O on Order { id }";
        let first = ask(query, json!({ "id": "1", "all": false }), &order()).unwrap();
        let page = json!({ "nodes": [{ "id": "x" }, { "id": "y" }], "pageInfo": { "hasNextPage": true, "endCursor": "2" } });
        assert_eq!(first, json!({ "id": "1", "metafield": { "value": "7" }, "other": null, "lines": page }));
        let second = ask(query, json!({ "id": "1", "after": "2", "all": true }), &order()).unwrap();
        assert_eq!(second["lines"]["nodes"], json!([{ "id": "z" }]));
        assert_eq!(second["name"], "#1");
        assert!(ask(query, json!({ "all": true }), &order()).is_err(), "a variable that must be there");
        let unknown = ask("{ order { colour } }", json!({}), &order()).unwrap_err();
        assert_eq!(unknown, "Field 'colour' doesn't exist on type 'Order'");
    }

    #[test]
    fn the_key_of_a_write_is_read_from_its_directive() {
        let query = "mutation M($key: String!) { a: set(n: 1) @idempotent(key: $key) { ok } b: set { ok } }";
        let body = json!({ "query": query, "variables": { "key": "k" } }).to_string();
        let request = Request::parse(body.as_bytes()).unwrap();
        let roots = request.roots().unwrap();
        let keys: Vec<_> = roots.iter().map(|root| (root.name.as_str(), root.key.as_deref())).collect();
        assert_eq!(keys, [("a", Some("k")), ("b", None)]);
        assert!(request.writes() && request.cost() >= 10.0);
    }
}
