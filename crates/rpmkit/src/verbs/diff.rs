//! `rpmkit diff`: what two builds made differently, and in which buildroots.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::Args;
use rpmkit_cli::{Context, Failure, Status, VerbResult, args::OutputArgs};
use rpmkit_core::{Error, repo::local::read_header, rpmfile::PackageFile};
use serde::Serialize;

use crate::results;

/// Compare the results of two builds: files, modes, sizes, requirements, provides, and the buildroot
///
/// Packages are matched by name and architecture, whatever their versions. Ends with 0 when nothing
/// differs, with 1 when something does.
#[derive(Debug, Clone, Args)]
pub struct BuildDiffArgs {
    /// A result directory, or the checkout that was built
    #[arg(value_name = "A", value_hint = clap::ValueHint::DirPath)]
    pub a: PathBuf,

    /// Another one
    #[arg(value_name = "B", value_hint = clap::ValueHint::DirPath)]
    pub b: PathBuf,

    /// How to speak
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Difference {
    /// The package, or `buildroot`.
    of: String,
    /// `file`, `requires`, `provides`, `package`, `size`.
    kind: &'static str,
    /// What differs.
    what: String,
    /// How it is in A; absent where A lacks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<String>,
    /// How it is in B.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<String>,
}

/// Everything of one side: by what it is of, kind and name, how it is.
type PackageFacts = BTreeMap<(String, &'static str, String), String>;

/// Compares, and lists the differences on standard output.
pub fn run(cx: &mut Context, args: &BuildDiffArgs) -> VerbResult {
    cx.set_output(&args.output);
    let a = facts(&results::directory(cx, Some(&args.a))?)?;
    let b = facts(&results::directory(cx, Some(&args.b))?)?;
    let found = compare(&a, &b);
    if args.output.is_json() {
        cx.printer
            .json(&serde_json::json!({ "format": 1, "differences": found }));
    } else {
        let mut of = "";
        for one in &found {
            if one.of != of {
                cx.printer.data(&one.of);
                of = &one.of;
            }
            cx.printer.data(line(one));
        }
    }
    Ok(if found.is_empty() {
        Status::OK
    } else {
        Status(1)
    })
}

fn line(one: &Difference) -> String {
    let Difference {
        kind, what, a, b, ..
    } = one;
    // Names in packages are whatever their makers wrote.
    let what = what.escape_debug();
    match (a, b) {
        (Some(a), Some(b)) => format!("  ~ {kind} {what}: {a} -> {b}"),
        (Some(a), None) => format!("  - {kind} {what} {a}").trim_end().to_owned(),
        (None, b) => format!("  + {kind} {what} {}", b.as_deref().unwrap_or_default())
            .trim_end()
            .to_owned(),
    }
}

fn compare(a: &PackageFacts, b: &PackageFacts) -> Vec<Difference> {
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .filter(|key| a.get(key) != b.get(key))
        .map(|key| Difference {
            of: key.0.clone(),
            kind: key.1,
            what: key.2.clone(),
            a: a.get(key).cloned(),
            b: b.get(key).cloned(),
        })
        .collect()
}

fn facts(dir: &Path) -> Result<PackageFacts, Failure> {
    let mut facts = PackageFacts::new();
    let record = results::record(dir)?;
    for package in &record.buildroot {
        // `name-[epoch:]version-release.arch`: two of one name are two lines.
        let name = package
            .nevra
            .rsplitn(3, '-')
            .last()
            .unwrap_or(&package.nevra);
        let version = package.nevra[name.len()..].trim_start_matches('-');
        facts.insert(
            ("buildroot".into(), "package", name.to_owned()),
            version.to_owned(),
        );
    }
    let listing = std::fs::read_dir(dir)
        .map_err(|e| Failure::general(format!("cannot list `{}`: {e}", dir.display())))?;
    for entry in listing.filter_map(Result::ok) {
        let path = entry.path();
        if path.extension().is_some_and(|kind| kind == "rpm") {
            add(&mut facts, &path)?;
        }
    }
    Ok(facts)
}

fn add(facts: &mut PackageFacts, path: &Path) -> Result<(), Failure> {
    let package = read_header(path).map_err(Error::from)?;
    let kind = if path.to_string_lossy().ends_with(".src.rpm") {
        "src"
    } else {
        package.nevra.arch.as_str()
    };
    let of = format!("{}.{kind}", package.nevra.name);
    let mut insert = |kind: &'static str, what: String, value: String| {
        facts.insert((of.clone(), kind, what), value);
    };
    insert(
        "package",
        package.nevra.name.clone(),
        package.nevra.evr.to_string(),
    );
    insert(
        "size",
        "installed".into(),
        format!("{} bytes", package.installed_size),
    );
    for one in &package.requires {
        insert("requires", one.dep.to_string(), String::new());
    }
    for one in &package.provides {
        insert("provides", one.to_string(), String::new());
    }
    let files = PackageFile::open(path)
        .and_then(|file| file.files())
        .map_err(|e| Error::from(rpmkit_core::build::BuildError::from(e)))?;
    for file in files {
        let value = if file.link.is_empty() {
            format!("{:04o} {} bytes", file.mode, file.size)
        } else {
            format!("-> {}", file.link.escape_debug())
        };
        insert("file", format!("/{}", file.path.display()), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(entries: &[(&'static str, &str, &str)]) -> PackageFacts {
        entries
            .iter()
            .map(|(kind, what, value)| {
                (
                    ("a.noarch".to_owned(), *kind, (*what).to_owned()),
                    (*value).to_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn what_came_went_and_changed() {
        let a = side(&[
            ("file", "/usr/bin/x", "0755 3 bytes"),
            ("file", "/usr/bin/y", "0755 3 bytes"),
            ("requires", "z", ""),
        ]);
        let b = side(&[
            ("file", "/usr/bin/x", "0700 4 bytes"),
            ("provides", "w\u{1b}", ""),
            ("requires", "z", ""),
        ]);
        let lines: Vec<String> = compare(&a, &b).iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "  ~ file /usr/bin/x: 0755 3 bytes -> 0700 4 bytes",
                "  - file /usr/bin/y 0755 3 bytes",
                "  + provides w\\u{1b}",
            ]
        );
        assert!(compare(&a, &a).is_empty());
    }
}
