//! What the package manager of a configuration would say of a transaction, in its words: people read them in
//! root.log, and programs look for them there and in the log files of the chroot.

use rpmkit_solve::{Reason, Solution, Unsolvable};
use rpmkit_types::{Nevra, Package};

/// The package manager a configuration asks for. Ours does the work, and says so as that one would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// dnf up to version 4.
    #[default]
    Dnf4,
    /// dnf 5.
    Dnf5,
    /// yum up to version 3.
    Yum,
    /// microdnf.
    Microdnf,
}

/// What becomes of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PackageChange {
    Install,
    Upgrade,
    Downgrade,
    Reinstall,
    Dependency,
    Weak,
    Remove,
    Unused,
}

/// In the order in which dnf lists them: heading, and the word when it is done.
const CHANGES: [(PackageChange, &str, &str); 8] = [
    (PackageChange::Install, "Installing", "Installed"),
    (PackageChange::Upgrade, "Upgrading", "Upgraded"),
    (PackageChange::Downgrade, "Downgrading", "Downgraded"),
    (PackageChange::Reinstall, "Reinstalling", "Reinstalled"),
    (
        PackageChange::Dependency,
        "Installing dependencies",
        "Installed",
    ),
    (
        PackageChange::Weak,
        "Installing weak dependencies",
        "Installed",
    ),
    (PackageChange::Remove, "Removing", "Removed"),
    (
        PackageChange::Unused,
        "Removing unused dependencies",
        "Removed",
    ),
];

/// Width of dnf's tables without a terminal.
const WIDTH: usize = 80;

impl Dialect {
    /// What an option `package_manager` means.
    pub fn of(package_manager: &str) -> Self {
        match package_manager {
            "dnf5" => Self::Dnf5,
            "yum" => Self::Yum,
            "microdnf" => Self::Microdnf,
            _ => Self::Dnf4,
        }
    }

