//! Which files are taken as plugins, and what the cache can do to the host: nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod guests;

use std::time::Duration;

use crossdock_egress::Access;
use crossdock_sandbox::manifest::{self, Export};
use crossdock_sandbox::signature::{self, Keyring, SigningKey, sign};
use crossdock_sandbox::{Grants, LoadError, Options, Plugin, Sandbox};
use guests::{MANIFEST, client, component, file, note, options};
use serde_json::json;
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentInstanceSection,
    ComponentTypeRef, ComponentTypeSection, InstanceType,
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn strict() -> Options {
    let mut keyring = Keyring::default();
    keyring.trust("Acme", key(1).public());
    Options { keyring, ..options() }
}

fn lax() -> Options {
    Options { allow_unsigned: true, ..options() }
}

async fn load(options: Options, file: Vec<u8>, signatures: Option<&str>) -> Result<Plugin, LoadError> {
    Sandbox::new(options).unwrap().load(file, signatures).await
}

fn refused(result: Result<Plugin, LoadError>) -> LoadError {
    match result {
        Ok(plugin) => panic!("{} was taken", plugin.label()),
        Err(error) => error,
    }
}

async fn works(plugin: &Plugin) {
    let grants = Grants::new("t", json!({"mode": "ok"}), client(Access::default()));
    assert_eq!(note(&plugin.guest(grants).unwrap()).await, "done");
}

#[tokio::test]
async fn only_what_somebody_trusted_signed_is_taken() {
    let file = file();
    let good = sign(&file, &key(1));
    let plugin = load(strict(), file.clone(), Some(&good)).await.unwrap();
    assert_eq!(plugin.signer(), Some("Acme"));
    assert_eq!(plugin.label(), "hostile@0.1.0");
    works(&plugin).await;

    let error = refused(load(strict(), file.clone(), None).await);
    assert!(matches!(error, LoadError::Signature(signature::Error::Unsigned)), "{error}");
    let error = refused(load(strict(), file.clone(), Some(&sign(&file, &key(2)))).await);
    assert!(matches!(error, LoadError::Signature(signature::Error::Untrusted)), "{error}");
    // One bit of the code, and a byte after the end.
    let mut flipped = file.clone();
    flipped[file.len() / 2] ^= 1;
    let longer = [file.clone(), vec![0]].concat();
    for changed in [flipped, longer] {
        let error = refused(load(strict(), changed.clone(), Some(&good)).await);
        assert!(matches!(error, LoadError::Signature(signature::Error::Tampered { .. })), "{error}");
        // Not even where unsigned plugins are taken.
        let trusting = Options { allow_unsigned: true, ..strict() };
        let error = refused(load(trusting, changed, Some(&good)).await);
        assert!(matches!(error, LoadError::Signature(signature::Error::Tampered { .. })), "{error}");
    }
    let unsigned = load(Options { allow_unsigned: true, ..strict() }, file, None).await.unwrap();
    assert_eq!(unsigned.signer(), None);
}

#[tokio::test]
async fn the_signature_lies_beside_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.wasm");
    std::fs::write(&path, file()).unwrap();
    let sandbox = Sandbox::new(strict()).unwrap();
    assert!(matches!(refused(sandbox.load_path(&path).await), LoadError::Signature(_)));
    std::fs::write(signature::beside(&path), sign(&file(), &key(1))).unwrap();
    assert_eq!(sandbox.load_path(&path).await.unwrap().signer(), Some("Acme"));
    let missing = refused(sandbox.load_path(&dir.path().join("none.wasm")).await);
    assert!(missing.to_string().contains("none.wasm cannot be read"), "{missing}");
}

