//! The host's side of the contract, generated from `wit/`.
//!
//! One set of bindings over the union of all worlds; a plugin's interfaces are looked up one by one, so
//! no plugin has to export them all. The vocabulary's types are the model's own.

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0",
    world: "any-plugin",
    imports: {
        "crossdock:host/references@0.1.0": async | trappable,
        "crossdock:host/mappings@0.1.0": async | trappable,
        "crossdock:host/stores@0.1.0": async | trappable,
        "crossdock:host/numbers@0.1.0": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "crossdock:retail/common@0.1.0": crossdock_model::common,
        "crossdock:retail/order@0.1.0": crossdock_model::order,
        "crossdock:retail/refund@0.1.0": crossdock_model::refund,
        "crossdock:retail/fulfilment@0.1.0": crossdock_model::fulfilment,
        "crossdock:retail/inventory@0.1.0": crossdock_model::inventory,
        "crossdock:retail/document@0.1.0": crossdock_model::document,
        "crossdock:retail/catalogue@0.1.0": crossdock_model::catalogue,
        "crossdock:retail/till@0.1.0": crossdock_model::till,
        "crossdock:retail/event@0.1.0": crossdock_model::event,
        "crossdock:connector/types@0.1.0": crossdock_model::connector,
    },
});
