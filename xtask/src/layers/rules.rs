//! The layers, as tables: which crate may know which of ours, and who may know a technology.

use crate::layers::{Dependency, Kind, Metadata, Package};

/// Each crate and those of ours that it may depend on.
const EDGES: [(&str, &[&str]); 15] = [
    ("aios-domain", &[]),
    ("aios-pagination", &[]),
    ("aios-cache", &["aios-cache-macros"]),
    ("aios-cache-macros", &[]),
    ("aios-edge", &[]),
    ("aios-telemetry", &[]),
    ("aios-db", &["aios-domain", "aios-pagination"]),
    (
        "aios-marketplace",
        &["aios-db", "aios-cache", "aios-edge", "aios-domain", "aios-pagination"],
    ),
    ("aios-api", ABOVE_USE_CASES),
    ("aios-storefront", ABOVE_USE_CASES),
    ("aios-server", EVERYTHING),
    ("aios-benches", EVERYTHING),
    ("aios-workload", &["aios-db", "aios-domain", "aios-pagination"]),
    (TEST_SUPPORT, EVERYTHING),
    (
        "xtask",
        &[
            "aios-db",
            "aios-domain",
            "aios-marketplace",
            "aios-api",
            "aios-pagination",
            "aios-workload",
        ],
    ),
];

const ABOVE_USE_CASES: &[&str] = &[
    "aios-marketplace",
    "aios-domain",
    "aios-pagination",
    "aios-cache",
    "aios-telemetry",
];

const EVERYTHING: &[&str] = &[
    "aios-domain",
    "aios-pagination",
    "aios-cache",
    "aios-edge",
    "aios-telemetry",
    "aios-db",
    "aios-marketplace",
    "aios-api",
    "aios-storefront",
    "aios-server",
];

/// What tests share; in no product, so a development dependency alone.
const TEST_SUPPORT: &str = "aios-test-support";

/// A technology, and the crates that may know it.
struct Technology {
    name: &'static str,
    is_package: fn(&str) -> bool,
    owners: &'static [&'static str],
    /// Those that may offer it as a feature, and use it in their own tests.
    optional_in: &'static [&'static str],
}

const TECHNOLOGIES: [Technology; 3] = [
    Technology {
        name: "actix",
        is_package: |package| package == "actix" || package.starts_with("actix-") || package.starts_with("actix_"),
        owners: &[
            "aios-api",
            "aios-storefront",
            "aios-server",
            "aios-benches",
            TEST_SUPPORT,
        ],
        optional_in: &[],
    },
    Technology {
        name: "diesel",
        is_package: |package| package == "diesel" || package.starts_with("diesel_") || package.starts_with("diesel-"),
        owners: &["aios-db"],
        optional_in: &["aios-pagination"],
    },
    Technology {
        name: "redis",
        is_package: |package| {
            package == "redis" || package == "fred" || package.ends_with("-redis") || package.starts_with("redis-")
        },
        owners: &["aios-cache"],
        optional_in: &[],
    },
];

/// Every dependency that the tables do not allow, in a sentence each.
pub(super) fn violations(metadata: &Metadata) -> Vec<String> {
    let names: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    metadata
        .packages
        .iter()
        .flat_map(|package| violations_of(package, &names))
        .collect()
}

fn violations_of(package: &Package, workspace: &[&str]) -> Vec<String> {
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!(
            "{} has no place yet: say in xtask/src/layers/rules.rs and docs/ARCHITECTURE.md on what it may depend",
            package.name
        )];
    };
    let complaints = package.dependencies.iter().filter_map(|dependency| {
        if workspace.contains(&dependency.name.as_str()) {
            forbidden_edge(package, dependency, allowed)
        } else {
            forbidden_technology(package, dependency)
        }
    });
    complaints.collect()
}

fn forbidden_edge(package: &Package, dependency: &Dependency, allowed: &[&str]) -> Option<String> {
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    let is_dev = dependency.kind == Some(Kind::Dev);
    if to == TEST_SUPPORT {
        return (!is_dev).then(|| format!("{from} → {to}: it belongs under [dev-dependencies]"));
    }
    // A crate's tests and examples may name the crate itself, those of macros the crate that hands them on.
    let is_its_own = from == to || (from, to) == ("aios-cache-macros", "aios-cache");
    let is_fine = allowed.contains(&to) || (is_dev && is_its_own);
    (!is_fine).then(|| format!("{from} → {to}: {}", may_know(allowed)))
}

fn may_know(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "it may know no other crate of ours".to_owned()
    } else {
        format!("of ours it may know {}", allowed.join(", "))
    }
}

