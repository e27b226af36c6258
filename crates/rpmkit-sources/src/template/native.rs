//! Facts of projects in C and C++: autotools, CMake and Meson.

#![allow(
    clippy::disallowed_methods,
    reason = "looks whether files are there; what is read goes through `read::bytes`"
)]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    Facts, ProjectKind, TemplateError, license,
    read::{call, calls, line_of, text},
};

/// Directories deeper than this are looked at for no build files.
const DEPTH: usize = 4;

pub(super) fn autotools(dir: &Path) -> Result<Facts, TemplateError> {
    let mut facts = Facts::new(ProjectKind::Autotools);
    facts.bootstrap = !dir.join("configure").is_file();
    let source = ["configure.ac", "configure.in"]
        .iter()
        .map(|name| dir.join(name))
        .find(|path| path.is_file());
    let makefiles = named(dir, &["Makefile.am"]);
    let mut automake = String::new();
    for path in &makefiles {
        automake.push_str(&text(path)?);
    }
    facts.devel = [
        "include_HEADERS",
        "includedir",
        "lib_LTLIBRARIES",
        "pkgconfig_DATA",
    ]
    .iter()
    .any(|word| automake.contains(word));
    facts.has_tests = if makefiles.is_empty() {
        let made = text(&dir.join("Makefile.in")).unwrap_or_default();
        made.lines().any(|line| line.starts_with("check:"))
    } else {
        true
    };
    if automake.contains("info_TEXINFOS") {
        facts.requires.push("texinfo".to_owned());
    }
    if automake.contains("help2man") {
        facts.requires.push("help2man".to_owned());
    }
    let configure = text(&dir.join("configure")).unwrap_or_default();
    facts.shared_only = automake.contains("LTLIBRARIES") || configure.contains("--enable-static");
    let assigned = |name: &str| {
        let start = format!("{name}='");
        configure
            .lines()
            .find_map(|line| line.strip_prefix(start.as_str())?.strip_suffix('\''))
            .unwrap_or_default()
            .to_owned()
    };
    facts.name = assigned("PACKAGE_TARNAME");
    facts.version = assigned("PACKAGE_VERSION");
    facts.url = assigned("PACKAGE_URL");
    let Some(path) = source else {
        return Ok(facts);
    };
    let text = text(&path)?;
    if text.contains("AC_INIT") && call(&text, "AC_INIT").is_none() {
        let line = line_of(&text, text.find("AC_INIT").unwrap_or_default());
        return Err(TemplateError::syntax(
            &path,
            line,
            "`AC_INIT` is not closed",
        ));
    }
    if let Some(arguments) = call(&text, "AC_INIT") {
        let plain = |at: usize| {
            arguments
                .get(at)
                // A value made by a macro is not known without running m4.
                .filter(|value| !value.contains(['(', '$']))
                .cloned()
                .unwrap_or_default()
        };
        let name = Some(plain(3)).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| plain(0).to_lowercase().replace(' ', "-"));
        for (slot, value) in [
            (&mut facts.name, name),
            (&mut facts.version, plain(1)),
            (&mut facts.url, plain(4)),
        ] {
            if slot.is_empty() {
                *slot = value;
            }
        }
    }
    for (words, package) in [
        (&["AC_PROG_CXX"][..], "gcc-c++"),
        (
            &[
                "PKG_CHECK_MODULES",
                "PKG_PROG_PKG_CONFIG",
                "PKG_CHECK_EXISTS",
            ],
            "pkgconfig",
        ),
        (&["AM_GNU_GETTEXT", "IT_PROG_INTLTOOL"], "gettext-devel"),
        (&["AC_PROG_YACC"], "bison"),
        (&["AC_PROG_LEX", "AM_PROG_LEX"], "flex"),
    ] {
        if words.iter().any(|word| mentions(&text, word)) {
            facts.requires.push(package.to_owned());
        }
    }
    let compilers = [
        "AC_PROG_CC",
        "AC_PROG_CXX",
        "LT_INIT",
        "AC_PROG_LIBTOOL",
        "AM_PROG_LIBTOOL",
        "gl_INIT",
        "gl_EARLY",
    ];
    facts.noarch = !compilers.iter().any(|word| mentions(&text, word));
    for arguments in calls(&text, "PKG_CHECK_MODULES") {
        // With a fourth argument the project copes without.
        if let (Some(list), true) = (arguments.get(1), arguments.len() < 4) {
            facts.requires.extend(modules(list));
        }
    }
    Ok(facts)
}

