//! The git attributes an archive obeys: `export-ignore`, `export-subst`, and those that change
//! what a file looks like outside of the repository (`text`, `eol`, `ident`; gitattributes).
//!
//! libgit2 can look attributes up for the index and HEAD but not for any commit, so the files
//! are read here: from the archived tree itself, as `git archive` does.

use std::{collections::HashMap, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, rc::Rc};

use globset::{GlobBuilder, GlobMatcher};

/// What is set for a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Export {
    pub ignore: bool,
    pub subst: bool,
    pub text: Text,
    pub ident: bool,
    /// The filter a checkout would run; with `lfs` the commit holds a pointer instead of the file.
    pub filter: Option<Rc<str>>,
    /// The encoding the file has in a checkout, where it is not UTF-8.
    pub encoding: Option<Rc<str>>,
}

impl Export {
    /// Whether Git LFS keeps the file.
    pub fn is_lfs(&self) -> bool {
        self.filter.as_deref() == Some("lfs")
    }

    /// A remark for people about what is not done here. LFS has its own ([`super::lfs`]).
    pub fn note(&self, path: &[u8]) -> Option<String> {
        let path = String::from_utf8_lossy(path);
        if self.is_lfs() {
            return None;
        }
        if let Some(filter) = &self.filter {
            return Some(format!(
                "`{path}` is archived as the commit has it: the filter `{filter}` is not run"
            ));
        }
        let encoding = self.encoding.as_ref()?;
        Some(format!(
            "`{path}` is archived in UTF-8, as the commit has it, and not in {encoding}"
        ))
    }
}

/// What becomes of line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Text {
    /// They stay.
    #[default]
    Keep,
    /// Every one becomes CR LF.
    Crlf,
    /// As `Crlf`, if the content looks like text that has none yet.
    AutoCrlf,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AttributeValue {
    Set,
    Unset,
    Unspecified,
    Text(Rc<str>),
}

impl AttributeValue {
    fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(value) if &**value == text)
    }
}

/// Macros one attribute may lead to.
const MAX_MACROS: usize = 32;

/// Attributes by name, for one path.
type Values = HashMap<Rc<str>, AttributeValue>;

/// The attribute files that apply in one directory, innermost last.
#[derive(Debug, Default, Clone)]
pub(super) struct Attributes {
    /// Directory the rules are relative to (with a slash at its end, or empty) and the rules.
    files: Vec<(Vec<u8>, Rc<Vec<AttributeRule>>)>,
    /// `$GIT_DIR/info/attributes`, which beats all others.
    info: Rc<Vec<AttributeRule>>,
    /// Names that stand for several attributes (`[attr]`).
    macros: Rc<HashMap<Rc<str>, Vec<AttributeSetting>>>,
}

type AttributeSetting = (Rc<str>, AttributeValue);

impl Attributes {
    /// Starts with the text of `$GIT_DIR/info/attributes`.
    pub fn new(info: &[u8]) -> Self {
        let mut macros = HashMap::from([(
            "binary".into(),
            ["diff", "merge", "text"]
                .map(|name| (name.into(), AttributeValue::Unset))
                .to_vec(),
        )]);
        macros.extend(parse_macros(info));
        Self {
            files: Vec::new(),
            info: parse(info).into(),
            macros: macros.into(),
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
        // Macros are for the top only; those of `info/attributes` beat it.
        let own = if dir.is_empty() {
            parse_macros(text)
        } else {
            HashMap::new()
        };
        if !own.is_empty() {
            let mut macros = own;
            for (name, settings) in &*self.macros {
                if &**name != "binary" || !macros.contains_key(name) {
                    macros.insert(name.clone(), settings.clone());
                }
            }
            inner.macros = macros.into();
        }
        inner.files.push((base, parse(text).into()));
        inner
    }

    /// What holds for `path`; a directory's path comes without its slash.
    pub fn get(&self, path: &[u8], is_dir: bool) -> Export {
        let mut values = Values::new();
        for (base, rules) in &self.files {
            if let Some(rest) = path.strip_prefix(base.as_slice()) {
                self.apply(rules, rest, is_dir, &mut values);
            }
        }
        self.apply(&self.info, path, is_dir, &mut values);
        export(&values)
    }

    fn apply(&self, rules: &[AttributeRule], path: &[u8], is_dir: bool, values: &mut Values) {
        for rule in rules.iter().filter(|rule| rule.matches(path, is_dir)) {
            for (name, value) in &rule.settings {
                self.set(name, value, values, &mut Vec::new());
            }
        }
    }

    /// Sets an attribute and, where it is a macro, what that stands for. `seen` has the macros on the way:
    /// one that names itself, or one that names others twice, must not multiply.
    fn set<'a>(
        &'a self,
        name: &'a Rc<str>,
        value: &AttributeValue,
        values: &mut Values,
        seen: &mut Vec<&'a Rc<str>>,
    ) {
        values.insert(name.clone(), value.clone());
        if *value == AttributeValue::Set
            && seen.len() < MAX_MACROS
            && !seen.contains(&name)
            && let Some(settings) = self.macros.get(name)
        {
            seen.push(name);
            for (name, value) in settings {
                self.set(name, value, values, seen);
            }
        }
    }
}

