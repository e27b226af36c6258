//! Patterns for names of files in the chroot.

use regex_automata::{meta::Regex, util::syntax};

/// What is wrong with a pattern of `chroot_scan`, if something is.
pub fn bad_pattern(pattern: &str) -> Option<String> {
    scan_patterns(&[pattern]).err()
}

/// The patterns of `chroot_scan` as one. Names are bytes, and mock's patterns are about ASCII.
///
/// # Errors
/// Which of them cannot be used, and why.
pub fn scan_patterns(patterns: &[impl AsRef<str>]) -> Result<Regex, String> {
    let build = Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build_many(patterns);
    build.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        match error.pattern().and_then(|nth| patterns.get(nth.as_usize())) {
            Some(text) => format!(
                "the pattern `{}` cannot be used: {}",
                text.as_ref(),
                cause
                    .unwrap_or_else(|| error.to_string())
                    .replace('\n', " ")
            ),
            None => error.to_string(),
        }
    })
}
