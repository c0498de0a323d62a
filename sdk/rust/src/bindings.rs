//! The bindings that `wit-bindgen` generates from the contract: once, here, so that no plugin has to run it.
//!
//! The types and the host's services are generated for the world `imports`; each interface that a plugin may
//! export is generated for a world of its own and shares those types.

/// The types, and the host's services.
pub mod base {
    wit_bindgen::generate!({
        world: "imports",
        path: "../../wit/0.1.0",
        generate_all,
        generate_unused_types: true,
        additional_derives: [Clone, PartialEq],
    });
}

macro_rules! export {
    ($module:ident, $world:literal, $macro:literal, $path:literal) => {
        #[doc = concat!("The bindings for exporting the world `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                world: $world,
                path: "../../wit/0.1.0",
                pub_export_macro: true,
                export_macro_name: $macro,
                default_bindings_module: $path,
                with: {
                    "crossdock:connector/types@0.1.0": crate::bindings::base::crossdock::connector::types,
                    "crossdock:retail/common@0.1.0": crate::bindings::base::crossdock::retail::common,
                    "crossdock:retail/order@0.1.0": crate::bindings::base::crossdock::retail::order,
                    "crossdock:retail/refund@0.1.0": crate::bindings::base::crossdock::retail::refund,
                    "crossdock:retail/fulfilment@0.1.0": crate::bindings::base::crossdock::retail::fulfilment,
                    "crossdock:retail/inventory@0.1.0": crate::bindings::base::crossdock::retail::inventory,
                    "crossdock:retail/document@0.1.0": crate::bindings::base::crossdock::retail::document,
                    "crossdock:retail/catalogue@0.1.0": crate::bindings::base::crossdock::retail::catalogue,
                    "crossdock:retail/till@0.1.0": crate::bindings::base::crossdock::retail::till,
                    "crossdock:retail/event@0.1.0": crate::bindings::base::crossdock::retail::event,
                    "crossdock:host/config@0.1.0": crate::bindings::base::crossdock::host::config,
                    "crossdock:host/log@0.1.0": crate::bindings::base::crossdock::host::log,
                    "crossdock:host/references@0.1.0": crate::bindings::base::crossdock::host::references,
                    "crossdock:host/mappings@0.1.0": crate::bindings::base::crossdock::host::mappings,
                    "crossdock:host/stores@0.1.0": crate::bindings::base::crossdock::host::stores,
                    "crossdock:host/files@0.1.0": crate::bindings::base::crossdock::host::files,
                    "crossdock:host/numbers@0.1.0": crate::bindings::base::crossdock::host::numbers,
                },
            });
        }
    };
}

export!(source, "source-plugin", "export_source", "crossdock_sdk::bindings::source");
export!(sink, "sink-plugin", "export_sink", "crossdock_sdk::bindings::sink");
export!(setup, "setup-plugin", "export_setup", "crossdock_sdk::bindings::setup");
