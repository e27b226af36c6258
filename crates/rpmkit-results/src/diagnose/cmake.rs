//! CMake's errors: a heading with the place, the message indented below.

use crate::{failure::FailureCause, want::MissingThing};

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    let found = told(scene)?;
    // What could not be downloaded is told by what downloads, some lines above CMake's own words.
    let network = super::network::find(scene).filter(|one| one.at + 12 >= found.from);
    Some(match network {
        Some(network) => Finding {
            at: found.at.max(network.at),
            ..network
        },
        None => found,
    })
}

fn told(scene: &Scene<'_>) -> Option<Finding> {
    let headings: Vec<usize> = (0..scene.lines.len())
        .filter(|at| is_heading(scene.lines[*at]))
        .collect();
    let last = *headings.last()?;
    let end = |at: usize| {
        (at + 1..scene.lines.len())
            .find(|nth| {
                !(scene.lines[*nth].starts_with(' ')
                    || scene.lines[*nth].trim().is_empty()
                    || scene.lines[*nth].starts_with("Call Stack"))
            })
            .unwrap_or(scene.lines.len())
    };
    let at = *headings.first().unwrap_or(&last);
    let heading = scene.lines[at];
    // An error without a place has its text behind the colon, and lists below without an indent.
    let own = heading.strip_prefix("CMake Error: ").map(str::trim);
    let listed = own.is_some_and(|text| text.contains("set to NOTFOUND"));
    let stop = if listed {
        let more = scene.lines[at + 1..]
            .iter()
            .position(|line| line.starts_with("-- "));
        more.map_or(scene.lines.len(), |more| at + 1 + more)
    } else {
        end(at)
    };
    let body: Vec<&str> = own
        .into_iter()
        .chain(scene.lines[at + 1..stop].iter().map(|line| line.trim()))
        .take_while(|line| !line.starts_with("Call Stack"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = body.join(" ");
    let (file, line) = user_place(scene, at, end(at), heading);
    let place = match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        _ => String::new(),
    };
    let names: Vec<&str> = wanted_modules(scene, at, &body);
    let mut shown = said.clone();
    if !names.is_empty() && !names.iter().all(|name| said.contains(name)) {
        shown = format!("{} ({})", said.trim_end_matches('.'), names.join(", "));
    }
    let mut shown = shorten(&shown);
    if listed {
        let names: Vec<&str> = scene.lines[at + 1..stop]
            .iter()
            .filter(|line| {
                !line.starts_with(' ') && !line.contains(". ") && !line.contains("Please set")
            })
            .map(|line| line.split_whitespace().next().unwrap_or(line))
            .collect();
        shown = format!("nothing was found for {}", names.join(", "));
    }
    let others: Vec<&str> = body
        .iter()
        .filter_map(|line| text::behind(line, ", version: "))
        .collect();
    if !others.is_empty() {
        shown = format!("{} What is installed is {}", shown, others.join(", "));
    }
    let mut found = Finding::new(end(last) - 1, format!("{place}{shown}")).from(at);
    if let (Some(file), Some(line)) = (file, line)
        && !file.starts_with('/')
    {
        found = found.source(file, line, None);
    }
    let section = scene.section.map(str::to_owned);
    for name in &names {
        found = found.want(MissingThing::PkgConfig((*name).to_owned()));
    }
    if let Some(name) = names.first() {
        found = found.cause(FailureCause::MissingComponent {
            requirement: format!("pkgconfig({name})"),
            section: section.clone(),
        });
    }
    if let Some(name) = text::between(&said, "package configuration file provided by \"", "\"")
        .or_else(|| text::between(&said, "Could NOT find ", " "))
    {
        found = found
            .cause(FailureCause::MissingComponent {
                requirement: format!("cmake({name})"),
                section,
            })
            .want(MissingThing::Cmake(name.to_owned()));
    } else if said.contains("No CMAKE_CXX_COMPILER could be found") {
        found = found.want(MissingThing::Command("g++".into()));
    } else if said.contains("No CMAKE_C_COMPILER could be found") {
        found = found.want(MissingThing::Command("gcc".into()));
    } else if let Some(name) = text::between(&said, "build program corresponding to \"", "\"") {
        let program = match name {
            "Ninja" => "ninja",
            _ => "make",
        };
        found = found.want(MissingThing::Command(program.into()));
    } else if !others.is_empty() {
        found = found.hint(super::pkgconfig::NEWER);
    } else if said.contains("Compatibility with CMake < ") {
        found = found.hint("the sources are older than this CMake: add `-DCMAKE_POLICY_VERSION_MINIMUM=3.5` to `%cmake`, or raise `cmake_minimum_required` in a patch");
    } else if said.contains("Permission denied") && scene.is("%install") {
        found = found.hint(super::shell::BELOW_BUILDROOT);
    } else if said.contains("or higher is required") {
        found = found.hint("this version of CMake is the newest the chroot's repositories have: build for a newer chroot, or lower `cmake_minimum_required` in a patch if the sources allow it");
    } else if names.is_empty() {
        for word in super::autotools::missing_words(&said) {
            found = found.want(MissingThing::Word(word.to_owned()));
        }
    }
    Some(found)
}

fn is_heading(line: &str) -> bool {
    line.starts_with("CMake Error") && !line.contains("(message) ignored")
}

/// pkg-config modules an error is about: those in its list, or those looked for right before.
fn wanted_modules<'a>(scene: &Scene<'a>, at: usize, body: &[&'a str]) -> Vec<&'a str> {
    let about = body.iter().any(|line| {
        text::any(
            line,
            &[
                "required package was not found",
                "required packages were not found",
                "None of the required",
            ],
        )
    });
    if !about {
        return Vec::new();
    }
    let listed: Vec<&str> = body
        .iter()
        .filter_map(|line| line.strip_prefix("- "))
        .map(module)
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    scene.lines[at.saturating_sub(8)..at]
        .iter()
        .filter_map(|line| {
            text::between(line, "Package '", "'")
                .or_else(|| text::between(line, "No package '", "'"))
                .filter(|_| line.contains("not found") || line.contains("found"))
        })
        .map(module)
        .collect()
}

fn module(text: &str) -> &str {
    text.split(['>', '<', '=', ' ']).next().unwrap_or(text)
}

/// The place in the project itself: of a message of CMake's own modules it is in the call stack.
fn user_place<'a>(
    scene: &Scene<'a>,
    at: usize,
    end: usize,
    heading: &'a str,
) -> (Option<&'a str>, Option<u32>) {
    let parse = |text: &'a str| -> Option<(&'a str, u32)> {
        let (file, rest) = text.trim().split_once(':')?;
        Some((file, u32::try_from(text::number(rest)?).ok()?))
    };
    let own = text::behind(heading, " at ").and_then(parse);
    let in_modules = own.is_none_or(|(file, _)| file.starts_with("/usr/"));
    let called = scene.lines[at..end]
        .iter()
        .skip_while(|line| !line.starts_with("Call Stack"))
        .skip(1)
        .filter_map(|line| parse(line))
        .find(|(file, _)| !file.starts_with("/usr/"));
    match if in_modules { called.or(own) } else { own } {
        Some((file, line)) => (Some(file), Some(line)),
        None => (None, None),
    }
}

/// CMake's texts go on with advice; the first sentences say what is wrong.
fn shorten(text: &str) -> String {
    const MOST: usize = 200;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let end = text
        .char_indices()
        .take_while(|(at, _)| *at < MOST)
        .filter(|(_, c)| *c == '.')
        .last()
        .map_or(MOST, |(at, _)| at + 1);
    let mut end = end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
