//! Reading words against the table, with the rules of Python's argparse (`parse_known_args`, no
//! positional arguments defined, abbreviations allowed).

use super::{
    options::Options,
    table::{ENTRIES, Entry, FlagKind},
};
use crate::mode::Word;

/// What a command line says, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The last mode named.
    pub mode: Option<Word>,
    /// Options.
    pub options: Options,
    /// Everything else, in order: words, unknown options, and a `--` if there was one.
    pub words: Vec<String>,
}

/// Why there is nothing to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// The words make no sense; argparse's message.
    Bad(String),
}

/// How argparse sees one word.
enum Seen<'a> {
    Word,
    Separator,
    Known(Hit<'a>),
    Unknown,
}

struct Hit<'a> {
    entry: &'static Entry,
    /// The value glued to it: behind `=`, or behind a short option.
    glued: Option<&'a str>,
    short: bool,
}

/// Reads `args`, which come without the program's name.
pub fn parse(args: &[String]) -> Result<Parsed, Ending> {
    let mut words_only = false;
    let mut seen = Vec::with_capacity(args.len());
    // Classified all at once, as argparse does: an ambiguous option is an error even where it could
    // have been a value.
    for arg in args {
        seen.push(if words_only {
            Seen::Word
        } else if arg == "--" {
            words_only = true;
            Seen::Separator
        } else {
            classify(arg)?
        });
    }
    let mut parsed = Parsed::default();
    let mut at = 0;
    while at < args.len() {
        match &seen[at] {
            Seen::Known(hit) => at = take(hit, args, &seen, at, &mut parsed)?,
            Seen::Word | Seen::Unknown | Seen::Separator => {
                parsed.words.push(args[at].clone());
                at += 1;
            }
        }
    }
    Ok(parsed)
}

fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.names.contains(&name))
}

fn classify(arg: &str) -> Result<Seen<'_>, Ending> {
    if !arg.starts_with('-') || arg == "-" {
        return Ok(Seen::Word);
    }
    let short = !arg.starts_with("--");
    let known = |entry, glued| {
        Ok(Seen::Known(Hit {
            entry,
            glued,
            short,
        }))
    };
    if let Some(entry) = find(arg) {
        return known(entry, None);
    }
    let split = arg.split_once('=');
    if let Some((name, value)) = split
        && let Some(entry) = find(name)
    {
        return known(entry, Some(value));
    }
    if short {
        // `-rNAME`. A character may take several bytes.
        let end = arg.char_indices().nth(2).map_or(arg.len(), |(at, _)| at);
        if let Some(entry) = find(&arg[..end]) {
            return known(entry, Some(&arg[end..]));
        }
    } else {
        let (prefix, value) = split.map_or((arg, None), |(name, value)| (name, Some(value)));
        let mut matches = ENTRIES
            .iter()
            .flat_map(|entry| entry.names.iter().map(move |name| (*name, entry)))
            .filter(|(name, _)| name.starts_with(prefix));
        match (matches.next(), matches.next()) {
            (Some((_, entry)), None) => return known(entry, value),
            (Some(first), Some(second)) => {
                let names: Vec<&str> = [first, second]
                    .into_iter()
                    .chain(matches)
                    .map(|(name, _)| name)
                    .collect();
                return Err(Ending::Bad(format!(
                    "ambiguous option: {arg} could match {}",
                    names.join(", ")
                )));
            }
            _ => {}
        }
    }
    let number = arg[1..].parse::<f64>().is_ok();
    Ok(if number || arg.contains(' ') {
        Seen::Word
    } else {
        Seen::Unknown
    })
}

/// Takes the option at `at` with its values and returns where to go on.
fn take(
    hit: &Hit<'_>,
    args: &[String],
    seen: &[Seen<'_>],
    at: usize,
    parsed: &mut Parsed,
) -> Result<usize, Ending> {
    let entry = hit.entry;
    let bad = |text: String| {
        Err(Ending::Bad(format!(
            "argument {}: {text}",
            entry.names.join("/")
        )))
    };
    let wanted = match entry.kind {
        FlagKind::Help | FlagKind::Version | FlagKind::Mode(_) | FlagKind::Flag(_) => 0,
        FlagKind::Value(..) | FlagKind::Choice(..) | FlagKind::Int(..) => 1,
        FlagKind::Pair(..) => 2,
    };
    let mut values = Vec::with_capacity(wanted);
    let mut next = at + 1;
    match hit.glued {
        Some(glued) if wanted == 1 => values.push(glued.to_owned()),
        // `-nv` is `-n -v`.
        Some(glued) if wanted == 0 && hit.short => {
            apply(entry, values, parsed)?;
            let mut rest = glued.chars();
            let Some(letter) = rest.next() else {
                return Ok(next);
            };
            let Some(entry) = find(&format!("-{letter}")) else {
                return bad(format!(
                    "ignored explicit argument {}",
                    rpmkit_cli::listen::python_quoted(glued)
                ));
            };
            let rest = rest.as_str();
            let hit = Hit {
                entry,
                glued: (!rest.is_empty()).then_some(rest),
                short: true,
            };
            return take(&hit, args, seen, at, parsed);
        }
        Some(glued) => {
            return bad(format!(
                "ignored explicit argument {}",
                rpmkit_cli::listen::python_quoted(glued)
            ));
        }
        None => {
            while values.len() < wanted {
                match seen.get(next) {
                    Some(Seen::Word) => values.push(args[next].clone()),
                    // argparse drops a separator it meets on the way to a value.
                    Some(Seen::Separator) => {}
                    _ => {
                        let counted = if wanted == 1 {
                            "one argument"
                        } else {
                            "2 arguments"
                        };
                        return bad(format!("expected {counted}"));
                    }
                }
                next += 1;
            }
        }
    }
    apply(entry, values, parsed)?;
    Ok(next)
}

fn apply(entry: &Entry, values: Vec<String>, parsed: &mut Parsed) -> Result<(), Ending> {
    let bad = |text: String| {
        Err(Ending::Bad(format!(
            "argument {}: {text}",
            entry.names.join("/")
        )))
    };
    let quoted = rpmkit_cli::listen::python_quoted;
    let options = &mut parsed.options;
    let mut values = values.into_iter();
    // `take` has counted the values.
    let mut value = || values.next().unwrap_or_default();
    match entry.kind {
        FlagKind::Help => return Err(Ending::Help),
        FlagKind::Version => return Err(Ending::Version),
        FlagKind::Mode(mode) => parsed.mode = Some(mode),
        FlagKind::Flag(set) => set(options),
        FlagKind::Value(_, set) => set(options, value()),
        FlagKind::Pair(_, set) => set(options, value(), value()),
        FlagKind::Int(_, set) => {
            let text = value();
            match text.trim().parse() {
                Ok(number) => set(options, number),
                Err(_) => return bad(format!("invalid int value: {}", quoted(&text))),
            }
        }
        FlagKind::Choice(_, choices, set) => {
            let text = value();
            if !choices.contains(&text.as_str()) {
                let choices: Vec<String> = choices.iter().map(|c| quoted(c)).collect();
                return bad(format!(
                    "invalid choice: {} (choose from {})",
                    quoted(&text),
                    choices.join(", ")
                ));
            }
            set(options, &text);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
