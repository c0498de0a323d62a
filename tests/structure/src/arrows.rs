//! Which crate may depend on which.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::Manifest;

/// What one crate of the repository may know of the others.
#[derive(Debug, Clone, Copy)]
pub struct Arrow {
    /// The crate's folder.
    pub of: &'static str,
    /// The folders of the crates that it may depend on.
    pub may_know: &'static [&'static str],
    /// Why no others.
    pub because: &'static str,
}

/// A package from outside that few crates may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Reserved {
    /// The package.
    pub package: &'static str,
    /// The folders of the crates that may depend on it.
    pub known_to: &'static [&'static str],
    /// The folders of the crates that may depend on it by a feature.
    pub optional_for: &'static [&'static str],
    /// Where the rule applies: crates in these folders.
    pub within: &'static [&'static str],
    /// Why no others.
    pub because: &'static str,
}

/// Every dependency that the rules do not allow, every crate without a rule, and every rule without a crate.
pub fn check(manifests: &BTreeMap<String, Manifest>, arrows: &[Arrow], reserved: &[Reserved]) -> Vec<String> {
    let mut findings = between_crates(manifests, arrows);
    for rule in reserved {
        findings.extend(to_outside(manifests, rule));
    }
    findings
}

fn between_crates(manifests: &BTreeMap<String, Manifest>, arrows: &[Arrow]) -> Vec<String> {
    let mut findings = Vec::new();
    let folders: BTreeMap<&str, &str> =
        manifests.values().map(|crate_| (crate_.name.as_str(), crate_.folder.as_str())).collect();
    let ruled: BTreeSet<&str> = arrows.iter().map(|arrow| arrow.of).collect();
    for folder in manifests.keys().filter(|folder| !ruled.contains(folder.as_str())) {
        findings
            .push(format!("{folder}: no rule says what this crate may depend on; add one, with its reason"));
    }
    for arrow in arrows {
        let Some(crate_) = manifests.get(arrow.of) else {
            findings.push(format!("{}: a rule for a crate that does not exist; remove it", arrow.of));
            continue;
        };
        for dependency in &crate_.dependencies {
            let Some(&known) = folders.get(dependency.package.as_str()) else { continue };
            if !arrow.may_know.contains(&known) {
                findings.push(format!(
                    "{}/Cargo.toml depends on {} ({known}), which it may not know: {}",
                    arrow.of, dependency.package, arrow.because
                ));
            }
        }
    }
    findings
}

fn to_outside(manifests: &BTreeMap<String, Manifest>, rule: &Reserved) -> Vec<String> {
    let mut findings = Vec::new();
    for crate_ in manifests.values() {
        let folder = crate_.folder.as_str();
        if !rule.within.iter().any(|within| folder.starts_with(within)) || rule.known_to.contains(&folder) {
            continue;
        }
        for dependency in crate_.dependencies.iter().filter(|dependency| dependency.package == rule.package) {
            if !(dependency.optional && rule.optional_for.contains(&folder)) {
                findings.push(format!("{folder}/Cargo.toml depends on {}: {}", rule.package, rule.because));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::manifests;
    use crate::tree::Tree;

    const ARROWS: &[Arrow] = &[
        Arrow { of: "host/model", may_know: &[], because: "everything stands on it" },
        Arrow { of: "host/rules", may_know: &["host/model"], because: "it decides without the rest" },
    ];
    const RESERVED: &[Reserved] = &[Reserved {
        package: "rand",
        known_to: &["host/model"],
        optional_for: &["host/rules"],
        within: &["host/"],
        because: "decisions are repeatable",
    }];

    fn findings(model: &str, rules: &str) -> Vec<String> {
        let model = format!("[package]\nname = \"the-model\"\n{model}");
        let rules = format!("[package]\nname = \"the-rules\"\n{rules}");
        let tree =
            Tree::of([("host/model/Cargo.toml", model.as_str()), ("host/rules/Cargo.toml", rules.as_str())]);
        check(&manifests(&tree).unwrap(), ARROWS, RESERVED)
    }

    #[test]
    fn an_arrow_that_runs_down_is_allowed() {
        assert_eq!(findings("", "[dependencies]\nthe-model.workspace = true"), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_runs_up_is_refused_with_its_reason() {
        let found = findings("[dependencies]\nthe-rules = { path = \"../rules\" }", "");
        assert_eq!(
            found,
            [
                "host/model/Cargo.toml depends on the-rules (host/rules), which it may not know: everything stands on it"
            ]
        );
    }

    #[test]
    fn an_arrow_of_a_build_script_a_platform_or_a_feature_or_under_another_name_counts() {
        for text in [
            "[build-dependencies]\nthe-rules = { path = \"../rules\" }",
            "[target.'cfg(unix)'.dependencies]\nthe-rules = { path = \"../rules\" }",
            "[dependencies]\nthe-rules = { path = \"../rules\", optional = true }",
            "[dependencies]\nother = { path = \"../rules\", package = \"the-rules\" }",
        ] {
            assert_eq!(findings(text, "").len(), 1, "{text}");
        }
    }

    #[test]
    fn tests_may_know_any_crate() {
        assert_eq!(
            findings("[dev-dependencies]\nthe-rules = { path = \"../rules\" }", ""),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_crate_without_a_rule_and_a_rule_without_a_crate_are_refused() {
        let tree = Tree::of([("host/extra/Cargo.toml", "[package]\nname = \"extra\"")]);
        let found = check(&manifests(&tree).unwrap(), ARROWS, &[]);
        assert!(found.iter().any(|line| line.starts_with("host/extra: no rule says")), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("host/rules: a rule for a crate")), "{found:?}");
    }

    #[test]
    fn a_reserved_package_is_refused_unless_a_feature_brings_it_where_that_is_allowed() {
        assert_eq!(findings("[dependencies]\nrand = \"0.9\"", ""), Vec::<String>::new());
        assert_eq!(
            findings("", "[dependencies]\nrand = \"0.9\""),
            ["host/rules/Cargo.toml depends on rand: decisions are repeatable"]
        );
        assert_eq!(
            findings("", "[dependencies]\nrand = { version = \"0.9\", optional = true }"),
            Vec::<String>::new()
        );
    }
}
