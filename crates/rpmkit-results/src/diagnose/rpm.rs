//! What rpm itself says about a failure.

use std::path::PathBuf;

use crate::{failure::FailureCause, nearest::nearest};

use super::{disk, finding::Finding, mentioned::mentioned, text};

/// Finds `error: Bad exit status from SCRIPT (%section)` and what that script printed.
pub(super) fn failed_section(lines: &[String]) -> Option<(&str, &[String])> {
    let (end, name) = lines.iter().enumerate().find_map(|(at, line)| {
        let rest = line.strip_prefix("error: Bad exit status from ")?;
        let name = rest.rsplit_once(" (")?.1.strip_suffix(')')?;
        Some((at, name))
    })?;
    let start = lines[..end]
        .iter()
        .rposition(|line| line.starts_with("Executing(") && line.contains(name))
        .map_or(0, |at| at + 1);
    Some((name, &lines[start..end]))
}

/// The section that ran last, of a call that was stopped in the middle of it.
pub(super) fn running_section(lines: &[String]) -> Option<(&str, &[String])> {
    let start = lines
        .iter()
        .rposition(|line| line.starts_with("Executing("))?;
    let (name, _) = lines[start].strip_prefix("Executing(")?.split_once("):")?;
    Some((name, &lines[start + 1..]))
}

/// The script of the section that failed. rpm leaves it where it is in that case.
pub(super) fn script(lines: &[String]) -> Option<PathBuf> {
    lines.iter().find_map(|line| {
        let rest = line.strip_prefix("error: Bad exit status from ")?;
        let path = rest.rsplit_once(" (")?.0;
        path.starts_with("/var/tmp/rpm-tmp.").then(|| path.into())
    })
}

/// The lines before rpm sums its errors up once more.
pub(super) fn own_lines(lines: &[String]) -> &[String] {
    let end = lines
        .iter()
        .position(|line| line.starts_with("RPM build errors:"))
        .unwrap_or(lines.len());
    &lines[..end]
}

/// Causes rpm itself states. `reading` says that nothing but the spec was read, so that whatever rpm
/// complains of is in it.
pub(super) fn stated(lines: &[String], spec: Option<&str>, reading: bool) -> Option<Finding> {
    let cause = files(lines).or_else(|| lines.iter().find_map(|line| of_line(line, spec)));
    let cause = cause.or_else(|| {
        let said = lines.iter().find_map(|line| line.strip_prefix("error: "));
        let said = said.filter(|said| reading && !disk::is_full(&format!("error: {said}")))?;
        Some(FailureCause::SpecParse {
            message: said.trim().to_owned(),
        })
    });
    let cause = cause.or_else(|| {
        let full = lines
            .iter()
            .find(|line| line.starts_with("error: ") && disk::is_full(line))?;
        Some(FailureCause::DiskFull {
            path: text::quoted(full).map(str::to_owned),
        })
    })?;
    let mut found = Finding::new(0, "").cause(cause.clone());
    match &cause {
        FailureCause::SpecParse { message } => {
            for hint in parse_hints(message, spec) {
                found = found.hint(hint);
            }
        }
        FailureCause::FilesMissing { files } => {
            for hint in files
                .iter()
                .take(3)
                .filter_map(|file| file_hint(file, lines))
            {
                found = found.hint(hint);
            }
        }
        FailureCause::EmptyDebuginfo => {
            found = found.hint(
                "a package without compiled files says `BuildArch: noarch`; one whose files are compiled elsewhere or without `-g` says `%global debug_package %{nil}`",
            );
        }
        _ => {}
    }
    Some(found)
}

fn files(lines: &[String]) -> Option<FailureCause> {
    let below = |heading: &str| -> Vec<String> {
        let Some(at) = lines
            .iter()
            .position(|l| l.trim_start().starts_with(heading))
        else {
            return Vec::new();
        };
        lines[at + 1..]
            .iter()
            .take_while(|l| l.starts_with([' ', '\t']) && !l.trim().is_empty())
            .map(|l| l.trim().to_owned())
            .collect()
    };
    let needed = below("error: Failed build dependencies:");
    if !needed.is_empty() {
        return Some(FailureCause::MissingBuildRequires {
            requirements: needed
                .iter()
                .map(|l| l.split(" is needed by ").next().unwrap_or(l).to_owned())
                .collect(),
        });
    }
    if lines.iter().any(|line| {
        line.starts_with("error: Empty %files file ")
            && (line.contains("debugsourcefiles.list") || line.contains("debugfiles.list"))
    }) {
        return Some(FailureCause::EmptyDebuginfo);
    }
    let mut missing: Vec<String> = Vec::new();
    for line in lines {
        let found = [
            "error: File not found: ",
            "error: Directory not found: ",
            "error: File not found by glob: ",
            "error: File must begin with \"/\": ",
        ]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix));
        if let Some(path) = found {
            let path = without_buildroot(path).to_owned();
            if !missing.contains(&path) {
                missing.push(path);
            }
        }
    }
    if !missing.is_empty() {
        return Some(FailureCause::FilesMissing { files: missing });
    }
    let unpackaged = below("error: Installed (but unpackaged) file(s) found:");
    (!unpackaged.is_empty()).then_some(FailureCause::UnpackagedFiles { files: unpackaged })
}

