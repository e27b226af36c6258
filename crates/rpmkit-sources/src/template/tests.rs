#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

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

fn host() -> rpmkit_vcs::CommandEnv {
    let path = std::env::var_os("PATH").unwrap_or_default();
    rpmkit_vcs::CommandEnv {
        env: [("PATH", path)].into_iter().collect(),
    }
}

fn facts(files: &[(&str, &str)]) -> Facts {
    let dir = project(files);
    let kind = detect(dir.path()).unwrap();
    let mut facts = inspect(dir.path(), kind, &host()).unwrap();
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
        // Packages besides the main one have some of their own.
        let several = ["%description", "%files"].contains(&section);
        let count = text.matches(&format!("\n{section}")).count();
        assert!(count == 1 || (several && count == 2), "{section}: {text}");
    }
    for line in text.lines() {
        assert!(line.len() < 100 && line.trim_end() == line, "`{line}`");
    }
    text
}

#[test]
fn a_rust_program_gets_its_dependencies() {
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
    assert_eq!(facts.name, "one");
    assert!(spec(&facts).contains("cargo build --release --offline %{?_smp_mflags} -p one\n"));
}

fn fails(files: &[(&str, &str)], kind: ProjectKind) -> TemplateError {
    let dir = project(files);
    inspect(dir.path(), kind, &host()).unwrap_err()
}

#[test]
fn several_programs_go_by_the_workspace() {
    let member = |name: &str| {
        format!(
            "[package]\nname='{name}'\nversion='0.1.0'\nlicense='MIT'\ndescription='d'\nrepository='https://h/all'\n"
        )
    };
    let facts = facts(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver='2'\nmembers=['a','b']\n",
        ),
        ("a/Cargo.toml", &member("a")),
        ("a/src/main.rs", "fn main(){}"),
        ("b/Cargo.toml", &member("b")),
        ("b/src/main.rs", "fn main(){}"),
    ]);
    assert_eq!((facts.name.as_str(), facts.binaries.len()), ("all", 2));
}

