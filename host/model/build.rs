//! Generates the vocabulary's Rust types from `wit/`, so that the vocabulary is defined once.
//!
//! Every interface of types becomes a module; every record, variant, enum and alias becomes a type with its
//! documentation. The JSON form is defined here: camelCase fields, absent options left out, enums as
//! their kebab-case names, variants as `{"kind": …, "value": …}`, 64-bit numbers and bytes as text.

#![allow(clippy::indexing_slicing, reason = "the ids come from the very contract that is indexed")]

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use heck::{ToSnakeCase, ToUpperCamelCase};
use wit_parser::{Docs, Interface, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeOwner};

/// The released version of the contract that the host's own types follow.
const CONTRACT: &str = "../../wit/0.1.0";

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed={CONTRACT}");
    let mut resolve = Resolve::default();
    let (connector, _) = resolve.push_dir(Path::new(CONTRACT)).context("reading the contract")?;
    let mut source = String::new();
    for (id, interface) in resolve.interfaces.iter() {
        let package = interface.package.context("an interface belongs to a package")?;
        let vocabulary = resolve.packages[package].name.name == "retail";
        let control = package == connector && interface.name.as_deref() == Some("types");
        if vocabulary || control {
            let name = if control { "connector" } else { interface.name.as_deref().context("interface")? };
            module(&resolve, &mut source, name, id, interface)?;
        }
    }
    let file = syn::parse_file(&source).context("parsing the generated vocabulary")?;
    let out = std::env::var("OUT_DIR").context("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("vocabulary.rs"), prettyplease::unparse(&file))?;
    Ok(())
}

fn module(
    resolve: &Resolve,
    out: &mut String,
    name: &str,
    id: InterfaceId,
    interface: &Interface,
) -> Result<()> {
    docs(out, &interface.docs);
    writeln!(out, "pub mod {} {{", ident(&name.to_snake_case()))?;
    for (type_name, type_id) in &interface.types {
        let def = &resolve.types[*type_id];
        definition(resolve, out, type_name, def, id).with_context(|| format!("{name}.{type_name}"))?;
    }
    // What wasmtime's bindings expect in the module of an interface of types alone.
    writeln!(out, "#[cfg(feature = \"component\")] crate::component::interface_of_types!(); }}")?;
    Ok(())
}

fn definition(
    resolve: &Resolve,
    out: &mut String,
    name: &str,
    def: &TypeDef,
    interface: InterfaceId,
) -> Result<()> {
    let rust = name.to_upper_camel_case();
    docs(out, &def.docs);
    match &def.kind {
        TypeDefKind::Record(record) => {
            derives(out, "record", "rename_all = \"camelCase\"");
            writeln!(out, "pub struct {rust} {{")?;
            for field in &record.fields {
                docs(out, &field.docs);
                component_name(out, &field.name);
                out.push_str(field_json(resolve, &field.ty));
                writeln!(out, "pub {}: {},", ident(&field.name.to_snake_case()), ty(resolve, &field.ty)?)?;
            }
            out.push_str("}\n");
        }
        TypeDefKind::Variant(variant) => {
            derives(out, "variant", "tag = \"kind\", content = \"value\"");
            // The contract determines the layout: cases cannot be boxed.
            out.push_str("#[allow(clippy::large_enum_variant)]\n");
            writeln!(out, "pub enum {rust} {{")?;
            for case in &variant.cases {
                docs(out, &case.docs);
                component_name(out, &case.name);
                // Routes name facts with a dot: `order.placed`.
                let json = if name == "fact" { case.name.replacen('-', ".", 1) } else { case.name.clone() };
                writeln!(out, "#[serde(rename = \"{json}\")]")?;
                out.push_str(&case.name.to_upper_camel_case());
                if let Some(value) = &case.ty {
                    write!(out, "({})", ty(resolve, value)?)?;
                }
                out.push_str(",\n");
            }
            out.push_str("}\n");
        }
        TypeDefKind::Enum(e) => {
            derives(out, "enum", "rename_all = \"kebab-case\"");
            out.push_str("#[derive(Copy, Eq, Hash, PartialOrd, Ord)] #[repr(u8)]\n");
            writeln!(out, "pub enum {rust} {{")?;
            for case in &e.cases {
                docs(out, &case.docs);
                component_name(out, &case.name);
                writeln!(out, "#[serde(rename = \"{}\")] {},", case.name, case.name.to_upper_camel_case())?;
            }
            out.push_str("}\n");
            names(out, &rust, e.cases.iter().map(|case| case.name.as_str()))?;
        }
        TypeDefKind::Type(Type::Id(id)) => {
            let other = &resolve.types[*id];
            match other.owner {
                TypeOwner::Interface(owner) if owner != interface => {
                    let path = path(resolve, owner, other)?;
                    writeln!(out, "pub use {path};")?;
                }
                _ => writeln!(out, "pub type {rust} = {};", ty(resolve, &Type::Id(*id))?)?,
            }
        }
        TypeDefKind::Type(simple) => writeln!(out, "pub type {rust} = {};", ty(resolve, simple)?)?,
        other => bail!("no rule for {}", other.as_str()),
    }
    Ok(())
}