pub(super) fn cmake(dir: &Path) -> Result<Facts, TemplateError> {
    let path = dir.join("CMakeLists.txt");
    let top = without_comments(&text(&path)?);
    let mut facts = Facts::new(ProjectKind::Cmake);
    let Some(words) = commands(&top, "project").into_iter().next() else {
        return Err(TemplateError::syntax(
            &path,
            top.lines().count().max(1),
            "there is no `project(NAME …)`",
        ));
    };
    let plain = |value: &&String| !value.contains('$');
    let settings = settings(&top);
    let words: Vec<String> = words
        .iter()
        .map(|word| filled_in(word, &settings))
        .collect();
    facts.name = words
        .first()
        .filter(plain)
        .map(|name| name.to_lowercase())
        .unwrap_or_default();
    let after = |key: &str| {
        words
            .iter()
            .position(|word| word == key)
            .and_then(|at| words.get(at + 1))
            .filter(plain)
            .cloned()
            .unwrap_or_default()
    };
    facts.version = after("VERSION");
    if facts.version.is_empty() {
        // The way before `project` took a version.
        let parts = ["MAJOR", "MINOR", "PATCH"]
            .map(|part| settings.get(format!("PROJECT_VERSION_{part}").as_str()));
        if let [Some(major), Some(minor), patch] = parts {
            facts.version = format!("{major}.{minor}");
            if let Some(patch) = patch {
                facts.version.push_str(&format!(".{patch}"));
            }
        }
    }
    facts.summary = after("DESCRIPTION");
    facts.url = after("HOMEPAGE_URL");
    // Without a word about languages cmake looks for a C++ compiler too.
    let languages: Vec<&str> = words
        .iter()
        .skip(1)
        .map(String::as_str)
        .filter(|word| matches!(*word, "C" | "CXX" | "NONE"))
        .collect();
    facts.noarch = languages == ["NONE"];
    if languages.is_empty() || languages.contains(&"CXX") {
        facts.requires.push("gcc-c++".to_owned());
    }
    let mut all = String::new();
    for path in named(dir, &["CMakeLists.txt"]) {
        all.push_str(&without_comments(&text(&path)?));
        all.push('\n');
    }
    for words in commands(&all, "find_package") {
        if words.iter().any(|word| word == "REQUIRED") {
            facts.requires.extend(
                words
                    .first()
                    .filter(plain)
                    .and_then(|name| found_by_cmake(name)),
            );
        }
    }
    for command in ["pkg_check_modules", "pkg_search_module"] {
        for words in commands(&all, command) {
            if words.iter().any(|word| word == "REQUIRED") {
                let list: Vec<String> = words
                    .iter()
                    .skip(1)
                    .filter(|word| {
                        ![
                            "REQUIRED",
                            "QUIET",
                            "IMPORTED_TARGET",
                            "GLOBAL",
                            "STATIC_TARGET",
                        ]
                        .contains(&word.as_str())
                    })
                    .filter(plain)
                    .cloned()
                    .collect();
                facts.requires.extend(modules(&list.join(" ")));
            }
        }
    }
    facts.devel = commands(&all, "install").iter().any(|words| {
        words.iter().any(|word| {
            [".h", ".hpp", ".hh", ".pc", "include", "include/"]
                .iter()
                .any(|end| word.ends_with(end))
                || ["PUBLIC_HEADER", "FILE_SET", "EXPORT", "ARCHIVE"].contains(&word.as_str())
        })
    });
    Ok(facts)
}

