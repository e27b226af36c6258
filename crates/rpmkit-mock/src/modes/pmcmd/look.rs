//! Verbs that only look. What they find is data, on standard output.

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error, ExitCode,
    build::{Buildroot, ChrootAccess},
    config::Settings,
    solve::{Available, Relation, glob_matches},
    types::{Evr, Location, Package},
};

use super::{super::work::Work, Flags};

/// dnf's status of a `check-update` that found something.
const UPDATES: u8 = 100;

/// What looks, with its options.
pub struct PmLook<'a, 'w> {
    pub cx: &'a Context,
    pub work: &'a Work<'w>,
    pub settings: &'a Settings,
    pub flags: &'a Flags,
}

impl PmLook<'_, '_> {
    /// Calls `body` with the prepared chroot, which stays as it is.
    pub fn with_root<T>(
        &self,
        body: impl FnOnce(&mut Buildroot) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.work.open_logs(self.cx)?;
        let access = ChrootAccess::JoinOrEphemeral;
        let mut root = self.work.to_look_with(self.cx, self.settings, access)?;
        let outcome = body(&mut root);
        let closed = root.close();
        let outcome = outcome?;
        closed.map_err(Error::from)?;
        Ok(outcome)
    }

    pub fn say(&self, line: impl AsRef<str>) {
        self.cx.printer.data(line);
    }
}

/// What is on offer and `keep` wants, by name and version.
pub fn offers(
    work: &Work<'_>,
    root: &Buildroot,
    keep: impl Fn(&Available) -> bool,
) -> Result<Vec<Available>, Failure> {
    let mut found = Vec::new();
    root.package_manager()
        .available_with_relations(|offer| {
            if keep(&offer) {
                found.push(offer);
            }
        })
        .map_err(|e| work.failure(&e.into()))?;
    found.sort_by(|a, b| {
        let order = (&a.name, &a.arch).cmp(&(&b.name, &b.arch));
        order.then_with(|| Evr::parse(&a.evr).cmp(&Evr::parse(&b.evr)))
    });
    Ok(found)
}

pub fn nothing(words: &[&str]) -> Failure {
    Failure::new(
        ExitCode::PackageManager,
        format!("nothing matches `{}`", words.join(" ")),
    )
}

/// Only the highest version of each name and architecture, from a sorted list.
pub fn newest(offers: Vec<Available>) -> Vec<Available> {
    let mut out: Vec<Available> = Vec::new();
    for offer in offers {
        match out.last_mut() {
            Some(last) if (&last.name, &last.arch) == (&offer.name, &offer.arch) => *last = offer,
            _ => out.push(offer),
        }
    }
    out
}

fn related(package: &Package) -> Vec<(Relation, String)> {
    let needs = package
        .requires
        .iter()
        .map(|one| (Relation::Requires, one.dep.to_string()));
    let others = [
        (Relation::Provides, &package.provides),
        (Relation::Conflicts, &package.conflicts),
        (Relation::Obsoletes, &package.obsoletes),
        (Relation::Recommends, &package.recommends),
        (Relation::Suggests, &package.suggests),
        (Relation::Supplements, &package.supplements),
        (Relation::Enhances, &package.enhances),
    ];
    let others = others
        .into_iter()
        .flat_map(|(kind, deps)| deps.iter().map(move |dep| (kind, dep.to_string())));
    needs.chain(others).collect()
}

/// Installed packages as rows of the same kind.
pub fn installed(work: &Work<'_>, root: &mut Buildroot) -> Result<Vec<Available>, Failure> {
    let packages = root.packages().map_err(|e| work.failure(&e))?;
    Ok(packages
        .iter()
        .map(|package| Available {
            name: package.nevra.name.clone(),
            evr: package.nevra.evr.to_string(),
            arch: package.nevra.arch.clone(),
            summary: String::new(),
            source_rpm: package.source_rpm.clone(),
            build_time: package.build_time,
            size: package.installed_size,
            repo: match package.repo.as_str() {
                "" => "@System".to_owned(),
                repo => format!("@{repo}"),
            },
            href: String::new(),
            base: None,
            provides: package
                .provides
                .iter()
                .map(|dep| dep.name.clone())
                .collect(),
            files: package.files.clone(),
            relations: related(package),
        })
        .collect())
}

