//! Facts of Go modules.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::{fs, path::Path};

use super::{Facts, ProjectKind, TemplateError, read::text};

pub(super) fn inspect(dir: &Path) -> Result<Facts, TemplateError> {
    let path = dir.join("go.mod");
    let file = text(&path)?;
    let mut facts = Facts::new(ProjectKind::Go);
    let mut module = None;
    let mut external = false;
    let mut block = false;
    for (number, line) in file.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let mut words = line.split_whitespace();
        match words.next() {
            None => {}
            Some(")") => block = false,
            Some(_) if block => {}
            Some("module") => module = words.next().map(|name| name.trim_matches('"').to_owned()),
            Some("go") => facts.toolchain = words.next().unwrap_or_default().to_owned(),
            Some(
                word @ ("require" | "replace" | "exclude" | "retract" | "tool" | "godebug"
                | "ignore"),
            ) => {
                block = line.ends_with('(');
                external |= word == "require";
            }
            Some("toolchain") => {}
            Some(word) => {
                return Err(TemplateError::syntax(
                    &path,
                    number + 1,
                    format!(
                        "`{word}` is nothing a go.mod has: expected `module`, `go`, `require` or the like"
                    ),
                ));
            }
        }
    }
    let Some(module) = module else {
        return Err(TemplateError::syntax(
            &path,
            1,
            "there is no line `module PATH`",
        ));
    };
    let mut parts: Vec<&str> = module.split('/').collect();
    // `…/v2` is a major version and no name.
    if parts.last().is_some_and(|last| {
        last.strip_prefix('v')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }) {
        parts.pop();
    }
    facts.name = parts.last().copied().unwrap_or_default().to_owned();
    if parts.first().is_some_and(|host| host.contains('.')) {
        facts.url = format!("https://{}", parts.join("/"));
    }
    facts.has_vendor = dir.join("vendor/modules.txt").is_file();
    facts.vendored = external && !facts.has_vendor;
    programs(dir, &mut facts);
    if facts.binaries.is_empty() {
        return Err(TemplateError::NoBinary { path });
    }
    Ok(facts)
}

/// Programs: the module itself if it is one, everything in `cmd`, else any directory at the top.
fn programs(dir: &Path, facts: &mut Facts) {
    if is_program(dir) {
        facts.binaries.push(facts.name.clone());
        facts.parts.push(".".to_owned());
    }
    for below in ["cmd", "."] {
        let Ok(entries) = fs::read_dir(dir.join(below)) else {
            continue;
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| is_program(&entry.path()))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| {
                ![
                    "examples", "example", "vendor", "testdata", "internal", "tools",
                ]
                .contains(&name.as_str())
            })
            .collect();
        names.sort();
        if below == "." && !facts.binaries.is_empty() {
            return;
        }
        for name in names {
            if !facts.binaries.contains(&name) {
                facts.parts.push(if below == "." {
                    format!("./{name}")
                } else {
                    format!("./{below}/{name}")
                });
                facts.binaries.push(name);
            }
        }
    }
}

/// Whether a directory's Go files make a program.
fn is_program(dir: &Path) -> bool {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".go") && !name.ends_with("_test.go")
        })
        .any(|path| {
            text(&path).is_ok_and(|text| {
                // `//go:build ignore` marks helpers that are run by hand.
                let ignored = text
                    .lines()
                    .any(|line| line.starts_with("//go:build ignore"));
                !ignored
                    && text
                        .lines()
                        .any(|line| line.split_whitespace().eq(["package", "main"]))
            })
        })
}