fn of_line(line: &str, spec: Option<&str>) -> Option<FailureCause> {
    let text = line.strip_prefix("error: ")?;
    if let Some(file) = missing_source(text) {
        return Some(FailureCause::MissingSource { file });
    }
    if let Some(arch) = text
        .strip_prefix("Architecture is not included: ")
        .or_else(|| text.strip_prefix("Architecture is excluded: "))
    {
        return Some(FailureCause::ArchExcluded {
            arch: arch.to_owned(),
        });
    }
    if text.starts_with("Arch dependent binaries in noarch package") {
        return Some(FailureCause::ArchInNoarch);
    }
    let (number, mut message) = spec_error(line)?;
    if let Some(open) = number
        .and_then(|number| open_macro(spec?, number))
        .filter(|open| !message.contains(open.as_str()))
    {
        message = format!("{message}: `{open}` is not closed");
    }
    if message.starts_with("No compatible architectures")
        && let Some(line) = spec.and_then(|spec| {
            let number = usize::try_from(mentioned(&message, spec)?).ok()?;
            spec.lines().nth(number.checked_sub(1)?)
        })
    {
        let line: Vec<&str> = line.split_whitespace().collect();
        message = format!("{message}: `{}`", line.join(" "));
    }
    Some(FailureCause::SpecParse { message })
}

/// What of a line begins a macro and does not end, when rpm complains of one.
fn open_macro(spec: &str, number: u32) -> Option<String> {
    let line = spec
        .lines()
        .nth(usize::try_from(number).ok()?.checked_sub(1)?)?;
    let start = line.rfind("%{").or_else(|| line.rfind("%("))?;
    let rest = &line[start..];
    let closing = if rest.starts_with("%{") { '}' } else { ')' };
    (!rest.contains(closing)).then(|| rest.trim_end().to_owned())
}

/// Tags of a spec's preamble, for those who misspell one.
const TAGS: [&str; 34] = [
    "Name",
    "Version",
    "Release",
    "Epoch",
    "Summary",
    "License",
    "URL",
    "Source",
    "Source0",
    "Patch",
    "Patch0",
    "Group",
    "Vendor",
    "Packager",
    "BuildArch",
    "BuildRequires",
    "BuildConflicts",
    "Requires",
    "Provides",
    "Conflicts",
    "Obsoletes",
    "Recommends",
    "Suggests",
    "Supplements",
    "Enhances",
    "ExclusiveArch",
    "ExcludeArch",
    "ExclusiveOS",
    "AutoReq",
    "AutoProv",
    "AutoReqProv",
    "NoSource",
    "BuildRoot",
    "Prefix",
];

fn parse_hints(message: &str, spec: Option<&str>) -> Vec<String> {
    if message.contains('\u{feff}') {
        return vec!["the spec begins with a byte order mark (U+FEFF), which some editors write: save it as plain UTF-8".to_owned()];
    }
    if let Some(rest) = text::behind(message, "Unknown tag: ") {
        let tag = rest.split([':', '(', ' ']).next().unwrap_or(rest);
        if let Some(near) = nearest(tag, TAGS) {
            return vec![format!("did you mean `{near}`?")];
        }
    }
    if message.starts_with("Illegal char '-'") && message.contains("Version") {
        let value = message.rsplit(": ").next().unwrap_or_default().trim();
        let early = ["alpha", "beta", "rc", "pre", "dev"];
        let better = match value.split_once('-') {
            Some((head, tail))
                if early
                    .iter()
                    .any(|word| tail.to_lowercase().starts_with(word)) =>
            {
                format!("{head}~{}", tail.replace('-', "."))
            }
            _ => value.replace('-', "."),
        };
        return vec![format!(
            "write `{better}`: `~` marks what comes before a release, and `-` separates version from release"
        )];
    }
    if spec.is_some_and(|spec| spec.contains("\r\n")) {
        return vec!["the spec has line ends of DOS (CRLF): write them as on Unix, for instance with `dos2unix`".to_owned()];
    }
    Vec::new()
}

