#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, path::Path};

use super::*;
use crate::srpm::ExpandedSpec;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn facts(files: &[(&str, &str)]) -> Facts {
    let dir = project(files);
    let kind = detect(dir.path()).unwrap();
    let cargo = CargoTool {
        program: "cargo".into(),
    };
    let mut facts = inspect(dir.path(), kind, Some(&cargo)).unwrap();
    facts.packager = "Ada Packager <ada@example.org>".to_owned();
    facts.date = "Sun Nov 22 2026".to_owned();
    facts
}

fn spec(facts: &Facts) -> String {
    let text = render(facts).unwrap();
    // What every spec must be, whatever the template.
    let parsed = ExpandedSpec::parse(&text, Path::new("x.spec")).unwrap();
    assert_eq!(parsed.name, facts.package());
    assert!(!text.contains("{{") && !text.contains("{%-"), "{text}");
    for section in [
        "%description",
        "%prep",
        "%build",
        "%install",
        "%files",
        "%changelog",
    ] {
        assert_eq!(
            text.matches(&format!("\n{section}")).count(),
            1,
            "{section}: {text}"
        );
    }
    for line in text.lines() {
        assert!(line.len() < 100 && line.trim_end() == line, "`{line}`");
    }
    text
}

#[test]
fn a_rust_program_with_dependencies() {
    let facts = facts(&[
        (
            "Cargo.toml",
            "[package]\nname='tool'\nversion='1.2.0-rc.1'\nedition='2021'\ndescription='does 100% of things.'\n\
             license='MIT/Apache-2.0'\nrepository='https://example.org/tool'\n[dependencies]\nserde='1'\n\
             [[bin]]\nname='tool'\n[[bin]]\nname='helper'\npath='src/helper.rs'\n",
        ),
        ("src/main.rs", "fn main(){}"),
        ("src/helper.rs", "fn main(){}"),
        ("LICENSE-MIT", "x"),
        ("README.md", "x"),
        ("NEWS", ""),
    ]);
    assert!(facts.vendored);
    let text = spec(&facts);
    for line in [
        "Version:        1.2.0~rc.1",
        "Summary:        Does 100%% of things",
        "License:        MIT OR Apache-2.0",
        "Source1:        %{name}-%{version}-vendor.tar.xz",
        "%{_bindir}/helper",
        "%{_bindir}/tool",
        "%license LICENSE-MIT",
        "%doc README.md",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(
        !text.contains("NEWS"),
        "an empty document is an error to rpmlint"
    );
}

#[test]
fn a_workspace_takes_its_programs_and_not_its_helpers() {
    let member = |name: &str| {
        format!(
            "[package]\nname='{name}'\nversion='0.1.0'\nlicense='MIT'\ndescription='part {name}'\nhomepage='https://h'\n"
        )
    };
    let facts = facts(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver='2'\nmembers=['one','lib','xtask']\n",
        ),
        ("one/Cargo.toml", &member("one")),
        ("one/src/main.rs", "fn main(){}"),
        ("lib/Cargo.toml", &member("lib")),
        ("lib/src/lib.rs", ""),
        ("xtask/Cargo.toml", &member("xtask")),
        ("xtask/src/main.rs", "fn main(){}"),
    ]);
    assert_eq!(facts.binaries, ["one"]);
    assert!(!facts.vendored);
    assert!(spec(&facts).contains("cargo build --release --offline -p one\n"));
}

#[test]
fn libraries_are_refused() {
    let dir = project(&[
        ("Cargo.toml", "[package]\nname='l'\nversion='1.0.0'\n"),
        ("src/lib.rs", ""),
    ]);
    let cargo = CargoTool {
        program: "cargo".into(),
    };
    let error = inspect(dir.path(), Kind::Rust, Some(&cargo)).unwrap_err();
    assert!(matches!(error, TemplateError::NoBinary { .. }), "{error}");
}

