//! Specs written from what a project says about itself.
//!
//! [`inspect`] reads a project's own files into [`Facts`], the user may change any of them, and
//! [`render`] fills in one of the compiled-in templates. Nothing is asked and nothing is run
//! here but `cargo metadata`, which is how Rust's facts are had.

mod cargo;
mod error;
mod facts;
mod golang;
mod headers;
mod inspect;
mod license;
mod native;
mod python;
mod read;
mod repo;
mod text;
mod vendor;

pub use error::TemplateError;
pub use facts::{Facts, ProjectKind};
pub use inspect::{detect, inspect};
pub use text::rpm_version;
pub(crate) use vendor::beside;
pub use vendor::{VendorPlace, VendorTool};

use minijinja::Environment;

/// Whether a spec can be written with these facts.
///
/// # Errors
/// [`TemplateError::Missing`] when a fact the template needs is empty, [`TemplateError::Unfit`] when
/// rpm does not take one.
pub fn check(facts: &Facts) -> Result<(), TemplateError> {
    facts.check()
}

/// The spec for a project.
///
/// # Errors
/// As [`check`].
pub fn render(facts: &Facts) -> Result<String, TemplateError> {
    facts.check()?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let text = environment
        .render_str(facts.kind.template(), facts.context())
        .map_err(|error| TemplateError::Render {
            kind: facts.kind,
            reason: error.to_string(),
        })?;
    Ok(format!("{}\n", text.trim_end()))
}

/// This day as a changelog entry has it: `Sun Nov 22 2026`, in UTC.
pub fn today() -> String {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%a %b %d %Y")
        .to_string()
}

#[cfg(test)]
mod tests;
