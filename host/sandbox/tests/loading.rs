//! Which files are loaded as plugins, and that a damaged cache is harmless.

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
use crossdock_sandbox::{Grants, Guest, LoadError, Options, Plugin, Sandbox};
use guests::{MANIFEST, client, component, file, note, options};
use serde_json::json;
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentInstanceSection,
    ComponentTypeRef, ComponentTypeSection, InstanceType,
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn signed_only() -> Options {
    let mut keyring = Keyring::default();
    keyring.trust("Acme", key(1).public());
    Options { keyring, ..options() }
}

fn unsigned() -> Options {
    Options { allow_unsigned: true, ..options() }
}

async fn load(options: Options, file: Vec<u8>, signatures: Option<&str>) -> Result<Plugin, LoadError> {
    Sandbox::new(options).unwrap().load(file, signatures).await
}

fn refused(result: Result<Plugin, LoadError>) -> LoadError {
    match result {
        Ok(plugin) => panic!("{} was loaded", plugin.label()),
        Err(error) => error,
    }
}

async fn assert_works(plugin: &Plugin) {
    let grants = Grants::new("t", json!({"mode": "ok"}), client(Access::default()));
    assert_eq!(note(&Guest::new(plugin, grants).unwrap()).await, "done");
}

#[tokio::test]
async fn only_files_with_a_trusted_signature_are_loaded() {
    let file = file();
    let good = sign(&file, &key(1));
    let plugin = load(signed_only(), file.clone(), Some(&good)).await.unwrap();
    assert_eq!(plugin.signer(), Some("Acme"));
    assert_eq!(plugin.label(), "hostile@0.1.0");
    assert_works(&plugin).await;

    let error = refused(load(signed_only(), file.clone(), None).await);
    assert!(matches!(error, LoadError::Signature(signature::Error::Unsigned)), "{error}");
    let error = refused(load(signed_only(), file.clone(), Some(&sign(&file, &key(2)))).await);
    assert!(matches!(error, LoadError::Signature(signature::Error::Untrusted)), "{error}");
    // One bit of the code, and a byte after the end.
    let mut flipped = file.clone();
    flipped[file.len() / 2] ^= 1;
    let longer = [file.clone(), vec![0]].concat();
    for changed in [flipped, longer] {
        let error = refused(load(signed_only(), changed.clone(), Some(&good)).await);
        assert!(matches!(error, LoadError::Signature(signature::Error::Tampered { .. })), "{error}");
        // Not even where unsigned plugins are allowed.
        let options = Options { allow_unsigned: true, ..signed_only() };
        let error = refused(load(options, changed, Some(&good)).await);
        assert!(matches!(error, LoadError::Signature(signature::Error::Tampered { .. })), "{error}");
    }
    let plugin = load(Options { allow_unsigned: true, ..signed_only() }, file, None).await.unwrap();
    assert_eq!(plugin.signer(), None);
}

#[tokio::test]
async fn the_signature_is_read_from_the_file_beside_the_plugin() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.wasm");
    std::fs::write(&path, file()).unwrap();
    let sandbox = Sandbox::new(signed_only()).unwrap();
    assert!(matches!(refused(sandbox.load_path(&path).await), LoadError::Signature(_)));
    std::fs::write(signature::beside(&path), sign(&file(), &key(1))).unwrap();
    assert_eq!(sandbox.load_path(&path).await.unwrap().signer(), Some("Acme"));
    let missing = refused(sandbox.load_path(&dir.path().join("none.wasm")).await);
    assert!(missing.to_string().contains("none.wasm"), "{missing}");
}

#[tokio::test]
async fn a_file_has_one_manifest_that_matches_its_exports() {
    let error = refused(load(unsigned(), component().to_vec(), None).await);
    assert!(matches!(error, LoadError::Manifest(manifest::Error::Absent)), "{error}");

    let mut twice = file();
    let section =
        wasm_encoder::CustomSection { name: manifest::SECTION.into(), data: MANIFEST.as_bytes().into() };
    wasm_encoder::ComponentSection::append_to_component(&section, &mut twice);
    let error = refused(load(unsigned(), twice, None).await);
    assert!(matches!(error, LoadError::Manifest(manifest::Error::Repeated)), "{error}");

    let sink_only =
        MANIFEST.replace("[\"source\", \"sink\"]", "[\"sink\"]").replace("[source]\npoll = true", "");
    let file = manifest::pack(component(), &sink_only).unwrap();
    let error = refused(load(unsigned(), file, None).await);
    assert!(matches!(error, LoadError::Export { export: Export::Source, declared: false }), "{error}");

    let empty = Component::new().finish();
    let file = manifest::pack(&empty, MANIFEST).unwrap();
    let error = refused(load(unsigned(), file, None).await);
    assert!(matches!(error, LoadError::Export { declared: true, .. }), "{error}");
}

#[tokio::test]
async fn an_import_that_the_host_does_not_offer_is_refused() {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import("wasi:keyvalue/store@0.2.0", ComponentTypeRef::Instance(0));
    component.section(&imports);
    let file = manifest::pack(&component.finish(), MANIFEST).unwrap();
    let error = refused(load(unsigned(), file, None).await);
    assert!(
        matches!(&error, LoadError::Import { import } if import == "wasi:keyvalue/store@0.2.0"),
        "{error}"
    );
}

#[tokio::test]
async fn an_export_of_another_type_fails_the_trial() {
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
    let error = refused(load(unsigned(), file, None).await);
    assert!(matches!(error, LoadError::Trial { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_not_a_plugin_is_refused_with_a_reason() {
    for (bytes, reason) in [
        (b"hello".to_vec(), "not a WebAssembly component"),
        (Vec::new(), "not a WebAssembly component"),
        (b"\0asm\x01\x00\x00\x00".to_vec(), "wasm32-wasip2"),
    ] {
        let error = refused(load(unsigned(), bytes, None).await);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = refused(load(Options { max_file_bytes: 1000, ..unsigned() }, file(), None).await);
    assert!(matches!(error, LoadError::TooLarge { limit: 1000 }), "{error}");
    let error = refused(
        load(Options { compile_timeout: Duration::ZERO, cache: None, ..unsigned() }, file(), None).await,
    );
    assert!(matches!(error, LoadError::CompileTime { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_cache_entry_is_compiled_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let unsigned = || Options { cache: Some(cache.clone()), ..unsigned() };
    let cached = || {
        let files: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    };
    assert_works(&load(unsigned(), file(), None).await.unwrap()).await;
    let whole = std::fs::read(cached()).unwrap();
    let modified = || std::fs::metadata(cached()).unwrap().modified().unwrap();

    // A second start uses the cache.
    let before = modified();
    assert_works(&load(unsigned(), file(), None).await.unwrap()).await;
    assert_eq!(modified(), before);

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x40;
    // Garbage with the right digest, as if forged.
    let garbage = vec![7_u8; 4096];
    let forged = [<sha2::Sha256 as sha2::Digest>::digest(&garbage).to_vec(), garbage].concat();
    for damaged in [flipped, forged] {
        std::fs::write(cached(), &damaged).unwrap();
        assert_works(&load(unsigned(), file(), None).await.unwrap()).await;
        assert_eq!(std::fs::read(cached()).unwrap().len(), whole.len(), "the entry was not replaced");
    }
}