pub(super) fn meson(dir: &Path) -> Result<Facts, TemplateError> {
    let path = dir.join("meson.build");
    let top = text(&path)?;
    let mut facts = Facts::new(ProjectKind::Meson);
    let Some(arguments) = call(&top, "project") else {
        let at = top.find("project").unwrap_or_default();
        return Err(TemplateError::syntax(
            &path,
            line_of(&top, at),
            "there is no complete `project('name', …)`",
        ));
    };
    facts.name = arguments.first().cloned().unwrap_or_default();
    let named_value = |key: &str| {
        arguments
            .iter()
            .filter_map(|argument| argument.split_once(':'))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| {
                value
                    .trim()
                    .trim_matches(['[', ']', '\'', '"', ' '])
                    .to_owned()
            })
            .filter(|value| !value.contains(['(', '\'']))
            .unwrap_or_default()
    };
    facts.version = named_value("version");
    facts.license = license::spdx(&named_value("license"));
    if arguments
        .iter()
        .any(|argument| argument.trim_matches(['[', ']', '\'']) == "cpp")
    {
        facts.requires.push("gcc-c++".to_owned());
    }
    // Languages are the arguments without a keyword.
    let mut languages = arguments
        .iter()
        .skip(1)
        .filter(|argument| !argument.contains(':'));
    facts.noarch = languages.all(|language| language.is_empty()) && !top.contains("add_languages");
    let mut all = String::new();
    for path in named(dir, &["meson.build"]) {
        all.push_str(&text(&path)?);
        all.push('\n');
    }
    let mut through_pkgconfig = false;
    for arguments in calls(&all, "dependency") {
        let optional = arguments
            .iter()
            .filter_map(|argument| argument.split_once(':'))
            .any(|(key, value)| key.trim() == "required" && value.trim() != "true");
        let Some(name) = arguments.first().filter(|_| !optional) else {
            continue;
        };
        if let Some(package) = found_by_meson(name) {
            through_pkgconfig |= package.starts_with("pkgconfig(");
            facts.requires.push(package);
        }
    }
    if through_pkgconfig || all.contains("import('pkgconfig')") {
        facts.requires.push("pkgconfig".to_owned());
    }
    if all.contains("import('i18n')") {
        facts.requires.push("gettext".to_owned());
    }
    facts.devel =
        calls(&all, "install_headers").next().is_some() || all.contains("import('pkgconfig')");
    Ok(facts)
}

/// Whether a macro is used, outside of comments; with or without arguments.
fn mentions(text: &str, name: &str) -> bool {
    text.lines()
        .map(|line| line.split("dnl").next().unwrap_or_default())
        .map(|line| line.split('#').next().unwrap_or_default())
        .any(|line| {
            line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| word == name)
        })
}

/// Files of these names in the tree, that of the top first.
fn named(dir: &Path, names: &[&str]) -> Vec<PathBuf> {
    walkdir::WalkDir::new(dir)
        .max_depth(DEPTH)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            // What others' projects in the tree need is theirs.
            entry.depth() == 0
                || !(name.starts_with('.')
                    || [
                        "subprojects",
                        "third_party",
                        "3rdparty",
                        "vendor",
                        "results",
                        "tests",
                        "test",
                        "examples",
                    ]
                    .contains(&name.as_ref()))
        })
        .filter_map(Result::ok)
        .filter(|entry| {
            entry.file_type().is_file() && names.iter().any(|name| entry.file_name() == *name)
        })
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// pkg-config's words as build requirements: `zlib >= 1.2 expat`.
fn modules(list: &str) -> Vec<String> {
    let list = list
        .replace(">=", " >= ")
        .replace(['\n', ',', '[', ']', '"'], " ");
    let mut words = list.split_whitespace().peekable();
    let mut out = Vec::new();
    while let Some(word) = words.next() {
        let fine = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        if !word.chars().all(fine) || !word.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            // A variable, or a comparison other than "at least".
            if ["=", "<", "<=", ">", "=="].contains(&word) {
                words.next();
            }
            continue;
        }
        let mut requirement = format!("pkgconfig({word})");
        if words.peek() == Some(&">=") {
            words.next();
            if let Some(version) = words.next().filter(|version| version.chars().all(fine)) {
                requirement.push_str(&format!(" >= {version}"));
            }
        }
        out.push(requirement);
    }
    out
}

