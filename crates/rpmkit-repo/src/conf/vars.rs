//! `$releasever`, `$basearch` and their like.

use std::collections::BTreeMap;

/// Variables and their values, by name without the `$`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars(BTreeMap<String, String>);

impl Vars {
    /// No variables at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variables every repository may use: `arch`, `basearch` (derived from `arch`), and, when
    /// `releasever` is not empty, `releasever`, `releasever_major` and `releasever_minor`.
    pub fn for_target(arch: &str, releasever: &str) -> Self {
        let mut vars = Self::new();
        vars.set("arch", arch);
        vars.set("basearch", base_arch(arch));
        if !releasever.is_empty() {
            let (major, minor) = releasever.split_once('.').unwrap_or((releasever, ""));
            vars.set("releasever", releasever);
            vars.set("releasever_major", major);
            vars.set("releasever_minor", minor);
        }
        vars
    }

    /// Sets one, replacing what it was.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        // dnf compares names without regard to case.
        self.0
            .get(name)
            .or_else(|| self.0.get(&name.to_ascii_lowercase()))
            .map(String::as_str)
    }

    /// Replaces `$name`, `${name}`, `${name:-default}` and `${name:+instead}`. A variable nobody
    /// set stays in the text as it is, which is what dnf does.
    pub fn substitute(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            match self.one(rest) {
                Some((value, used)) => {
                    out.push_str(&value);
                    rest = &rest[used..];
                }
                None => {
                    out.push('$');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// Value of the reference at the start of `text`, and how many bytes it takes.
    fn one(&self, text: &str) -> Option<(String, usize)> {
        let body = text.strip_prefix('$')?;
        let Some(inner) = body.strip_prefix('{') else {
            let end = name_end(body);
            return Some((self.get(&body[..end])?.to_owned(), 1 + end));
        };
        let end = name_end(inner);
        let (name, tail) = inner.split_at(end);
        if tail.starts_with('}') {
            return Some((self.get(name)?.to_owned(), 2 + end + 1));
        }
        let word = tail
            .strip_prefix(":-")
            .or_else(|| tail.strip_prefix(":+"))?;
        let close = closing_brace(word)?;
        let used = 2 + end + 2 + close + 1;
        let set = self.get(name).filter(|value| !value.is_empty());
        let value = match (tail.starts_with(":-"), set) {
            (true, Some(value)) => value.to_owned(),
            (true, None) | (false, Some(_)) => self.substitute(&word[..close]),
            (false, None) => String::new(),
        };
        Some((value, used))
    }
}

fn name_end(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

/// Position of the brace that ends a word which may hold further `${…}`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The architecture family a repository is laid out by, as dnf maps it.
pub fn base_arch(arch: &str) -> &str {
    match arch {
        "i386" | "i486" | "i586" | "i686" | "athlon" | "geode" => "i386",
        "x86_64" | "amd64" | "ia32e" => "x86_64",
        "armv5tel" | "armv5tejl" | "armv5tl" | "armv6l" | "armv7l" | "armv8l" => "arm",
        "armv6hl" => "armv6hfp",
        "armv7hl" | "armv7hnl" | "armv8hl" => "armhfp",
        "alpha" | "alphaev4" | "alphaev45" | "alphaev5" | "alphaev56" | "alphaev6"
        | "alphaev67" | "alphaev68" | "alphaev7" | "alphapca56" => "alpha",
        "ppc64" | "ppc64iseries" | "ppc64p7" | "ppc64pseries" => "ppc64",
        "sh4" | "sh4a" => "sh4",
        "sparc" | "sparc64" | "sparc64v" | "sparcv8" | "sparcv9" | "sparcv9v" => "sparc",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_every_form() {
        let mut vars = Vars::for_target("i686", "9.2");
        vars.set("stream", "devel");
        vars.set("empty", "");
        for (text, want) in [
            ("r=$releasever&a=$basearch", "r=9.2&a=i386"),
            ("${releasever_major}x$arch", "9xi686"),
            ("$STREAM/$basearch.", "devel/i386."),
            ("$none ${none} $ $$arch ${", "$none ${none} $ $i686 ${"),
            ("${none:-f$releasever}", "f9.2"),
            ("${none:-${stream}}z", "develz"),
            ("${stream:+-$stream}", "-devel"),
            ("${none:+x}|${empty:-y}", "|y"),
            ("$releasever-$stream", "9.2-devel"),
        ] {
            assert_eq!(vars.substitute(text), want, "{text}");
        }
    }

    #[test]
    fn architectures_have_their_base() {
        assert_eq!(base_arch("armv7hl"), "armhfp");
        assert_eq!(base_arch("x86_64"), "x86_64");
        assert_eq!(base_arch("riscv64"), "riscv64");
    }
}
