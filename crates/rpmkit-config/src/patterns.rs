//! Patterns for names of files in the chroot, as Python's `re` reads them.

use fancy_regex::Regex;

/// Steps a pattern may take back for one name: a name has 255 bytes, and no useful pattern needs more.
const BACKTRACKS: usize = 100_000;

/// The patterns of `chroot_scan`.
#[derive(Debug)]
pub struct ScanPatterns(Vec<Regex>);

impl ScanPatterns {
    /// Whether one of them is found in a name.
    pub fn is_match(&self, name: &str) -> bool {
        // One that takes too long is found nowhere.
        self.0.iter().any(|one| one.is_match(name).unwrap_or(false))
    }
}

/// What is wrong with a pattern of `chroot_scan`, if something is.
pub fn bad_pattern(pattern: &str) -> Option<String> {
    scan_patterns(&[pattern]).err()
}

/// The patterns of `chroot_scan`.
///
/// # Errors
/// Which of them cannot be used, and why.
pub fn scan_patterns(patterns: &[impl AsRef<str>]) -> Result<ScanPatterns, String> {
    let one = |text: &str| {
        fancy_regex::RegexBuilder::new(text)
            .backtrack_limit(BACKTRACKS)
            .build()
            .map_err(|error| {
                let cause = error.to_string().replace('\n', " ");
                format!("the pattern `{text}` cannot be used: {cause}")
            })
    };
    let all: Result<Vec<Regex>, String> = patterns.iter().map(|text| one(text.as_ref())).collect();
    all.map(ScanPatterns)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn patterns_are_pythons() {
        let found = |pattern: &str, name: &str| scan_patterns(&[pattern]).unwrap().is_match(name);
        assert!(found(r"\.log$", "dnf.log") && !found(r"\.log$", "log.txt"));
        // Looking around and back, which only Python's kind has.
        assert!(found(r"^(?!dnf).*\.log$", "yum.log") && !found(r"^(?!dnf).*\.log$", "dnf.log"));
        assert!(found(r"(?<=\.)core$", "a.core") && !found(r"(?<=\.)core$", "core"));
        assert!(found(r"(?P<a>x)(?P=a)", "xx"));
        assert!(
            bad_pattern("(")
                .unwrap()
                .starts_with("the pattern `(` cannot be used: ")
        );
    }

    #[test]
    fn a_pattern_that_never_ends_is_found_nowhere() {
        let patterns = scan_patterns(&[r"^(a+)+(?=$)\1b$"]).unwrap();
        assert!(!patterns.is_match(&"a".repeat(60)));
    }
}
