use super::*;

const SHOP: &str = r#"
    name = "shopify"
    version = "0.1.0"
    vendor = "Crossdock"
    description = "Orders and refunds from a Shopify shop"
    contract = "0.1.0"
    system = "shopify"
    exports = ["source"]
    [webhook]
    scheme = "hmac-sha256"
    header = "x-shopify-hmac-sha256"
    encoding = "base64"
    secret = "webhook"
    dedupe = [["x-shopify-topic", "x-shopify-event-id"], ["x-shopify-webhook-id"]]
    [secrets]
    webhook = "the app's client secret"
    [settings]
    type = "object"
    required = ["shop"]
    additionalProperties = false
    [settings.properties.shop]
    type = "string"
"#;

const ERP: &str = r#"
    name = "erp-rest"
    version = "1.2.3-beta.1"
    vendor = "Crossdock"
    description = "A small ERP"
    contract = "0.1.0"
    system = "erp"
    exports = ["sink", "source"]
    [http]
    hosts = "setting:url"
    [sink]
    keys = "find"
    max-inflight = "10s"
    kinds = ["order.placed", "refund.issued"]
    personal = ["name", "email", "shipping", "card-last4"]
    [source]
    poll = true
"#;

/// The smallest component there is.
const EMPTY: &[u8] = b"\0asm\x0d\x00\x01\x00";

#[test]
fn a_packed_manifest_is_read() {
    for text in [SHOP, ERP] {
        let packed = pack(EMPTY, text).unwrap();
        assert_eq!(read(&packed).unwrap(), parse(text).unwrap());
    }
    let sink = parse(ERP).unwrap().sink.unwrap();
    assert_eq!(sink.max_inflight, Duration::from_secs(10));
    assert_eq!(sink.batch, 1);
    assert!(sink.personal.contains(&Personal::CardLast4));
}

#[test]
fn a_second_manifest_is_refused() {
    let packed = pack(EMPTY, SHOP).unwrap();
    assert!(matches!(pack(&packed, ERP), Err(Error::Repeated)));
    let twice = section::append(&packed, ERP.as_bytes());
    assert!(matches!(read(&twice), Err(Error::Repeated)));
}

#[test]
fn sections_of_inner_components_are_ignored() {
    let inner = section::append(EMPTY, ERP.as_bytes());
    let mut outer = EMPTY.to_vec();
    outer.push(4); // a component section
    outer.push(0x80 | (inner.len() & 0x7f) as u8);
    outer.push((inner.len() >> 7) as u8);
    outer.extend(&inner);
    assert!(matches!(read(&outer), Err(Error::Absent)));
    let outer = section::append(&outer, SHOP.as_bytes());
    assert_eq!(read(&outer).unwrap().name, "shopify");
}

#[test]
fn an_invalid_component_is_refused_with_a_reason() {
    let error = |file: &[u8]| read(file).unwrap_err().to_string();
    assert!(error(b"hello").contains("not a WebAssembly component"));
    assert!(error(b"").contains("not a WebAssembly component"));
    assert!(error(b"\0asm\x01\x00\x00\x00").contains("wasm32-wasip2"));
    assert!(error(EMPTY).contains("no manifest"));
    let cut = pack(EMPTY, SHOP).unwrap();
    assert!(error(&cut[..cut.len() - 5]).contains("not a WebAssembly component"));
}

#[test]
fn an_invalid_manifest_is_refused_with_a_reason() {
    let invalid = [
        (SHOP.replace("vendor", "vendro"), "unknown field `vendro`"),
        (SHOP.replace("\"shopify\"\n    version", "\"Shop ify\"\n    version"), "lower-case letters"),
        (SHOP.replace("0.1.0\"\n    vendor", "1\"\n    vendor"), "three numbers"),
        (SHOP.replace("contract = \"0.1.0\"", "contract = \"9.0.0\""), "this host supports 0.1.0"),
        (SHOP.replace("\"source\"", "\"sink\""), "[sink] is missing"),
        (SHOP.replace("\"source\"", "\"saurce\""), "unknown variant `saurce`"),
        (SHOP.replace("secret = \"webhook\"", "secret = \"other\""), "`other` is not among [secrets]"),
        (SHOP.replace("x-shopify-topic", "X-Shopify-Topic"), "not a header name in lower case"),
        (SHOP.replace("x-shopify-webhook-id", "body:event_id"), "not a JSON pointer"),
        (SHOP.replace("[webhook]", "[webhook]\n    signs = \"moon\""), "unknown variant `moon`"),
        (SHOP.replace("type = \"object\"", "type = \"objekt\""), "not a JSON Schema"),
        (ERP.replace("order.placed", "order.plaid"), "`order.plaid` is not a kind of event"),
        (ERP.replace("10s", "soon"), "`soon` is not a duration"),
        (ERP.replace("card-last4", "shoe-size"), "unknown variant `shoe-size`"),
        (ERP.replace("keys = \"find\"", ""), "missing field `keys`"),
    ];
    for (text, reason) in invalid {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_signature_covers_the_body_unless_the_manifest_says_otherwise() {
    let webhook = |text: &str| parse(text).unwrap().webhook.unwrap();
    let shop = webhook(SHOP);
    assert_eq!((shop.signs, shop.optional), (SignedContent::Body, false));
    let more = SHOP.replace("[webhook]", "[webhook]\n    signs = \"url-and-body\"\n    optional = true");
    let more = webhook(&more.replace("x-shopify-webhook-id", "body:/event_id"));
    assert_eq!((more.signs, more.optional), (SignedContent::UrlAndBody, true));
    assert_eq!(more.dedupe[1], ["body:/event_id"]);
}

#[test]
fn a_manifest_serializes_to_json() {
    let json = serde_json::to_value(parse(ERP).unwrap()).unwrap();
    assert_eq!(json["sink"]["max-inflight"], "10s");
    assert_eq!(json["exports"], serde_json::json!(["source", "sink"]));
}