pub fn wanted(words: &[&str]) -> impl Fn(&Available) -> bool {
    move |offer: &Available| words.is_empty() || words.iter().any(|word| offer.is_meant(word))
}

/// Which of the two sets a list is of: both unless one is named, by an option or the first word.
pub fn sets<'a>(flags: &Flags, words: &'a [&'a str]) -> (bool, bool, &'a [&'a str]) {
    let (mut here, mut there) = (flags.installed, flags.available);
    let mut words = words;
    if let [first @ ("installed" | "available" | "all"), rest @ ..] = words {
        here |= *first != "available";
        there |= *first != "installed";
        words = rest;
    }
    if !here && !there {
        (here, there) = (true, true);
    }
    (here, there, words)
}

impl PmLook<'_, '_> {
    /// `list [--installed|--available|--upgrades|--extras] [SPEC…]`
    pub fn list(&self, words: &[&str]) -> VerbResult {
        let (mut here, mut there, mut words) = sets(self.flags, words);
        let (mut upgrades, mut extras) = (self.flags.upgrades, self.flags.extras);
        if let [first @ ("updates" | "upgrades" | "extras"), rest @ ..] = words {
            upgrades |= *first != "extras";
            extras |= *first == "extras";
            words = rest;
        }
        if upgrades || extras {
            (here, there) = (false, false);
        }
        self.with_root(|root| {
            let keep = wanted(words);
            let row = |offer: &Available| {
                let name = format!("{}.{}", offer.name, offer.arch);
                self.say(format!("{name:<45} {:<30} {}", offer.evr, offer.repo));
            };
            let present = installed(self.work, root)?;
            let mut sections: Vec<(&str, Vec<Available>)> = Vec::new();
            if here {
                let shown = present.iter().filter(|offer| keep(offer)).cloned();
                sections.push(("Installed Packages", shown.collect()));
            }
            if there || upgrades || extras {
                let mut shown = offers(self.work, root, &keep)?;
                if extras {
                    let mut only: Vec<Available> = present
                        .iter()
                        .filter(|offer| keep(offer))
                        .cloned()
                        .collect();
                    only.retain(|p| !shown.iter().any(|offer| offer.nvra() == p.nvra()));
                    sections.push(("Extra Packages", only));
                } else if upgrades {
                    sections.push(("Available Upgrades", newer(&present, newest(shown))));
                } else {
                    if !self.flags.all_versions {
                        shown = newest(shown);
                    }
                    // As dnf: what is installed already is not listed again.
                    shown.retain(|offer| !present.iter().any(|p| p.nvra() == offer.nvra()));
                    sections.push(("Available Packages", shown));
                }
            }
            sections.retain(|(_, rows)| !rows.is_empty());
            if sections.is_empty() && !upgrades && !extras {
                return Err(Failure::new(
                    ExitCode::PackageManager,
                    "Error: No matching Packages to list",
                ));
            }
            for (title, rows) in sections {
                self.say(title);
                rows.iter().for_each(row);
            }
            Ok(Status::OK)
        })
    }

    /// `check-update`: status 100 where there are some.
    pub fn check_update(&self, words: &[&str]) -> VerbResult {
        self.with_root(|root| {
            let present = installed(self.work, root)?;
            let shown = newer(&present, newest(offers(self.work, root, wanted(words))?));
            for offer in &shown {
                let name = format!("{}.{}", offer.name, offer.arch);
                self.say(format!("{name:<45} {:<30} {}", offer.evr, offer.repo));
            }
            Ok(Status(if shown.is_empty() { 0 } else { UPDATES }))
        })
    }

    /// `info [SPEC…]`
    pub fn info(&self, words: &[&str]) -> VerbResult {
        let (here, there, words) = sets(self.flags, words);
        self.with_root(|root| {
            let keep = wanted(words);
            let mut shown: Vec<Available> = Vec::new();
            if here {
                let present = installed(self.work, root)?;
                shown.extend(present.into_iter().filter(|offer| keep(offer)));
            }
            if there {
                shown.extend(newest(offers(self.work, root, &keep)?));
            }
            if shown.is_empty() {
                return Err(nothing(words));
            }
            for offer in &shown {
                details(offer).iter().for_each(|line| self.say(line));
                self.say("");
            }
            Ok(Status::OK)
        })
    }

    /// `search WORD…`: in names and summaries, all words, without regard to case.
    pub fn search(&self, words: &[&str]) -> VerbResult {
        if words.is_empty() {
            return Err(Failure::usage("You must specify what to search."));
        }
        let low: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        self.with_root(|root| {
            let found = newest(offers(self.work, root, |offer| {
                let text = format!("{}\n{}", offer.name, offer.summary).to_lowercase();
                low.iter().all(|word| text.contains(word.as_str()))
            })?);
            if found.is_empty() {
                self.say("No matches found.");
            }
            for offer in found {
                self.say(format!("{}.{} : {}", offer.name, offer.arch, offer.summary));
            }
            Ok(Status::OK)
        })
    }

    /// `provides SPEC…`: names, capabilities, and the files that primary metadata lists.
    pub fn provides(&self, words: &[&str]) -> VerbResult {
        if words.is_empty() {
            return Err(Failure::usage("You must specify what to look for."));
        }
        self.with_root(|root| {
            let keep = |offer: &Available| words.iter().any(|word| offers_it(offer, word));
            let present = installed(self.work, root)?;
            let mut found: Vec<_> = present.into_iter().filter(keep).collect();
            found.extend(offers(self.work, root, keep)?);
            if found.is_empty() {
                return Err(nothing(words).hint(
                    "only commonly required files are in the primary metadata: those in /usr/bin, /usr/sbin, /etc",
                ));
            }
            for offer in found {
                self.say(format!("{} : {}", offer.nvra(), offer.summary));
                self.say(format!("Repo         : {}\n", offer.repo));
            }
            Ok(Status::OK)
        })
    }

    /// `repolist`
    pub fn repolist(&self) -> VerbResult {
        self.with_root(|root| {
            self.say(format!("{:<30} repo name", "repo id"));
            for repo in root.package_manager().repos().enabled() {
                self.say(format!("{:<30} {}", repo.id, repo.name));
            }
            Ok(Status::OK)
        })
    }

    /// `repoinfo [REPO…]`
    pub fn repoinfo(&self, words: &[&str]) -> VerbResult {
        self.with_root(|root| {
            let mut counts: std::collections::BTreeMap<String, u64> = Default::default();
            root.package_manager()
                .available(|offer| *counts.entry(offer.repo).or_default() += 1)
                .map_err(|e| self.work.failure(&e.into()))?;
            for repo in root.package_manager().repos().enabled() {
                if !words.is_empty() && !words.iter().any(|word| glob_matches(word, &repo.id)) {
                    continue;
                }
                let count = counts.get(&repo.id).copied().unwrap_or(0);
                self.say(format!("Repo-id            : {}", repo.id));
                self.say(format!("Repo-name          : {}", repo.name));
                self.say("Repo-status        : enabled");
                self.say(format!("Repo-pkgs          : {count}"));
                self.say("");
            }
            Ok(Status::OK)
        })
    }

    /// `makecache`: metadata are refreshed where that is due.
    pub fn makecache(&self) -> VerbResult {
        self.with_root(|root| {
            root.package_manager()
                .available(|_| ())
                .map_err(|e| self.work.failure(&e.into()))?;
            self.say("Metadata cache created.");
            Ok(Status::OK)
        })
    }

    /// `check`: what the chroot's own rpm says of the dependencies of all that is installed.
    pub fn check(&self) -> VerbResult {
        self.with_root(|root| {
            let words = [
                "rpm",
                "-Va",
                "--nofiles",
                "--nodigest",
                "--nosignature",
                "--noscripts",
            ];
            let argv = words.map(str::to_owned).to_vec();
            let ran = root.quietly(argv).map_err(|e| self.work.failure(&e))?;
            let text = String::from_utf8_lossy(&ran.output);
            let problems: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            problems.iter().for_each(|line| self.say(line));
            if problems.is_empty() {
                return Ok(Status::OK);
            }
            Err(Failure::new(
                ExitCode::PackageManager,
                format!("Error: Check discovered {} problem(s)", problems.len()),
            ))
        })
    }

    /// `history [list|info]`: the layers of the chroot, oldest first.
    pub fn history(&self, words: &[&str]) -> VerbResult {
        if let [verb, ..] = words
            && !["list", "info", "userinstalled"].contains(verb)
        {
            return Err(Failure::new(
                ExitCode::PackageManager,
                format!(
                    "history {verb}: the transactions of a chroot cannot be taken back one by one"
                ),
            )
            .hint("`--snapshot NAME` before, `--rollback-to NAME` after"));
        }
        self.with_root(|root| {
            if words.first() == Some(&"userinstalled") {
                for offer in installed(self.work, root)? {
                    self.say(offer.nvra());
                }
                return Ok(Status::OK);
            }
            let session = root.session().map_err(|e| self.work.failure(&e))?;
            let mut layers: Vec<(String, usize)> = Vec::new();
            for layer in session.below().iter().rev() {
                let count = layer.packages().map_err(Error::from)?.len();
                layers.push((layer.meta().note.clone(), count));
            }
            self.say(format!(
                "{:>6} | {:<60} | {:>8}",
                "ID", "Command line", "Packages"
            ));
            self.say("-".repeat(80));
            for (nth, (note, count)) in layers.iter().enumerate().rev() {
                self.say(format!("{:>6} | {note:<60} | {count:>8}", nth + 1));
            }
            Ok(Status::OK)
        })
    }

    /// `updateinfo`: no repository's advisories are read.
    pub fn advisories(&self) -> VerbResult {
        Err(Failure::new(
            ExitCode::PackageManager,
            "updateinfo: the embedded package manager reads no advisories",
        )
        .hint("`--pm-cmd check-update` lists newer packages; `--install dnf` and `--shell` for the rest"))
    }
}

/// Of `offers`, what is newer than what is installed.
pub fn newer(present: &[Available], offers: Vec<Available>) -> Vec<Available> {
    let old = |offer: &Available| {
        present
            .iter()
            .filter(|p| (&p.name, &p.arch) == (&offer.name, &offer.arch))
            .map(|p| Evr::parse(&p.evr))
            .max()
    };
    offers
        .into_iter()
        .filter(|offer| old(offer).is_some_and(|old| Evr::parse(&offer.evr) > old))
        .collect()
}

/// What dnf's `info` shows.
pub fn details(offer: &Available) -> Vec<String> {
    let full = offer.full_evr();
    let (epoch, evr) = full.split_once(':').unwrap_or(("0", &full));
    let (version, release) = evr.rsplit_once('-').unwrap_or((evr, ""));
    let size = offer.size.to_string();
    [
        ("Name", offer.name.as_str()),
        ("Epoch", epoch),
        ("Version", version),
        ("Release", release),
        ("Architecture", &offer.arch),
        ("Size", &size),
        ("Source", &offer.source_rpm),
        ("Repository", &offer.repo),
        ("Summary", &offer.summary),
    ]
    .into_iter()
    .filter(|(name, value)| !value.is_empty() && (*name, *value) != ("Epoch", "0"))
    .map(|(name, value)| format!("{name:<12} : {value}"))
    .collect()
}

/// Whether a package has a file or offers a capability.
pub fn offers_it(offer: &Available, spec: &str) -> bool {
    offer.is_meant(spec)
        || offer.provides.iter().any(|name| glob_matches(spec, name))
        || offer.files.iter().any(|file| glob_matches(spec, file))
}

pub fn location(work: &Work<'_>, root: &Buildroot, offer: &Available) -> Result<String, Failure> {
    let place = Location {
        href: offer.href.clone(),
        base: offer.base.clone(),
    };
    let url = root
        .package_manager()
        .url(&place, &offer.repo)
        .map_err(|e| work.failure(&e.into()))?;
    Ok(url.unwrap_or_default())
}

/// `%{tag}` replaced; a tag that is not known stays.
pub fn formatted(form: &str, offer: &Available) -> String {
    let full = offer.full_evr();
    let (epoch, evr) = full.split_once(':').unwrap_or(("0", &full));
    let (version, release) = evr.rsplit_once('-').unwrap_or((evr, ""));
    let (size, time) = (offer.size.to_string(), offer.build_time.to_string());
    let mut out = form.to_owned();
    let nvr = format!("{}-{evr}", offer.name);
    let nevra = format!("{}-{}.{}", offer.name, offer.evr, offer.arch);
    let full_nevra = format!("{}-{full}.{}", offer.name, offer.arch);
    for (tag, value) in [
        ("nvr", nvr.as_str()),
        ("nevra", &nevra),
        ("full_nevra", &full_nevra),
        ("name", offer.name.as_str()),
        ("epoch", epoch),
        ("version", version),
        ("release", release),
        ("arch", &offer.arch),
        ("evr", &offer.evr),
        ("repoid", &offer.repo),
        ("reponame", &offer.repo),
        ("size", &size),
        ("buildtime", &time),
        ("summary", &offer.summary),
        ("sourcerpm", &offer.source_rpm),
    ] {
        out = out.replace(&format!("%{{{tag}}}"), value);
    }
    out.replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash() -> Available {
        Available {
            name: "bash".into(),
            evr: "1:5.2-3".into(),
            arch: "x86_64".into(),
            summary: "A shell".into(),
            source_rpm: String::new(),
            build_time: 7,
            size: 9,
            repo: "r".into(),
            href: String::new(),
            base: None,
            provides: vec!["sh".into()],
            files: vec!["/usr/bin/bash".into()],
            relations: Vec::new(),
        }
    }

    #[test]
    fn specs_and_formats_are_read_as_dnf_reads_them() {
        let bash = bash();
        for spec in [
            "bash",
            "ba*",
            "bash.x86_64",
            "bash-5.2-3",
            "bash-1:5.2-3.x86_64",
        ] {
            assert!(bash.is_meant(spec), "{spec}");
        }
        assert!(!bash.is_meant("sh"));
        assert!(offers_it(&bash, "sh") && offers_it(&bash, "/usr/bin/*"));
        assert_eq!(
            formatted("%{name} %{epoch}|%{version}|%{release}\\n%{nope}", &bash),
            "bash 1|5.2|3\n%{nope}"
        );
    }

    #[test]
    fn upgrades_are_the_newest_above_what_is_there() {
        let with = |evr: &str| Available {
            evr: evr.into(),
            ..bash()
        };
        let offers = newest(vec![with("1:5.2-3"), with("1:5.2-4"), with("1:5.2-10")]);
        assert_eq!(offers.len(), 1);
        let found = newer(&[bash()], offers);
        assert_eq!(found[0].evr, "1:5.2-10");
        assert!(newer(&[with("1:6-1")], found).is_empty());
    }

    #[test]
    fn the_first_word_may_name_the_set() {
        let flags = Flags::default();
        assert_eq!(sets(&flags, &["installed", "a"]), (true, false, &["a"][..]));
        assert_eq!(sets(&flags, &["a"]), (true, true, &["a"][..]));
    }
}
