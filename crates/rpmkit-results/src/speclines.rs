//! Finding the line of a spec that a failure belongs to.

use super::failure::FailureCause;

/// The line (from one) of `spec` that `cause` is about, if one can be named with confidence.
/// `lines` is the failed command's output, whose shell tracing tells how far a section got.
pub(super) fn locate(spec: &str, cause: &FailureCause, lines: &[String]) -> Option<u32> {
    let found = match cause {
        FailureCause::Section { section } => in_section(spec, section, lines),
        FailureCause::MissingCommand { section, .. }
        | FailureCause::MissingComponent { section, .. } => {
            in_section(spec, section.as_deref()?, lines)
        }
        FailureCause::PatchFailed { patch: Some(patch) } => {
            tag(spec, "patch", patch).or_else(|| in_section(spec, "%prep", &[]))
        }
        FailureCause::PatchFailed { patch: None } => in_section(spec, "%prep", &[]),
        FailureCause::WrongSourceDirectory { .. } => starting(spec, &["%setup", "%autosetup"]),
        FailureCause::FilesMissing { files } => files.first().and_then(|f| in_files(spec, f)),
        FailureCause::UnpackagedFiles { .. } => starting(spec, &["%files"]),
        FailureCause::MissingBuildRequires { requirements } => requirements.first().and_then(|r| {
            tag(
                spec,
                "buildrequires",
                r.split_whitespace().next().unwrap_or(r),
            )
        }),
        FailureCause::MissingSource { file } => {
            tag(spec, "source", file).or_else(|| tag(spec, "patch", file))
        }
        FailureCause::ArchExcluded { .. } => starting_tag(spec, &["exclusivearch", "excludearch"]),
        FailureCause::ArchInNoarch => starting_tag(spec, &["buildarch"]),
        FailureCause::SpecParse { .. }
        | FailureCause::Unresolvable { .. }
        | FailureCause::Timeout { .. }
        | FailureCause::DiskFull { .. }
        | FailureCause::Killed { .. }
        | FailureCause::Interrupted
        | FailureCause::Other => None,
    }?;
    u32::try_from(found + 1).ok()
}

/// Section names that end the section before them.
const SECTIONS: [&str; 24] = [
    "%package",
    "%description",
    "%prep",
    "%generate_buildrequires",
    "%conf",
    "%build",
    "%install",
    "%check",
    "%clean",
    "%files",
    "%changelog",
    "%pre",
    "%post",
    "%preun",
    "%postun",
    "%pretrans",
    "%posttrans",
    "%preuntrans",
    "%postuntrans",
    "%triggerin",
    "%triggerun",
    "%triggerpostun",
    "%sourcelist",
    "%patchlist",
];

fn heads(line: &str, section: &str) -> bool {
    line.strip_prefix(section)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// The line a section had reached, or its heading.
fn in_section(spec: &str, section: &str, lines: &[String]) -> Option<usize> {
    let head = spec.lines().position(|l| heads(l, section))?;
    let body: Vec<(usize, &str)> = spec
        .lines()
        .enumerate()
        .skip(head + 1)
        .take_while(|(_, l)| !SECTIONS.iter().any(|s| heads(l, s)))
        .map(|(at, l)| (at, l.trim()))
        .collect();
    // The shell traces `+ make -j2` for the spec's `make -j2` or `%make_build`; only the former can
    // be recognised here, and only if the spec has it once.
    let reached = lines
        .iter()
        .rev()
        .filter_map(|l| l.strip_prefix("+ "))
        .map(str::trim)
        .find(|command| {
            !["exit 0", ":", "jobs", "RPM_EC"]
                .iter()
                .any(|p| command.starts_with(p))
        });
    if let Some(command) = reached {
        let mut same = body
            .iter()
            .filter(|(_, l)| unquoted(l) == unquoted(command));
        if let (Some((at, _)), None) = (same.next(), same.next()) {
            return Some(*at);
        }
    }
    Some(head)
}

/// The shell's tracing drops quotes, so they must not count.
fn unquoted(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\'' | '"')).collect()
}

/// A `TagN: … needle …` line.
fn tag(spec: &str, name: &str, needle: &str) -> Option<usize> {
    let tagged = |line: &str| {
        line.split_once(':').is_some_and(|(tag, _)| {
            let tag = tag.trim().to_lowercase();
            tag.strip_prefix(name)
                .is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()))
        })
    };
    let mut only = None;
    for (at, line) in spec.lines().enumerate().filter(|(_, l)| tagged(l)) {
        if line.contains(needle) {
            return Some(at);
        }
        // With macros in it the name cannot be compared; if there is a single candidate it is that.
        if line.contains('%') {
            only = match only {
                None => Some(Some(at)),
                Some(_) => Some(None),
            };
        }
    }
    only.flatten()
}

fn starting(spec: &str, words: &[&str]) -> Option<usize> {
    spec.lines()
        .position(|l| words.iter().any(|w| heads(l.trim_start(), w)))
}

fn starting_tag(spec: &str, names: &[&str]) -> Option<usize> {
    spec.lines().position(|l| {
        l.split_once(':')
            .is_some_and(|(tag, _)| names.contains(&tag.trim().to_lowercase().as_str()))
    })
}

/// The line of a `%files` section that lists `file`, recognised by its last component.
fn in_files(spec: &str, file: &str) -> Option<usize> {
    let name = file.rsplit('/').next().filter(|n| !n.is_empty())?;
    let mut inside = false;
    let mut head = None;
    for (at, line) in spec.lines().enumerate() {
        if SECTIONS.iter().any(|s| heads(line, s)) {
            inside = heads(line, "%files");
            if inside && head.is_none() {
                head = Some(at);
            }
        } else if inside
            && line
                .split_whitespace()
                .any(|w| w.rsplit('/').next() == Some(name))
        {
            return Some(at);
        }
    }
    head
}
