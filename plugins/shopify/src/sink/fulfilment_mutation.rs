//! The answer to a mutation that creates, changes or cancels a fulfilment.

use crossdock_sdk::prelude::*;
use serde::Deserialize;

use super::fulfilment::{Fulfilment, FulfilmentPayload};
use crate::admin::operations::Operation;
use crate::admin::response::{UserError, check_user_errors, require_payload};

/// The payload of a mutation that creates or changes a fulfilment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MutationPayload {
    fulfillment: Option<FulfilmentPayload>,
    user_errors: Vec<UserError>,
}

/// The fulfilment that a mutation returned.
pub(super) fn fulfilment_of(
    payload: Option<MutationPayload>,
    operation: &Operation,
) -> Result<Fulfilment, Outcome> {
    let payload = require_payload(payload, operation)?;
    check_user_errors(&payload.user_errors)?;
    Ok(require_payload(payload.fulfillment, operation)?.into())
}
