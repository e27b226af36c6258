//! What can be wrong with a configuration, and where.

use std::{fmt, path::PathBuf};

use rpmkit_types::Hint;

use crate::Origin;

/// A spot in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPlace {
    /// The file, or a name in angle brackets for text that is not in a file.
    pub file: PathBuf,
    /// Line, from one; zero when only the file is known.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
    /// The source line.
    pub source: String,
}

impl ConfigPlace {
    /// The spot at byte `offset` of `text`.
    pub fn at(file: impl Into<PathBuf>, text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = text[offset..]
            .find('\n')
            .map_or(text.len(), |at| offset + at);
        Self {
            file: file.into(),
            line: text[..start].matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            source: text[start..end].trim_end_matches('\r').to_owned(),
        }
    }

    /// The whole of a file.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            source: String::new(),
        }
    }
}

impl fmt::Display for ConfigPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// The source line with a mark under the column, on lines of their own; empty without one.
struct Excerpt<'a>(&'a ConfigPlace);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0;
        if place.source.trim().is_empty() {
            return Ok(());
        }
        // Long lines are cut around the column, so that an error stays readable.
        let from = place.column.saturating_sub(60);
        let shown: String = place.source.chars().skip(from).take(120).collect();
        let shown = shown.replace('\t', " ");
        let mark = place.column.saturating_sub(1 + from);
        write!(f, "\n    {shown}\n    {:mark$}^", "")
    }
}

/// `FILE:LINE: `, for what comes from a file.
fn at(origin: &Option<Origin>) -> String {
    match origin {
        Some(origin @ Origin::File { .. }) => format!("{origin}: "),
        _ => String::new(),
    }
}

/// Why a configuration cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No definition of that name, or no file at that path.
    #[error("{}", not_found(.name, .looked, *.mock))]
    NotFound {
        /// What was asked for.
        name: String,
        /// Whether to say so in mock's words, which name one place only.
        mock: bool,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
        /// What to do instead.
        hints: Vec<Hint>,
    },
    /// New definitions cannot be taken.
    #[error("cannot take definitions from `{path}`: {reason}")]
    Update {
        /// Where they were to come from.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not well-formed.
    #[error("{place}: {message}{}", Excerpt(.place))]
    Syntax {
        /// Where.
        place: ConfigPlace,
        /// What is wrong.
        message: String,
    },
    /// Python that is more than data.
    #[error("{place}: {what} is not read by rpmkit: a configuration is data and nothing in it is run{}", Excerpt(.place))]
    Refused {
        /// Where.
        place: ConfigPlace,
        /// The construct.
        what: String,
        /// How to say it as data.
        instead: String,
    },
    /// Well-formed, but it makes no sense: a missing key, an operator between wrong types.
    #[error("{place}: {message}{}", Excerpt(.place))]
    Evaluate {
        /// Where.
        place: ConfigPlace,
        /// What is wrong.
        message: String,
    },
    /// An included or extended file does not exist.
    #[error("{place}: the file `{wanted}` does not exist (looked for {}){}", list(.looked), Excerpt(.place))]
    MissingInclude {
        /// Where it is asked for.
        place: ConfigPlace,
        /// What is asked for.
        wanted: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// Files that include or extend each other without end.
    #[error("{place}: {}{}", .message, Excerpt(.place))]
    Loop {
        /// Where the limit was reached.
        place: ConfigPlace,
        /// Which files, or how deep.
        message: String,
    },
    /// A template cannot be rendered.
    #[error("{}option `{option}`: {message} (line {line} of the template){}", at(.origin), Excerpt(.place))]
    Template {
        /// Where the option was set, once that is known.
        origin: Option<Origin>,
        /// The option, with the keys that lead to the text.
        option: String,
        /// Line in the template, from one.
        line: usize,
        /// The template's line.
        place: ConfigPlace,
        /// What is wrong.
        message: String,
    },
    /// A template that keeps changing.
    #[error(
        "option `{option}`: the template still changes after {rounds} rounds: it refers to itself"
    )]
    EndlessTemplate {
        /// The option, with the keys that lead to the text.
        option: String,
        /// How often it was rendered.
        rounds: i64,
    },
    /// A macro without a usable name or value.
    #[error(
        "bad macro `{name}` with the value `{value}`: expected one word and a value that is not empty"
    )]
    Macro {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// `root` is missing.
    #[error("`config_opts['root']` must be set by the configuration `{name}`")]
    NoRoot {
        /// Of which configuration.
        name: String,
    },
    /// A value of the wrong kind.
    #[error("option `{option}` is {found}: {expected} was expected")]
    BadValue {
        /// The option.
        option: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The overlayfs plugin is on and was not told where to keep things.
    #[error(
        "base_dir is not configured: option `plugin_conf.overlayfs_opts.base_dir` is not set, and the overlayfs plugin is on"
    )]
    NoBaseDir,
    /// No package manager mock knows. It words it in two ways: one for a bootstrap chroot, one without.
    #[error("{} package manager \"{name}\"", if *bootstrap { "Unexpected" } else { "Unrecognized" })]
    PackageManager {
        /// The option's value.
        name: String,
        /// Whether a bootstrap chroot is asked for.
        bootstrap: bool,
    },
    /// A word of the command line that makes no sense.
    #[error("{0}")]
    CommandLine(String),
}

impl ConfigError {
    /// Adds where the option was set to an error about its template.
    #[must_use]
    pub(crate) fn of(mut self, set: &Origin) -> Self {
        if let Self::Template { origin, .. } = &mut self {
            origin.get_or_insert_with(|| set.clone());
        }
        self
    }

    /// Whether mock counts this as a wrong command line and not as a wrong configuration.
    pub fn is_command_line(&self) -> bool {
        matches!(self, Self::Macro { .. } | Self::CommandLine(_))
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::NotFound { hints, .. } => hints.clone(),
            Self::Refused { instead, .. } => vec![Hint::new(instead.clone())],
            Self::NoBaseDir => vec![Hint::new(
                "set it to an absolute path; or leave `overlayfs_enable` out: there are snapshots without the plugin, too",
            )],
            Self::PackageManager { .. } => vec![Hint::new(
                "set `package_manager` to dnf, dnf5, yum or microdnf: each is done by the package manager in here",
            )],
            _ => Vec::new(),
        }
    }
}

fn not_found(name: &str, looked: &[PathBuf], mock: bool) -> String {
    let Some(path) = looked.last().filter(|_| mock) else {
        return format!("no configuration `{name}`: looked for {}", list(looked));
    };
    let mut lines = vec![format!(
        "Could not find required config file: {}",
        path.display()
    )];
    if name == "default" {
        lines.push("  Did you forget to specify the chroot to use with '-r'?".to_owned());
    }
    lines.push(
        "  If you're trying to specify a path, include the .cfg extension, e.g. -r ./target.cfg"
            .to_owned(),
    );
    lines.push(format!("Non-existing Mock config '{name}'"));
    lines.join("\n")
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