/// The package with what one of CMake's own find modules looks for, else with the module of that
/// name; `None` for what any compiler has.
fn found_by_cmake(name: &str) -> Option<String> {
    let package = match name {
        "Threads" | "OpenMP" | "GNUInstallDirs" | "CTest" | "Backtrace" => return None,
        "PkgConfig" => "pkgconfig",
        "ZLIB" => "pkgconfig(zlib)",
        "BZip2" => "bzip2-devel",
        "LibLZMA" => "pkgconfig(liblzma)",
        "OpenSSL" => "pkgconfig(openssl)",
        "CURL" => "pkgconfig(libcurl)",
        "EXPAT" => "pkgconfig(expat)",
        "LibXml2" => "pkgconfig(libxml-2.0)",
        "PNG" => "pkgconfig(libpng)",
        "JPEG" => "pkgconfig(libjpeg)",
        "Freetype" => "pkgconfig(freetype2)",
        "SQLite3" => "pkgconfig(sqlite3)",
        "Curses" => "pkgconfig(ncurses)",
        "BISON" => "bison",
        "FLEX" => "flex",
        "Gettext" => "gettext",
        "Git" => "git",
        "Doxygen" => "doxygen",
        "Perl" => "perl",
        "Python" | "Python3" | "PythonInterp" => "python3",
        "Boost" => "boost-devel",
        other => return Some(format!("cmake({other})")),
    };
    Some(package.to_owned())
}

/// The package with what Meson's `dependency()` looks for.
fn found_by_meson(name: &str) -> Option<String> {
    const BUILT_IN: [&str; 10] = [
        "threads",
        "dl",
        "openmp",
        "m",
        "intl",
        "iconv",
        "blocks",
        "appleframeworks",
        "atomic",
        "",
    ];
    match name {
        name if BUILT_IN.contains(&name) => None,
        "boost" => Some("boost-devel".to_owned()),
        "curses" => Some("pkgconfig(ncurses)".to_owned()),
        "python3" => Some("python3-devel".to_owned()),
        name => modules(name).pop(),
    }
}

/// What `set` gives names to.
fn settings(cmake: &str) -> HashMap<String, String> {
    let mut known = HashMap::new();
    for words in commands(cmake, "set") {
        if let [name, value, ..] = words.as_slice() {
            let value = filled_in(value, &known);
            known.entry(name.clone()).or_insert(value);
        }
    }
    known
}

/// A word with `${NAME}` replaced where the name is known.
fn filled_in(word: &str, known: &HashMap<String, String>) -> String {
    let mut out = word.to_owned();
    for (name, value) in known {
        out = out.replace(&format!("${{{name}}}"), value);
    }
    out
}

fn without_comments(cmake: &str) -> String {
    cmake
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The words of every call of a CMake command.
fn commands(cmake: &str, name: &str) -> Vec<Vec<String>> {
    let lower = cmake.to_ascii_lowercase();
    lower
        .match_indices(name)
        .filter(|(at, _)| !lower[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .filter_map(|(at, _)| {
            let rest = cmake[at + name.len()..].trim_start().strip_prefix('(')?;
            let (inner, _) = rest.split_once(')')?;
            Some(
                shlex::split(inner)
                    .unwrap_or_else(|| inner.split_whitespace().map(str::to_owned).collect()),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkg_config_lists_become_requirements() {
        assert_eq!(
            modules("zlib>=1.2\n  glib-2.0 >= 2.40 gio-unix-2.0 foo < 3 $MORE"),
            [
                "pkgconfig(zlib) >= 1.2",
                "pkgconfig(glib-2.0) >= 2.40",
                "pkgconfig(gio-unix-2.0)",
                "pkgconfig(foo)"
            ]
        );
    }

    #[test]
    fn cmake_variables_are_filled_in() {
        let text = "set(A 1)\nset(B ${A}.2)\nset(A 9)\nproject(x VERSION ${B}.${C})";
        let known = settings(text);
        assert_eq!(
            filled_in(&commands(text, "project")[0][2], &known),
            "1.2.${C}"
        );
    }

    #[test]
    fn cmake_commands_are_found() {
        let text = without_comments(
            "# find_package(No)\nfind_package( ZLIB\n 1.2 REQUIRED)\nmy_find_package(X)\n",
        );
        assert_eq!(
            commands(&text, "find_package"),
            [["ZLIB", "1.2", "REQUIRED"]]
        );
        assert_eq!(found_by_cmake("Threads"), None);
        assert_eq!(found_by_cmake("fmt").as_deref(), Some("cmake(fmt)"));
    }
}