fn forbidden_technology(package: &Package, dependency: &Dependency) -> Option<String> {
    let technology = TECHNOLOGIES
        .iter()
        .find(|technology| (technology.is_package)(&dependency.name))?;
    let name = package.name.as_str();
    let as_feature = dependency.optional || dependency.kind == Some(Kind::Dev);
    if technology.owners.contains(&name) || (technology.optional_in.contains(&name) && as_feature) {
        return None;
    }
    let hint = if technology.optional_in.contains(&name) {
        "only as an optional dependency behind a feature"
    } else {
        "only"
    };
    let owners = if technology.optional_in.contains(&name) {
        technology.optional_in
    } else {
        technology.owners
    };
    Some(format!(
        "{name} → {}: {hint} {} may know {}",
        dependency.name,
        owners.join(", "),
        technology.name
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The complaints about one package with one dependency, in a workspace of all the packages.
    fn complaints(package: &str, dependency: &str, kind: Option<&str>, optional: bool) -> Vec<String> {
        let others = EDGES.iter().filter(|(name, _)| *name != package);
        let mut packages: Vec<_> = others
            .map(|(name, _)| json!({ "name": name, "dependencies": [] }))
            .collect();
        let dependency = json!({ "name": dependency, "kind": kind, "optional": optional, "req": "^1", "rename": null });
        packages.push(json!({ "name": package, "version": "0.1.0", "dependencies": [dependency] }));
        violations(&serde_json::from_value(json!({ "packages": packages, "version": 1 })).unwrap())
    }

    fn is_refused(package: &str, dependency: &str) -> bool {
        let complaints = complaints(package, dependency, None, false);
        if let [complaint] = complaints.as_slice() {
            assert!(
                complaint.starts_with(&format!("{package} → {dependency}: ")),
                "{complaint}"
            );
        }
        complaints.len() == 1
    }

    #[test]
    fn libraries_know_nothing_of_ours() {
        for library in [
            "aios-domain",
            "aios-pagination",
            "aios-cache",
            "aios-cache-macros",
            "aios-edge",
            "aios-telemetry",
        ] {
            for (other, _) in EDGES.iter().filter(|(name, _)| *name != library) {
                let is_macros = (library, *other) == ("aios-cache", "aios-cache-macros");
                assert_eq!(is_refused(library, other), !is_macros, "{library} → {other}");
            }
        }
    }

    #[test]
    fn nothing_knows_what_is_above_it() {
        let order = ["aios-domain", "aios-db", "aios-marketplace", "aios-api", "aios-server"];
        for (place, lower) in order.iter().enumerate() {
            for higher in &order[place + 1..] {
                assert!(is_refused(lower, higher), "{lower} → {higher}");
            }
        }
    }

    #[test]
    fn the_interface_reaches_the_database_through_use_cases_alone() {
        assert!(is_refused("aios-api", "aios-db") && is_refused("aios-storefront", "aios-db"));
        assert!(!is_refused("aios-api", "aios-marketplace") && !is_refused("aios-marketplace", "aios-db"));
    }

    #[test]
    fn the_two_interfaces_do_not_know_each_other() {
        assert!(is_refused("aios-api", "aios-storefront") && is_refused("aios-storefront", "aios-api"));
    }

    #[test]
    fn the_server_knows_all_of_them() {
        for known in EVERYTHING.iter().filter(|name| **name != "aios-server") {
            assert!(!is_refused("aios-server", known), "{known}");
        }
    }

    #[test]
    fn test_support_is_a_development_dependency() {
        assert!(is_refused("aios-db", TEST_SUPPORT) && is_refused("aios-server", TEST_SUPPORT));
        assert_eq!(complaints("aios-db", TEST_SUPPORT, Some("build"), false).len(), 1);
        assert!(complaints("aios-domain", TEST_SUPPORT, Some("dev"), false).is_empty());
    }

    #[test]
    fn tests_do_not_reach_up_either() {
        assert_eq!(complaints("aios-db", "aios-marketplace", Some("dev"), false).len(), 1);
        assert!(complaints("aios-pagination", "aios-pagination", Some("dev"), false).is_empty());
        assert!(complaints("aios-cache-macros", "aios-cache", Some("dev"), false).is_empty());
    }

    #[test]
    fn no_web_framework_below_the_interfaces() {
        for package in ["actix-web", "actix-http", "actix_derive", "actix"] {
            assert!(
                is_refused("aios-marketplace", package) && is_refused("xtask", package),
                "{package}"
            );
            assert!(
                !is_refused("aios-api", package) && !is_refused("aios-storefront", package),
                "{package}"
            );
        }
        assert_eq!(complaints("aios-db", "actix-rt", Some("dev"), false).len(), 1);
    }

    #[test]
    fn queries_are_written_in_the_database_crate() {
        assert!(!is_refused("aios-db", "diesel_migrations"));
        assert!(is_refused("aios-marketplace", "diesel") && is_refused("xtask", "diesel_migrations"));
    }

    #[test]
    fn pagination_offers_diesel_as_a_feature() {
        assert!(complaints("aios-pagination", "diesel", None, true).is_empty());
        assert!(complaints("aios-pagination", "diesel", Some("dev"), false).is_empty());
        assert!(is_refused("aios-pagination", "diesel"));
    }

    #[test]
    fn redis_stays_in_the_cache() {
        for package in ["redis", "deadpool-redis"] {
            assert!(!is_refused("aios-cache", package));
            assert!(
                is_refused("aios-api", package) && is_refused("aios-marketplace", package),
                "{package}"
            );
        }
    }

    #[test]
    fn a_crate_without_a_place_is_refused() {
        let complaints = complaints("aios-helpers", "serde", None, false);
        assert!(complaints[0].starts_with("aios-helpers has no place yet"));
    }

    #[test]
    fn other_crates_are_nobodys_business() {
        assert!(!is_refused("aios-domain", "serde"));
    }
}
