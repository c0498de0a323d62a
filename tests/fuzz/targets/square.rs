//! Square: an order that the API answers with is told or refused, whatever stands in it.
#![no_main]

use crossdock_sdk::testing;
use libfuzzer_sys::fuzz_target;
use plugin_square::{Settings, read_order};

fuzz_target!(|bytes: &[u8]| {
    let _host = testing::Host::new().setting("merchant", "M1").setting("zone", "America/Chicago").install();
    let settings = Settings::read().expect("the settings are complete");
    match read_order(bytes, &settings) {
        Ok(events) => events.iter().for_each(|event| assert_eq!(event.entity.system, "square")),
        Err(problem) => assert!(!problem.code.is_empty() && !problem.message.is_empty()),
    }
});