    /// mock's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dnf4 => "dnf4",
            Self::Dnf5 => "dnf5",
            Self::Yum => "yum",
            Self::Microdnf => "microdnf",
        }
    }

    /// What is about to be done.
    pub fn proposal(self, solution: &Solution) -> Vec<String> {
        if solution.is_empty() {
            return match self {
                Self::Dnf5 => vec!["Nothing to do.".into()],
                _ => vec![
                    "Dependencies resolved.".into(),
                    "Nothing to do.".into(),
                    "Complete!".into(),
                ],
            };
        }
        let changes = changes(solution);
        let mut lines = Vec::new();
        if self != Self::Dnf5 {
            lines.push("Dependencies resolved.".to_owned());
        }
        lines.extend(table(&changes));
        lines.push(String::new());
        lines.extend(self.summary(&changes));
        let size = bytes(solution.download_size());
        if solution.install.is_empty() {
            return lines;
        }
        let installed = bytes(solution.install.iter().map(|p| p.installed_size).sum());
        if self == Self::Dnf5 {
            lines.push(format!("Total size of inbound packages is {size}."));
            lines.push(format!(
                "After this operation, {installed} extra will be used."
            ));
        } else {
            lines.push(format!("Total download size: {size}"));
            lines.push(format!("Installed size: {installed}"));
        }
        lines
    }

    fn summary(self, changes: &[(PackageChange, &Package)]) -> Vec<String> {
        let count = |of: &[PackageChange]| changes.iter().filter(|(c, _)| of.contains(c)).count();
        let rows = [
            (
                "Install",
                "Installing",
                count(&[
                    PackageChange::Install,
                    PackageChange::Dependency,
                    PackageChange::Weak,
                ]),
            ),
            ("Upgrade", "Upgrading", count(&[PackageChange::Upgrade])),
            (
                "Reinstall",
                "Reinstalling",
                count(&[PackageChange::Reinstall]),
            ),
            (
                "Downgrade",
                "Downgrading",
                count(&[PackageChange::Downgrade]),
            ),
            (
                "Remove",
                "Removing",
                count(&[PackageChange::Remove, PackageChange::Unused]),
            ),
        ];
        let rows = rows.into_iter().filter(|(.., count)| *count > 0);
        if self == Self::Dnf5 {
            let head = std::iter::once("Transaction Summary:".to_owned());
            let rows = rows.map(|(_, verb, count)| {
                format!(
                    " {:<18}{count:>4} package{}",
                    format!("{verb}:"),
                    plural(count)
                )
            });
            return head.chain(rows).chain([String::new()]).collect();
        }
        let head = ["Transaction Summary".to_owned(), "=".repeat(WIDTH)];
        let rows =
            rows.map(|(verb, _, count)| format!("{verb:<9}{count:>4} Package{}", plural(count)));
        head.into_iter()
            .chain(rows)
            .chain([String::new()])
            .collect()
    }

    /// What was done.
    pub fn outcome(self, solution: &Solution) -> Vec<String> {
        let changes = changes(solution);
        let mut lines = Vec::new();
        if self != Self::Dnf5 {
            for (word, packages) in done(&changes) {
                lines.push(String::new());
                lines.push(format!("{word}:"));
                lines.extend(packages.iter().map(|p| format!("  {}", p.nevra)));
            }
            lines.push(String::new());
        }
        lines.push("Complete!".to_owned());
        lines
    }

    /// Why nothing can be done.
    pub fn refusal(self, problems: &Unsolvable) -> Vec<String> {
        let mut lines = Vec::new();
        let mut missing = Vec::new();
        let mut unmet = false;
        for obstacle in &problems.obstacles {
            let Some(line) = &obstacle.unmatched else {
                continue;
            };
            lines.push(line.clone());
            match line.strip_prefix("No match for argument: ") {
                Some(name) => missing.push(name),
                None => unmet = true,
            }
        }
        if self == Self::Dnf5 {
            lines.insert(0, "Failed to resolve the transaction:".into());
        } else if unmet {
            lines.push("Not all dependencies satisfied".into());
            lines.push("Error: Some packages could not be found.".into());
        } else if !missing.is_empty() {
            lines.push(format!(
                "Error: Unable to find a match: {}",
                missing.join(" ")
            ));
        }
        let others = problems
            .obstacles
            .iter()
            .filter(|one| one.unmatched.is_none());
        for (nth, obstacle) in others.enumerate() {
            if nth == 0 && self != Self::Dnf5 {
                lines.push("Error: ".into());
            }
            lines.push(" Problem: conflicting requests".into());
            lines.extend(obstacle.because.iter().map(|line| format!("  - {line}")));
        }
        lines
    }

    /// The log files of a chroot, by their paths inside, and what a transaction adds to each: times in front,
    /// as the package manager has them. `clock` is RFC 3339 in UTC, `logfile` the configuration's own file.
    pub fn journal(
        self,
        clock: &str,
        said: &[String],
        solution: Option<&Solution>,
        logfile: Option<&str>,
    ) -> Vec<(String, String)> {
        let stamped = |lines: &[String], level: &str| -> String {
            lines
                .iter()
                .filter(|line| !line.is_empty())
                .map(|line| format!("{clock} {level} {line}\n"))
                .collect()
        };
        let events: Vec<String> = solution
            .map(|solution| {
                let changes = changes(solution);
                done(&changes)
                    .into_iter()
                    .flat_map(|(word, packages)| {
                        packages
                            .into_iter()
                            .map(move |p| format!("{word}: {}", p.nevra))
                    })
                    .collect()
            })
            .unwrap_or_default();
        let mut files = match self {
            Self::Dnf4 | Self::Microdnf => vec![
                ("/var/log/dnf.log".to_owned(), stamped(said, "DEBUG")),
                ("/var/log/dnf.librepo.log".to_owned(), String::new()),
                (
                    "/var/log/dnf.rpm.log".to_owned(),
                    stamped(&events, "SUBDEBUG"),
                ),
            ],
            Self::Dnf5 => {
                let mut all = said.to_vec();
                all.extend(events.iter().cloned());
                vec![("/var/log/dnf5.log".to_owned(), stamped(&all, "[1] INFO"))]
            }
            Self::Yum => vec![("/var/log/yum.log".to_owned(), stamped(&events, "INFO"))],
        };
        if let Some(own) = logfile.filter(|own| files.iter().all(|(path, _)| path != own)) {
            let mut all = said.to_vec();
            all.extend(events);
            files.push((own.to_owned(), stamped(&all, "INFO")));
        }
        files
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// All that changes, in the order of the headings.
fn changes(solution: &Solution) -> Vec<(PackageChange, &Package)> {
    let mut all: Vec<(PackageChange, &Package)> = Vec::new();
    for (nth, package) in solution.install.iter().enumerate() {
        let old = solution
            .replaced
            .iter()
            .filter(|r| r.new == package.nevra)
            .flat_map(|r| &r.old)
            .find(|old| old.name == package.nevra.name);
        all.push((
            change(&package.nevra, old, solution.reasons.get(nth)),
            package,
        ));
    }
    for (nth, package) in solution.remove.iter().enumerate() {
        let unused = solution.remove_reasons.get(nth) == Some(&Reason::Clean);
        all.push((
            if unused {
                PackageChange::Unused
            } else {
                PackageChange::Remove
            },
            package,
        ));
    }
    let place = |of: PackageChange| CHANGES.iter().position(|(change, ..)| *change == of);
    all.sort_by_key(|(change, _)| place(*change));
    all
}

fn change(new: &Nevra, old: Option<&Nevra>, reason: Option<&Reason>) -> PackageChange {
    match (old, reason) {
        (Some(old), _) if new.evr > old.evr => PackageChange::Upgrade,
        (Some(old), _) if new.evr < old.evr => PackageChange::Downgrade,
        (Some(_), _) => PackageChange::Reinstall,
        (None, Some(Reason::Dependency)) => PackageChange::Dependency,
        (None, Some(Reason::Weak)) => PackageChange::Weak,
        (None, _) => PackageChange::Install,
    }
}

/// By the word for what was done.
fn done<'a>(changes: &[(PackageChange, &'a Package)]) -> Vec<(&'static str, Vec<&'a Package>)> {
    let mut words: Vec<(&'static str, Vec<&'a Package>)> = Vec::new();
    for (of, _, word) in CHANGES {
        let packages = changes.iter().filter(|(c, _)| *c == of).map(|(_, p)| *p);
        match words.iter_mut().find(|(known, _)| *known == word) {
            Some((_, all)) => all.extend(packages),
            None => words.push((word, packages.collect())),
        }
    }
    words.retain(|(_, packages)| !packages.is_empty());
    words
}