/// All cases of an enum, and their names in the contract.
fn names<'a>(out: &mut String, rust: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    writeln!(
        out,
        "impl {rust} {{ /// All cases, in the order of the contract.\npub const ALL: &[Self] = &["
    )?;
    for name in names.clone() {
        writeln!(out, "Self::{},", name.to_upper_camel_case())?;
    }
    writeln!(
        out,
        "]; /// The name in the contract.\n#[must_use] pub fn name(self) -> &'static str {{ match self {{"
    )?;
    for name in names {
        writeln!(out, "Self::{} => \"{name}\",", name.to_upper_camel_case())?;
    }
    writeln!(out, "}} }} }}")?;
    Ok(())
}

fn derives(out: &mut String, shape: &str, json: &str) {
    let _ = writeln!(
        out,
        "#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
         #[serde({json})]
         #[cfg_attr(feature = \"arbitrary\", derive(arbitrary::Arbitrary))]
         #[cfg_attr(feature = \"component\", derive(wasmtime::component::ComponentType, wasmtime::component::Lift, wasmtime::component::Lower))]
         #[cfg_attr(feature = \"component\", component({shape}))]"
    );
}

fn component_name(out: &mut String, name: &str) {
    let _ = writeln!(out, "#[cfg_attr(feature = \"component\", component(name = \"{name}\"))]");
}

/// The JSON form of a field where it differs from the default of its Rust type.
fn field_json(resolve: &Resolve, field: &Type) -> &'static str {
    match field {
        Type::U64 => "#[serde(with = \"crate::json::number\")] #[schemars(with = \"String\")]\n",
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Option(Type::U64) => {
                "#[serde(default, skip_serializing_if = \"Option::is_none\", with = \"crate::json::number_or_absent\")] #[schemars(with = \"Option<String>\")]\n"
            }
            TypeDefKind::Option(_) => "#[serde(default, skip_serializing_if = \"Option::is_none\")]\n",
            TypeDefKind::List(Type::U8) => {
                "#[serde(with = \"crate::json::bytes\")] #[schemars(with = \"String\")]\n"
            }
            TypeDefKind::List(_) => "#[serde(default, skip_serializing_if = \"Vec::is_empty\")]\n",
            _ => "",
        },
        _ => "",
    }
}

fn ty(resolve: &Resolve, t: &Type) -> Result<String> {
    Ok(match t {
        Type::Bool => "bool".into(),
        Type::U8 => "u8".into(),
        Type::U32 => "u32".into(),
        Type::U64 => "u64".into(),
        Type::String => "String".into(),
        Type::Id(id) => {
            let def = &resolve.types[*id];
            match &def.kind {
                TypeDefKind::Option(inner) => format!("Option<{}>", ty(resolve, inner)?),
                TypeDefKind::List(inner) => format!("Vec<{}>", ty(resolve, inner)?),
                TypeDefKind::Tuple(tuple) => {
                    let parts = tuple.types.iter().map(|t| ty(resolve, t)).collect::<Result<Vec<_>>>()?;
                    format!("({})", parts.join(", "))
                }
                _ => def.name.as_deref().context("a named type")?.to_upper_camel_case(),
            }
        }
        other => bail!("no rule for {other:?}"),
    })
}

/// The Rust path of a type of another interface.
fn path(resolve: &Resolve, owner: InterfaceId, def: &TypeDef) -> Result<String> {
    let interface = resolve.interfaces[owner].name.as_deref().context("a named interface")?;
    let name = def.name.as_deref().context("a named type")?;
    Ok(format!("super::{}::{}", ident(&interface.to_snake_case()), name.to_upper_camel_case()))
}

fn docs(out: &mut String, docs: &Docs) {
    for line in docs.contents.as_deref().unwrap_or_default().lines() {
        let _ = writeln!(out, "#[doc = {:?}]", format!(" {line}"));
    }
}

fn ident(name: &str) -> String {
    if matches!(name, "type" | "return" | "move" | "ref") { format!("r#{name}") } else { name.to_string() }
}
