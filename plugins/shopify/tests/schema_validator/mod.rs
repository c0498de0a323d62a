//! Validates GraphQL requests against the vendor's schema, where it is available: `CROSSDOCK_SHOPIFY_SCHEMA` is the
//! folder that `tests/shopify-schema/up.sh` prints.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

/// A running validator. Reading the schema takes longer than a test, so it is started once.
struct Validator {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The violations of each request to a version of the API (`{"query", "variables", "data"?}`). None where the schema is
/// not available.
pub fn violations(version: &str, requests: &[Value]) -> Option<Vec<Vec<String>>> {
    static VALIDATOR: OnceLock<Option<Mutex<Validator>>> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| Validator::start(version)).as_ref()?;
    // A test that panicked here had written and read whole lines.
    let mut validator = validator.lock().unwrap_or_else(PoisonError::into_inner);
    Some(requests.iter().map(|request| validator.validate(request)).collect())
}

impl Validator {
    #[allow(clippy::zombie_processes, reason = "it ends with this process")]
    fn start(version: &str) -> Option<Mutex<Self>> {
        let Some(folder) = std::env::var_os("CROSSDOCK_SHOPIFY_SCHEMA") else {
            println!(
                "CROSSDOCK_SHOPIFY_SCHEMA is not set: requests are not validated against Shopify's schema"
            );
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/shopify-schema/validate.mjs");
        let node = Command::new("node")
            .arg(script)
            .arg(folder)
            .arg(version)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let output = BufReader::new(node.stdout.expect("an output"));
        Some(Mutex::new(Self { input: node.stdin.expect("an input"), output }))
    }

    fn validate(&mut self, request: &Value) -> Vec<String> {
        writeln!(self.input, "{request}").expect("the validator accepts input");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the validator responds");
        serde_json::from_str(&line).expect("the validator has read the schema")
    }
}