/// The line rpm names, or the one a cause of its own is about.
pub(super) fn spec_line(cause: &FailureCause, lines: &[String], spec: &str) -> Option<u32> {
    if !matches!(cause, FailureCause::SpecParse { .. }) {
        return None;
    }
    if let Some((number, message)) = lines.iter().find_map(|line| spec_error(line)) {
        return number.or_else(|| mentioned(&message, spec));
    }
    match cause {
        FailureCause::SpecParse { message } => mentioned(message, spec),
        _ => None,
    }
}

/// Directives of `%files`, for those who misspell one.
const DIRECTIVES: [&str; 14] = [
    "%attr",
    "%defattr",
    "%dir",
    "%doc",
    "%docdir",
    "%license",
    "%config",
    "%ghost",
    "%exclude",
    "%verify",
    "%caps",
    "%lang",
    "%missingok",
    "%readme",
];

/// What to do about one name of `%files` that is not there, when its form tells.
fn file_hint(file: &str, lines: &[String]) -> Option<String> {
    if file.starts_with("%{") {
        return Some(format!(
            "the macro `{}` is not defined",
            file.split_inclusive('}').next().unwrap_or(file)
        ));
    }
    if file.starts_with('%') {
        let near = nearest(file, DIRECTIVES).map(|near| format!(": did you mean `{near}`?"));
        return Some(format!(
            "`{file}` is no directive of `%files`{}",
            near.unwrap_or_default()
        ));
    }
    let relative = lines
        .iter()
        .any(|line| line.strip_prefix("error: File must begin with \"/\": ") == Some(file));
    if relative {
        return Some(format!("paths in `%files` begin with `/`: `/{file}`"));
    }
    if lines
        .iter()
        .any(|line| line.matches("/BUILDROOT/").count() > 1)
    {
        return Some(
            "paths in `%files` are those in the package: leave `%{buildroot}` out".to_owned(),
        );
    }
    let name = file.rsplit('/').next()?;
    let copied = (file.starts_with("/usr/share/doc/") && file.matches('/').count() == 5)
        .then_some("%doc")
        .or_else(|| {
            file.starts_with("/usr/share/licenses/")
                .then_some("%license")
        })?;
    Some(format!(
        "`{copied} {name}` takes the file from the sources, which have no such file"
    ))
}

/// `Bad file: P: No such file…`, `Bad source: P: No such…`, `File P: No such file…`.
fn missing_source(text: &str) -> Option<String> {
    let rest = ["Bad file: ", "Bad source: ", "File "]
        .iter()
        .find_map(|p| text.strip_prefix(p))?;
    let path = rest.strip_suffix(": No such file or directory")?;
    Some(path.rsplit('/').next().unwrap_or(path).to_owned())
}

/// Line (where told) and message of an error in the spec.
pub(super) fn spec_error(line: &str) -> Option<(Option<u32>, String)> {
    let text = line.strip_prefix("error: ")?;
    // Newer rpm names the file first: `error: /path/x.spec: line 7: …`.
    let numbered = text
        .strip_prefix("line ")
        .or_else(|| text.split_once(": line ").map(|(_, rest)| rest));
    if let Some((number, message)) = numbered.and_then(|n| n.split_once(": "))
        && let Ok(number) = number.parse()
    {
        return Some((Some(number), message.trim().to_owned()));
    }
    let unnumbered = text.contains(" field must be present in package: ")
        || text.starts_with("Package has no %description")
        || text.starts_with("Duplicate ")
        || text.starts_with("bad date in %changelog")
        || text.starts_with("%changelog ")
        || text.starts_with("invalid syntax in lua scriptlet")
        || text.starts_with("No compatible architectures")
        || text.starts_with("Unterminated ")
        || text.starts_with("Failed to expand ")
        || text.starts_with("Too many levels of recursion in macro expansion")
        || text.starts_with("query of specfile ");
    unnumbered.then(|| (None, text.trim().to_owned()))
}

/// The path in the package, from one below the build root.
fn without_buildroot(path: &str) -> &str {
    let Some((_, below)) = path.rsplit_once("/BUILDROOT/") else {
        return path;
    };
    // rpm up to 4.19 has one more directory there, named after the package.
    match below.split_once('/') {
        Some((package, _)) if package.contains('-') => &below[package.len()..],
        _ => &path[path.len() - below.len() - 1..],
    }
}