#[test]
fn python_projects() {
    let facts = facts(&[
        (
            "pyproject.toml",
            "[project]\nname='My_Lib'\nversion='2.0'\ndescription='a library'\nlicense={text='BSD-3-Clause'}\n\
             [project.urls]\nSource='https://s'\nHomepage='https://h'\n",
        ),
        ("src/my_lib/__init__.py", ""),
    ]);
    assert_eq!(facts.package(), "python-my-lib");
    assert_eq!(
        (facts.url.as_str(), facts.parts[0].as_str()),
        ("https://h", "my_lib")
    );
    assert!(spec(&facts).contains("%pyproject_save_files my_lib\n"));
}

#[test]
fn c_projects_of_three_kinds() {
    let mut auto = facts(&[
        (
            "configure.ac",
            "dnl AC_INIT([no], [0])\nAC_INIT([Hello World], [2.12], [bug@x], [hello], [https://h])\nAC_PROG_CXX\n",
        ),
        (
            "README",
            "Heading\n=======\n\nPrints a friendly greeting. And more.\n",
        ),
    ]);
    assert_eq!(
        (auto.name.as_str(), auto.version.as_str(), auto.url.as_str()),
        ("hello", "2.12", "https://h")
    );
    assert_eq!(auto.summary, "Prints a friendly greeting.");
    auto.license = "GPL-3.0-or-later".to_owned();
    let text = spec(&auto);
    assert!(
        text.contains("autoreconf -fiv") && text.contains("BuildRequires:  gcc-c++"),
        "{text}"
    );

    let cmake = facts(&[(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.1)\nproject(Thing VERSION 1.4\n  DESCRIPTION \"a thing\" HOMEPAGE_URL https://t LANGUAGES C)\n",
    )]);
    assert_eq!(
        (
            cmake.name.as_str(),
            cmake.version.as_str(),
            cmake.summary.as_str()
        ),
        ("thing", "1.4", "a thing")
    );
    assert!(!cmake.requires.contains(&"gcc-c++".to_owned()));

    let meson = facts(&[(
        "meson.build",
        "project('mes', 'c', 'cpp',\n  version : '0.9', license: 'MIT',\n  default_options: ['warning_level=3'])\n",
    )]);
    assert_eq!(
        (
            meson.name.as_str(),
            meson.version.as_str(),
            meson.license.as_str()
        ),
        ("mes", "0.9", "MIT")
    );
    assert!(meson.requires.contains(&"gcc-c++".to_owned()));
}

#[test]
fn go_modules() {
    let mut facts = facts(&[
        ("go.mod", "module github.com/x/prog/v2\n\ngo 1.21\n"),
        ("go.sum", ""),
        ("cmd/prog/main.go", ""),
        ("cmd/aux/main.go", ""),
    ]);
    assert_eq!(
        (facts.name.as_str(), facts.url.as_str()),
        ("prog", "https://github.com/x/prog")
    );
    assert_eq!(facts.binaries, ["aux", "prog"]);
    for (slot, value) in [
        (&mut facts.version, "v2.1.0"),
        (&mut facts.license, "MIT"),
        (&mut facts.summary, "a program"),
    ] {
        value.clone_into(slot);
    }
    let text = spec(&facts);
    assert!(text.contains("Version:        2.1.0\n"));
    assert!(text.contains("-o bin/aux ./cmd/aux\n"), "{text}");
}

#[test]
fn what_is_not_known_is_named() {
    let mut facts = Facts::new(Kind::Cmake);
    facts.name = "x".to_owned();
    let error = render(&facts).unwrap_err();
    assert_eq!(error.to_string(), "the project does not tell its version");
    assert_eq!(error.hints()[0].0, "give it with --version");
}

#[test]
fn versions_sort_as_they_mean() {
    for (theirs, ours) in [
        ("1.0.0", "1.0.0"),
        ("v1.0", "1.0"),
        ("1.0.0-rc.1", "1.0.0~rc.1"),
        ("1.0.0-alpha-2+build-5", "1.0.0~alpha.2^build.5"),
    ] {
        assert_eq!(rpm_version(theirs), ours);
    }
}