#[tokio::test]
async fn one_manifest_that_tells_the_truth() {
    let error = refused(load(lax(), component().to_vec(), None).await);
    assert!(matches!(error, LoadError::Manifest(manifest::Error::Absent)), "{error}");

    let mut twice = file();
    let section =
        wasm_encoder::CustomSection { name: manifest::SECTION.into(), data: MANIFEST.as_bytes().into() };
    wasm_encoder::ComponentSection::append_to_component(&section, &mut twice);
    let error = refused(load(lax(), twice, None).await);
    assert!(matches!(error, LoadError::Manifest(manifest::Error::Repeated)), "{error}");

    let sink_only =
        MANIFEST.replace("[\"source\", \"sink\"]", "[\"sink\"]").replace("[source]\npoll = true", "");
    let file = manifest::pack(component(), &sink_only).unwrap();
    let error = refused(load(lax(), file, None).await);
    assert!(matches!(error, LoadError::Export { export: Export::Source, declared: false }), "{error}");

    let empty = Component::new().finish();
    let file = manifest::pack(&empty, MANIFEST).unwrap();
    let error = refused(load(lax(), file, None).await);
    assert!(matches!(error, LoadError::Export { declared: true, .. }), "{error}");
}

#[tokio::test]
async fn an_import_that_plugins_do_not_get_is_named() {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import("wasi:keyvalue/store@0.2.0", ComponentTypeRef::Instance(0));
    component.section(&imports);
    let file = manifest::pack(&component.finish(), MANIFEST).unwrap();
    let error = refused(load(lax(), file, None).await);
    assert!(
        matches!(&error, LoadError::Import { import } if import == "wasi:keyvalue/store@0.2.0"),
        "{error}"
    );
}

#[tokio::test]
async fn the_right_name_with_the_wrong_content_is_found_out() {
    let mut component = Component::new();
    let mut instances = ComponentInstanceSection::new();
    instances.export_items(Vec::<(&str, ComponentExportKind, u32)>::new());
    component.section(&instances);
    let mut exports = ComponentExportSection::new();
    for name in ["crossdock:connector/source@0.1.0", "crossdock:connector/sink@0.1.0"] {
        exports.export(name, ComponentExportKind::Instance, 0, None);
    }
    component.section(&exports);
    let file = manifest::pack(&component.finish(), MANIFEST).unwrap();
    let error = refused(load(lax(), file, None).await);
    assert!(matches!(error, LoadError::Trial { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_plugin_is_said() {
    for (bytes, said) in [
        (b"hello".to_vec(), "no WebAssembly component"),
        (Vec::new(), "no WebAssembly component"),
        (b"\0asm\x01\x00\x00\x00".to_vec(), "wasm32-wasip2"),
    ] {
        let error = refused(load(lax(), bytes, None).await);
        assert!(error.to_string().contains(said), "{error}");
    }
    let error = refused(load(Options { largest: 1000, ..lax() }, file(), None).await);
    assert!(matches!(error, LoadError::TooLarge { limit: 1000 }), "{error}");
    let error = refused(load(Options { compile: Duration::ZERO, cache: None, ..lax() }, file(), None).await);
    assert!(matches!(error, LoadError::CompileTime { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_cache_is_compiled_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let lax = || Options { cache: Some(cache.clone()), ..lax() };
    let kept = || {
        let files: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    };
    works(&load(lax(), file(), None).await.unwrap()).await;
    let whole = std::fs::read(kept()).unwrap();
    let written = || std::fs::metadata(kept()).unwrap().modified().unwrap();

    // A second start uses what is there.
    let before = written();
    works(&load(lax(), file(), None).await.unwrap()).await;
    assert_eq!(written(), before);

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x40;
    // Garbage whose digest is right: as if somebody had meant it.
    let garbage = vec![7_u8; 4096];
    let forged = [<sha2::Sha256 as sha2::Digest>::digest(&garbage).to_vec(), garbage].concat();
    for damaged in [flipped, forged] {
        std::fs::write(kept(), &damaged).unwrap();
        works(&load(lax(), file(), None).await.unwrap()).await;
        assert_eq!(std::fs::read(kept()).unwrap().len(), whole.len(), "it was not written again");
    }
}