/// dnf's table of packages.
fn table(changes: &[(PackageChange, &Package)]) -> Vec<String> {
    let name = width(changes, 20, |p| p.nevra.name.len());
    let version = width(changes, 16, |p| p.nevra.evr.to_string().len());
    let repo = width(changes, 10, |p| p.repo.len());
    let row = |cells: [&str; 5]| {
        let [n, a, v, r, s] = cells;
        format!(" {n:<name$} {a:<8} {v:<version$} {r:<repo$} {s:>7}")
    };
    let rule = "=".repeat(WIDTH);
    let mut lines = vec![
        rule.clone(),
        row(["Package", "Arch", "Version", "Repository", "Size"]),
        rule.clone(),
    ];
    for (of, heading, _) in CHANGES {
        let mut packages = changes.iter().filter(|(c, _)| *c == of).peekable();
        if packages.peek().is_none() {
            continue;
        }
        lines.push(format!("{heading}:"));
        lines.extend(packages.map(|(change, p)| {
            let gone = matches!(change, PackageChange::Remove | PackageChange::Unused);
            let (repo, size) = match (gone, p.repo.as_str()) {
                (true, repo) => (format!("@{repo}"), p.installed_size),
                (false, "") => ("@commandline".to_owned(), p.size),
                (false, repo) => (repo.to_owned(), p.size),
            };
            let evr = p.nevra.evr.to_string();
            row([&p.nevra.name, &p.nevra.arch, &evr, &repo, &bytes(size)])
        }));
    }
    lines
}

fn width(
    changes: &[(PackageChange, &Package)],
    least: usize,
    of: impl Fn(&Package) -> usize,
) -> usize {
    changes.iter().map(|(_, p)| of(p)).fold(least, usize::max)
}

