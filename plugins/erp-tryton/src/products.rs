//! Looks up Tryton's products by their codes.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::lines::{Article, RequiredLine};
use crate::sale_line::SaleLine;
use crate::value;

/// Looks up the products of lines, all in one request. A line whose SKU is unmapped is left out and recorded in the
/// tables.
///
/// # Errors
/// `unknown-sku`, `ambiguous-sku`, `not-for-sale`; or the request failed.
pub fn resolve(required: &[RequiredLine], erp: &Erp) -> Result<Vec<SaleLine>, http::Error> {
    let mut codes: Vec<&str> = required.iter().filter_map(|line| line.article.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let products = if codes.is_empty() { Vec::new() } else { search(&codes, erp)? };
    required.iter().filter_map(|line| sale_line(line, &products, erp).transpose()).collect()
}

fn sale_line(
    required: &RequiredLine,
    products: &[Value],
    erp: &Erp,
) -> Result<Option<SaleLine>, http::Error> {
    let (product, unit, description) = match &required.article {
        Article::Text(text) => (None, None, Some(text.clone())),
        Article::Known { product, unit } => (Some(*product), Some(*unit), None),
        Article::Code { code, unit, is_sku } => {
            let found = find(code, *is_sku, products, &required.field, erp).map_err(http::Error::Rejected)?;
            let Some(product) = found else { return Ok(None) };
            if product.get("salable") == Some(&Value::Bool(false)) {
                let message = format!("Tryton's product \"{code}\" is not for sale");
                return Err(http::Error::Rejected(sku_problem("not-for-sale", message, &required.field)));
            }
            let unit_field = |name| product.get(name).and_then(Value::as_i64);
            let default_unit = unit_field("sale_uom").or_else(|| unit_field("default_uom"));
            (Some(value::id(product)), unit.or(default_unit), None)
        }
    };
    Ok(Some(SaleLine {
        product,
        unit,
        quantity: required.quantity,
        unit_price: required.unit_price,
        taxes: required.taxes.clone(),
        description,
    }))
}

/// The products with these codes.
///
/// # Errors
/// The request failed.
pub fn search(codes: &[&str], erp: &Erp) -> Result<Vec<Value>, http::Error> {
    let fields = ["code", "sale_uom", "default_uom", "salable"];
    erp.rest.search("product.product", &json!([["code", "in", codes]]), &fields)
}

/// The product with a code. `None` when the code is a SKU that is unmapped, which is recorded in the tables.
///
/// # Errors
/// `unknown-sku`, `ambiguous-sku`.
pub fn find<'a>(
    code: &str,
    is_sku: bool,
    products: &'a [Value],
    field: &str,
    erp: &Erp,
) -> Result<Option<&'a Value>, Problem> {
    let mut matching = products.iter().filter(|product| value::text(product, "code") == Some(code));
    match (matching.next(), matching.next()) {
        (None, _) if is_sku => {
            erp.tables.add_unmapped_sku(code);
            Ok(None)
        }
        (None, _) => {
            let message = format!("Tryton has no product with the code \"{code}\"");
            Err(sku_problem("unknown-sku", message, field))
        }
        (Some(_), Some(_)) => {
            let message = format!("Tryton has several products with the code \"{code}\"");
            Err(sku_problem("ambiguous-sku", message, field))
        }
        (found, None) => Ok(found),
    }
}

fn sku_problem(code: &str, message: String, field: &str) -> Problem {
    Problem::new(code, message).at(format!("{field}.sku"))
}
