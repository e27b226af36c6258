//! The two git attributes an archive obeys, `export-ignore` and `export-subst`.
//!
//! libgit2 can look attributes up for the index and HEAD but not for any commit, so the files
//! are read here: from the archived tree itself, as `git archive` does.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use globset::{GlobBuilder, GlobMatcher};

/// What is set for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Export {
    pub ignore: bool,
    pub subst: bool,
    /// The `lfs` filter: the commit holds a pointer instead of the file.
    pub lfs: bool,
}

/// The attribute files that apply in one directory, innermost last.
#[derive(Debug, Default, Clone)]
pub(super) struct Attributes {
    /// Directory the rules are relative to (with a slash at its end, or empty) and the rules.
    files: Vec<(Vec<u8>, std::rc::Rc<Vec<Rule>>)>,
    /// `$GIT_DIR/info/attributes`, which beats all others.
    info: std::rc::Rc<Vec<Rule>>,
}

impl Attributes {
    /// Starts with the text of `$GIT_DIR/info/attributes`.
    pub fn new(info: &[u8]) -> Self {
        Self {
            files: Vec::new(),
            info: parse(info).into(),
        }
    }

    /// The rules one directory further down, whose own `.gitattributes` is `text`.
    pub fn descend(&self, dir: &[u8], text: &[u8]) -> Self {
        let mut inner = self.clone();
        let base = if dir.is_empty() {
            Vec::new()
        } else {
            [dir, b"/"].concat()
        };
        inner.files.push((base, parse(text).into()));
        inner
    }

    /// What holds for `path`; a directory's path comes without its slash.
    pub fn get(&self, path: &[u8], is_dir: bool) -> Export {
        let mut export = Export::default();
        for (base, rules) in &self.files {
            if let Some(rest) = path.strip_prefix(base.as_slice()) {
                apply(rules, rest, is_dir, &mut export);
            }
        }
        apply(&self.info, path, is_dir, &mut export);
        export
    }
}

fn apply(rules: &[Rule], path: &[u8], is_dir: bool, export: &mut Export) {
    for rule in rules {
        if rule.matches(path, is_dir) {
            for (name, value) in &rule.settings {
                match name {
                    Name::Ignore => export.ignore = *value,
                    Name::Subst => export.subst = *value,
                    Name::Lfs => export.lfs = *value,
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Name {
    Ignore,
    Subst,
    Lfs,
}

#[derive(Debug)]
struct Rule {
    glob: GlobMatcher,
    /// Matched against the last part of the path only.
    basename: bool,
    dir_only: bool,
    settings: Vec<(Name, bool)>,
}

impl Rule {
    fn matches(&self, path: &[u8], is_dir: bool) -> bool {
        if self.dir_only && !is_dir {
            return false;
        }
        let subject = if self.basename {
            path.rsplit(|b| *b == b'/').next().unwrap_or(path)
        } else {
            path
        };
        self.glob.is_match(Path::new(OsStr::from_bytes(subject)))
    }
}

fn parse(text: &[u8]) -> Vec<Rule> {
    text.split(|b| *b == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Rule> {
    // Patterns that are not UTF-8 would need a matcher on bytes; they set no attribute here.
    let line = std::str::from_utf8(line).ok()?.trim();
    // `[attr]name …` defines a macro; one that stands for these attributes is unheard of.
    if line.is_empty() || line.starts_with('#') || line.starts_with("[attr]") {
        return None;
    }
    let (pattern, rest) = if let Some(quoted) = line.strip_prefix('"') {
        let end = quoted.find('"')?;
        (quoted[..end].to_owned(), &quoted[end + 1..])
    } else {
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        (line[..end].to_owned(), &line[end..])
    };
    let settings: Vec<_> = rest.split_whitespace().filter_map(setting).collect();
    // Negative patterns are forbidden in attribute files, and git skips them.
    if settings.is_empty() || pattern.starts_with('!') {
        return None;
    }
    let dir_only = pattern.ends_with('/');
    let pattern = pattern.trim_end_matches('/');
    let basename = !pattern.contains('/');
    let pattern = pattern.trim_start_matches('/');
    // `{` is an ordinary character to git.
    let pattern = pattern.replace('{', "[{]").replace('}', "[}]");
    let glob = GlobBuilder::new(&pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .ok()?
        .compile_matcher();
    Some(Rule {
        glob,
        basename,
        dir_only,
        settings,
    })
}

fn setting(word: &str) -> Option<(Name, bool)> {
    let (word, value) = match word.as_bytes().first()? {
        b'-' | b'!' => (&word[1..], false),
        _ => (word, true),
    };
    let name = match word.split('=').next()? {
        "export-ignore" => Name::Ignore,
        "export-subst" => Name::Subst,
        "filter" => return Some((Name::Lfs, value && word == "filter=lfs")),
        _ => return None,
    };
    // `export-ignore=false` is a value, not "set", and only "set" counts.
    Some((name, value && !word.contains('=')))
}