/// A size as dnf shows it: `734  `, `12 k`, `1.8 M`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];
    let (mut rest, mut unit) = (size, 0);
    let mut below = 0;
    while rest >= 1024 && unit + 1 < UNITS.len() {
        below = rest % 1024;
        rest /= 1024;
        unit += 1;
    }
    if unit == 0 {
        return format!("{rest}  ");
    }
    if rest < 10 {
        return format!("{rest}.{} {}", below * 10 / 1024, UNITS[unit]);
    }
    format!("{rest} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rpmkit_solve::Replacement;
    use rpmkit_types::Evr;

    use super::*;

    fn package(name: &str, version: &str) -> Package {
        serde_json::from_value(serde_json::json!({
            "nevra": Nevra::new(name, Evr::new(0, version, "1"), "noarch"),
            "repo": "r",
            "checksum": null,
            "location": { "href": "a.rpm" },
            "size": 1_900_000,
            "installed_size": 734,
        }))
        .unwrap()
    }

    fn solution() -> Solution {
        let (one, two, new) = (package("a", "1"), package("b", "1"), package("c", "2"));
        Solution {
            reasons: vec![Reason::User, Reason::Dependency, Reason::Dependency],
            replaced: vec![Replacement {
                new: new.nevra.clone(),
                old: vec![package("c", "1").nevra],
            }],
            install: vec![one, two, new],
            remove: vec![package("d", "1")],
            remove_reasons: vec![Reason::User],
            ..Solution::default()
        }
    }

    #[test]
    fn transactions_are_told_as_dnf_tells_them() {
        let text = Dialect::Dnf4.proposal(&solution()).join("\n");
        for part in [
            "Dependencies resolved.\n====",
            "\nInstalling:\n a ",
            "\nUpgrading:\n c ",
            "\nInstalling dependencies:\n b ",
            "\nRemoving:\n d ",
            "\nInstall     2 Packages\nUpgrade     1 Package\nRemove      1 Package\n",
            "\nTotal download size: 5.4 M\nInstalled size: 2.1 k",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            text.lines()
                .any(|l| l.starts_with(" a ") && l.ends_with("r            1.8 M"))
        );
        let text = Dialect::Dnf4.outcome(&solution()).join("\n");
        assert!(
            text.contains("\nInstalled:\n  a-1-1.noarch\n  b-1-1.noarch\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\nRemoved:\n  d-1-1.noarch\n\nComplete!"),
            "{text}"
        );
        let text = Dialect::Dnf5.proposal(&solution()).join("\n");
        assert!(
            text.contains("Transaction Summary:\n Installing:          2 packages\n"),
            "{text}"
        );
    }

    #[test]
    fn nothing_to_do_is_said() {
        let lines = Dialect::Dnf4.proposal(&Solution::default());
        assert_eq!(lines[1], "Nothing to do.");
    }

    #[test]
    fn logs_lie_where_the_package_manager_has_them() {
        let said = ["Complete!".to_owned()];
        let of = |dialect: Dialect, own: Option<&str>| {
            dialect.journal("T", &said, Some(&solution()), own)
        };
        let files = of(Dialect::Dnf4, Some("/var/log/yum.log"));
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/var/log/dnf.log",
                "/var/log/dnf.librepo.log",
                "/var/log/dnf.rpm.log",
                "/var/log/yum.log"
            ]
        );
        assert_eq!(files[0].1, "T DEBUG Complete!\n");
        assert!(
            files[2]
                .1
                .starts_with("T SUBDEBUG Installed: a-1-1.noarch\n")
        );
        assert_eq!(of(Dialect::Dnf5, None)[0].0, "/var/log/dnf5.log");
        assert_eq!(of(Dialect::Yum, Some("/var/log/yum.log")).len(), 1);
    }

    #[test]
    fn what_is_missing_is_named_as_dnf_names_it() {
        let problems: Unsolvable = Unsolvable {
            obstacles: vec![rpmkit_solve::Obstacle {
                action: "install",
                asked: vec!["`x`".into()],
                because: Vec::new(),
                candidates: Vec::new(),
                similar: Vec::new(),
                advice: Vec::new(),
                wanted: vec!["x >= 3".into()],
                unmatched: Some("No matching package to install: 'x >= 3'".into()),
            }],
        };
        assert_eq!(
            Dialect::Dnf4.refusal(&problems),
            [
                "No matching package to install: 'x >= 3'",
                "Not all dependencies satisfied",
                "Error: Some packages could not be found."
            ]
        );
    }

    #[test]
    fn sizes_are_short() {
        for (size, text) in [(734, "734  "), (12 * 1024, "12 k"), (1_900_000, "1.8 M")] {
            assert_eq!(bytes(size), text);
        }
    }
}