fn export(values: &Values) -> Export {
    let get = |name: &str| values.get(name).unwrap_or(&AttributeValue::Unspecified);
    let set = |name: &str| *get(name) == AttributeValue::Set;
    let word = |name: &str| match get(name) {
        AttributeValue::Text(text) => Some(text.clone()),
        _ => None,
    };
    Export {
        ignore: set("export-ignore"),
        subst: set("export-subst"),
        text: text(get("text"), get("crlf"), get("eol")),
        ident: set("ident"),
        filter: word("filter"),
        encoding: word("working-tree-encoding").filter(|name| {
            !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("utf8")
        }),
    }
}

/// `crlf` is what `text` was called before git 1.7.2. Without `eol` line ends would be the host's,
/// or those of the user's `core.eol`: here they are Unix's, since an archive must not depend on who
/// makes it.
fn text(text: &AttributeValue, crlf: &AttributeValue, eol: &AttributeValue) -> Text {
    let text = if *text == AttributeValue::Unspecified {
        crlf
    } else {
        text
    };
    if *text == AttributeValue::Unset || text.is("input") {
        return Text::Keep;
    }
    match (eol.is("crlf"), text.is("auto")) {
        (true, true) => Text::AutoCrlf,
        (true, false) => Text::Crlf,
        (false, _) => Text::Keep,
    }
}

#[derive(Debug)]
struct AttributeRule {
    glob: GlobMatcher,
    /// Matched against the last part of the path only.
    basename: bool,
    dir_only: bool,
    settings: Vec<AttributeSetting>,
}

impl AttributeRule {
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

fn parse(text: &[u8]) -> Vec<AttributeRule> {
    text.split(|b| *b == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<AttributeRule> {
    // Patterns that are not UTF-8 would need a matcher on bytes; they set no attribute here.
    let line = std::str::from_utf8(line).ok()?.trim();
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
    Some(AttributeRule {
        glob,
        basename,
        dir_only,
        settings,
    })
}

/// `[attr]NAME settings` defines a macro.
fn parse_macros(text: &[u8]) -> HashMap<Rc<str>, Vec<AttributeSetting>> {
    text.split(|b| *b == b'\n')
        .filter_map(|line| {
            let rest = std::str::from_utf8(line)
                .ok()?
                .trim()
                .strip_prefix("[attr]")?;
            let mut words = rest.split_whitespace();
            let name = words.next()?;
            Some((name.into(), words.filter_map(setting).collect()))
        })
        .collect()
}

fn setting(word: &str) -> Option<AttributeSetting> {
    let (name, value) = match word.as_bytes().first()? {
        b'-' => (&word[1..], AttributeValue::Unset),
        b'!' => (&word[1..], AttributeValue::Unspecified),
        // `export-ignore=false` is a value, not "set", and only "set" counts.
        _ => match word.split_once('=') {
            Some((name, value)) => (name, AttributeValue::Text(value.into())),
            None => (word, AttributeValue::Set),
        },
    };
    Some((name.into(), value))
}