#[test]
fn a_library_crate_is_packaged_as_source() {
    let facts = facts(&[
        (
            "Cargo.toml",
            "[package]\nname='my_lib'\nversion='1.0.0-rc.1'\nlicense='MIT'\ndescription='%if any'\n",
        ),
        ("src/lib.rs", ""),
    ]);
    assert_eq!(facts.package(), "rust-my_lib");
    let text = spec(&facts);
    for line in [
        "%package devel",
        "%files devel",
        "%description\nif any",
        "%{crate}-1.0.0-rc.1\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn rust_projects_that_cannot_be_packaged_are_refused() {
    let lib = "[package]\nname='l'\nversion='1.0.0'\n";
    let error = fails(
        &[
            ("Cargo.toml", "[workspace]\nresolver='2'\nmembers=['l']\n"),
            ("l/Cargo.toml", lib),
            ("l/src/lib.rs", ""),
        ],
        ProjectKind::Rust,
    );
    assert!(matches!(error, TemplateError::NoBinary { .. }), "{error}");
    let error = fails(
        &[
            (
                "Cargo.toml",
                &format!("{lib}[dependencies]\nx={{path='../x'}}\n"),
            ),
            ("src/main.rs", "fn main(){}"),
        ],
        ProjectKind::Rust,
    );
    assert!(matches!(error, TemplateError::Outside { .. }), "{error}");
    let dir = project(&[
        ("Cargo.toml", "[workspace]\nresolver='2'\nmembers=['l']\n"),
        ("l/Cargo.toml", lib),
        ("l/src/main.rs", "fn main(){}"),
    ]);
    let error = inspect(&dir.path().join("l"), ProjectKind::Rust, &host()).unwrap_err();
    assert!(matches!(error, TemplateError::Member { .. }), "{error}");
}

#[test]
fn files_that_do_not_parse_are_named_with_the_line() {
    for (file, text, kind, line) in [
        (
            "Cargo.toml",
            "[package]\nname = 'x'\nversion =\n",
            ProjectKind::Rust,
            3,
        ),
        (
            "pyproject.toml",
            "[project]\n[project\n",
            ProjectKind::Python,
            2,
        ),
        ("go.mod", "module x\n\nrequires y\n", ProjectKind::Go, 3),
        ("go.mod", "go 1.21\n", ProjectKind::Go, 1),
        (
            "configure.ac",
            "dnl\nAC_INIT([x],\n",
            ProjectKind::Autotools,
            2,
        ),
        ("meson.build", "# c\nproject('x',\n", ProjectKind::Meson, 2),
        (
            "CMakeLists.txt",
            "# project(x)\nadd_executable(x x.c)\n",
            ProjectKind::Cmake,
            2,
        ),
    ] {
        match fails(&[(file, text)], kind) {
            TemplateError::Syntax { path, line: at, .. } => {
                assert!(path.ends_with(file));
                assert_eq!(at, line, "{text}");
            }
            other => panic!("{file}: {other}"),
        }
    }
    let dir = project(&[]);
    fs::write(
        dir.path().join("pyproject.toml"),
        b"[project]\nname = \"\xe4\"\n",
    )
    .unwrap();
    let error = inspect(dir.path(), ProjectKind::Python, &host()).unwrap_err();
    assert!(
        error.to_string().contains("line 2") && error.to_string().contains("UTF-8"),
        "{error}"
    );
}

#[test]
fn cargos_own_complaints_are_one_line() {
    let error = fails(
        &[
            ("Cargo.toml", "[package]\nname='x'\nversion='1'\n"),
            ("src/main.rs", "fn main(){}"),
        ],
        ProjectKind::Rust,
    );
    let text = error.to_string();
    assert!(
        matches!(error, TemplateError::Cargo { .. }) && !text.contains('\n'),
        "{text}"
    );
    assert!(text.contains("version"), "{text}");
}

#[test]
fn python_projects_are_read() {
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
    let text = spec(&facts);
    for part in [
        "%pyproject_save_files my_lib\n",
        "%package -n python3-my-lib\n",
        "%files -n python3-my-lib -f %{pyproject_files}\n",
        "BuildArch:      noarch\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn three_kinds_of_c_projects_are_read() {
    let mut auto = facts(&[
        (
            "configure.ac",
            "dnl AC_INIT([no], [0])\nAC_INIT([Hello World], [2.12], [bug@x], [hello], [https://h])\nAC_PROG_CXX\nPKG_CHECK_MODULES([Z], [zlib >= 1.2])\n\
             PKG_CHECK_MODULES([O], [optional], [], [:])\n",
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
        text.contains("autoreconf -fiv")
            && text.contains("BuildRequires:  gcc-c++")
            && text.contains("BuildRequires:  pkgconfig(zlib) >= 1.2\n"),
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
fn go_modules_are_read() {
    let mut facts = facts(&[
        ("go.mod", "module github.com/x/prog/v2\n\ngo 1.21\n"),
        ("go.sum", ""),
        ("cmd/prog/main.go", "package main\n"),
        ("cmd/aux/main.go", "package main\n"),
        ("lib.go", "package lib\n"),
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
    assert!(text.contains("golang >= 1.21\n"), "{text}");
}

#[test]
fn what_is_not_known_is_named() {
    let mut facts = Facts::new(ProjectKind::Cmake);
    facts.name = "x".to_owned();
    let error = render(&facts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the project does not tell its version, summary, license, packager and date"
    );
    assert!(
        error.hints()[0]
            .0
            .starts_with("give it with --version, --summary")
    );
    let mut named = Facts::new(ProjectKind::Cmake);
    for slot in [
        &mut named.version,
        &mut named.summary,
        &mut named.license,
        &mut named.packager,
        &mut named.date,
    ] {
        "1".clone_into(slot);
    }
    named.name = "世界".to_owned();
    let error = render(&named).unwrap_err();
    assert!(
        matches!(error, TemplateError::Unfit { what: "name", .. }),
        "{error}"
    );
}

#[test]
fn licences_are_recognised_by_their_text() {
    let facts = facts(&[
        (
            "meson.build",
            "project('m', 'c', version: '1')\nz = dependency('zlib', version: '>=1')\ndependency('no', required: false)\ninstall_headers('m.h')\n",
        ),
        ("COPYING", gpl_2()),
        ("README", "Makes something of it.\n"),
    ]);
    assert_eq!(facts.license, "GPL-2.0-only");
    let text = spec(&facts);
    assert!(
        text.contains("BuildRequires:  pkgconfig(zlib)\n") && !text.contains("(no)"),
        "{text}"
    );
    assert!(
        text.contains("%files devel -f devel.list\n") && !text.contains("URL:"),
        "{text}"
    );
}

#[test]
fn old_python_projects_are_read() {
    let facts = facts(&[
        (
            "setup.py",
            "from setuptools import setup\nsetup(version='1.0b2', ext_modules=[x])\n",
        ),
        (
            "setup.cfg",
            "[metadata]\nname = old\ndescription = An old thing\nlicense = BSD\nurl = https://o\n",
        ),
        ("old.py", ""),
    ]);
    let text = spec(&facts);
    assert!(
        text.contains("Version:        1.0~b2\n") && !text.contains("noarch"),
        "{text}"
    );
    assert!(text.contains("BuildRequires:  gcc\n"), "{text}");
}

#[test]
fn text_that_is_not_utf8_is_latin1() {
    let dir = project(&[("CMakeLists.txt", "project(x VERSION 1 DESCRIPTION \"d\")\n")]);
    fs::write(dir.path().join("README"), b"F\xfcr alle da drau\xdfen.\n").unwrap();
    fs::write(
        dir.path().join("CMakeLists.txt"),
        b"project(x VERSION 1 DESCRIPTION \"gr\xfcn\")\n",
    )
    .unwrap();
    assert_eq!(
        inspect(dir.path(), ProjectKind::Cmake, &host())
            .unwrap()
            .summary,
        "gr\u{fc}n"
    );
}

/// The text as SPDX has it.
fn gpl_2() -> &'static str {
    let texts = spdx::text::LICENSE_TEXTS;
    texts
        .iter()
        .find(|(name, _)| *name == "GPL-2.0-only")
        .unwrap()
        .1
}
