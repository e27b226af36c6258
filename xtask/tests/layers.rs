//! No crate reaches back: the edges between the crates of the workspace, as cargo sees them, are the
//! ones below.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::process::Command;

use serde_json::Value;

/// Each crate and the crates it may stand on. Those stand further up in the list, so that the list
/// cannot hold a circle.
const LAYERS: &[(&str, &[&str])] = &[
    ("rpmkit-types", &[]),
    ("rpmkit-fs", &[]),
    ("rpmkit-host", &[]),
    ("rpmkit-openpgp", &[]),
    ("rpmkit-sandbox", &["rpmkit-host"]),
    ("rpmkit-solv", &[]),
    ("rpmkit-graph", &["rpmkit-types"]),
    ("rpmkit-executor", &["rpmkit-graph", "rpmkit-host"]),
    ("rpmkit-config", &["rpmkit-types"]),
    ("rpmkit-fetch", &["rpmkit-types"]),
    ("rpmkit-rpmfile", &["rpmkit-types"]),
    ("rpmkit-results", &["rpmkit-fs", "rpmkit-types"]),
    ("rpmkit-solve", &["rpmkit-solv", "rpmkit-types"]),
    (
        "rpmkit-repo",
        &[
            "rpmkit-fetch",
            "rpmkit-fs",
            "rpmkit-openpgp",
            "rpmkit-rpmfile",
            "rpmkit-types",
        ],
    ),
    (
        "rpmkit-vcs",
        &[
            "rpmkit-fetch",
            "rpmkit-fs",
            "rpmkit-host",
            "rpmkit-repo",
            "rpmkit-types",
        ],
    ),
    (
        "rpmkit-sources",
        &["rpmkit-fs", "rpmkit-host", "rpmkit-types", "rpmkit-vcs"],
    ),
    (
        "rpmkit-store",
        &["rpmkit-fs", "rpmkit-sandbox", "rpmkit-types"],
    ),
    (
        "rpmkit-pm",
        &[
            "rpmkit-fs",
            "rpmkit-repo",
            "rpmkit-rpmfile",
            "rpmkit-sandbox",
            "rpmkit-solve",
            "rpmkit-store",
            "rpmkit-types",
        ],
    ),
    (
        "rpmkit-core",
        &[
            "rpmkit-config",
            "rpmkit-fs",
            "rpmkit-graph",
            "rpmkit-host",
            "rpmkit-pm",
            "rpmkit-repo",
            "rpmkit-results",
            "rpmkit-rpmfile",
            "rpmkit-sandbox",
            "rpmkit-solve",
            "rpmkit-sources",
            "rpmkit-store",
            "rpmkit-types",
            "rpmkit-vcs",
        ],
    ),
    (
        "rpmkit-cli",
        &["rpmkit-core", "rpmkit-fs", "rpmkit-host", "rpmkit-sandbox"],
    ),
    (
        "rpmkit-snap",
        &["rpmkit-cli", "rpmkit-core", "rpmkit-host", "rpmkit-sandbox"],
    ),
    ("rpmkit-srpm", &["rpmkit-cli", "rpmkit-core"]),
    (
        "rpmkit-mock",
        &[
            "rpmkit-cli",
            "rpmkit-core",
            "rpmkit-fs",
            "rpmkit-graph",
            "rpmkit-sandbox",
            "rpmkit-snap",
        ],
    ),
    ("rpmkit-scm", &["rpmkit-cli", "rpmkit-core", "rpmkit-mock"]),
    (
        "rpmkit",
        &[
            "rpmkit-cli",
            "rpmkit-core",
            "rpmkit-executor",
            "rpmkit-fs",
            "rpmkit-graph",
            "rpmkit-host",
            "rpmkit-mock",
            "rpmkit-sandbox",
            "rpmkit-scm",
            "rpmkit-snap",
            "rpmkit-srpm",
        ],
    ),
    ("xtask-start", &[]),
    // It must build before cmake is there, and so without any of the above.
    ("xtask", &["xtask-start"]),
    ("rpmkit-tests", &[]),
    (
        "rpmkit-fuzz",
        &[
            "rpmkit-config",
            "rpmkit-core",
            "rpmkit-openpgp",
            "rpmkit-repo",
            "rpmkit-rpmfile",
            "rpmkit-solve",
            "rpmkit-sources",
            "rpmkit-store",
            "rpmkit-types",
            "rpmkit-vcs",
        ],
    ),
];

/// Edges of tests alone, which may lead up: tests that want a whole engine, or a lower crate's help.
const OF_TESTS: &[(&str, &str)] = &[
    ("rpmkit-repo", "rpmkit-core"),
    ("rpmkit-sources", "rpmkit-vcs"),
];

/// From, to, and whether only tests need it.
fn edges() -> Vec<(String, String, bool)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {error}");
    let workspace: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut edges = Vec::new();
    for package in workspace["packages"].as_array().unwrap() {
        let needed = package["dependencies"].as_array().unwrap();
        for other in needed.iter().filter(|other| other["path"].is_string()) {
            let of_tests = other["kind"] == "dev";
            edges.push((text(&package["name"]), text(&other["name"]), of_tests));
        }
    }
    edges
}

#[test]
fn crates_stand_on_the_crates_below_them_only() {
    let edges = edges();
    assert!(
        edges.len() > LAYERS.len(),
        "cargo names {} edges",
        edges.len()
    );
    for (from, to, of_tests) in &edges {
        let listed = match of_tests {
            true => OF_TESTS.contains(&(from.as_str(), to.as_str())),
            false => LAYERS
                .iter()
                .any(|(name, below)| name == from && below.contains(&to.as_str())),
        };
        assert!(
            listed,
            "`{from}` depends on `{to}`, which is not among the edges that LAYERS (or, for tests, OF_TESTS) \
             allows: move the code to the crate that may know both, or list the edge if it leads down"
        );
    }
}

#[test]
fn the_list_leads_down() {
    for (at, (name, below)) in LAYERS.iter().enumerate() {
        for other in *below {
            let lower = LAYERS[..at].iter().any(|(known, _)| known == other);
            assert!(
                lower,
                "`{name}` is listed before `{other}`, on which it stands"
            );
        }
    }
}

/// clippy reads the nearest `clippy.toml` alone, so that of a crate has to repeat what holds for all.
#[test]
fn crates_that_read_foreign_trees_forbid_the_same_calls() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let first = read("crates/rpmkit-vcs/clippy.toml");
    for name in ["rpmkit-core", "rpmkit-sources"] {
        assert_eq!(read(&format!("crates/{name}/clippy.toml")), first, "{name}");
    }
    let all = read("clippy.toml");
    assert!(all.contains("std::process::Command") && first.contains("std::process::Command"));
    let setting = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("large-error"))
            .map(str::to_owned)
    };
    assert_eq!(setting(&first), setting(&all));
    assert!(first.contains("\"std::fs::read\"") && first.contains("std::path::Path::exists"));
}
