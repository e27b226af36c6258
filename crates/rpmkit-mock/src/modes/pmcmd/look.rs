//! Verbs that only look. What they find is data, on standard output.

use rpmkit_cli::{Context, Failure, Status, VerbResult};
use rpmkit_core::{
    Error, ExitCode,
    build::{Buildroot, ChrootAccess},
    solve::{Available, glob_matches},
    types::Location,
};

use super::{super::work::Work, Flags};

/// Calls `body` with the prepared chroot, which stays as it is.
fn with_root(
    cx: &Context,
    work: &Work<'_>,
    body: impl FnOnce(&mut Buildroot) -> Result<(), Failure>,
) -> VerbResult {
    work.open_logs(cx)?;
    let mut root = work.prepared(cx, ChrootAccess::JoinOrEphemeral)?;
    let outcome = body(&mut root);
    let closed = root.close();
    outcome?;
    closed.map_err(Error::from)?;
    Ok(Status::OK)
}

/// What is on offer and `keep` wants, by name and version.
fn offers(
    work: &Work<'_>,
    root: &Buildroot,
    keep: impl Fn(&Available) -> bool,
) -> Result<Vec<Available>, Failure> {
    let mut found = Vec::new();
    root.package_manager()
        .available(|offer| {
            if keep(&offer) {
                found.push(offer);
            }
        })
        .map_err(|e| work.failure(&e.into()))?;
    found.sort_by(|a, b| (&a.name, &a.arch, &a.evr).cmp(&(&b.name, &b.arch, &b.evr)));
    Ok(found)
}

fn nothing(words: &[&str]) -> Failure {
    Failure::new(
        ExitCode::PackageManager,
        format!("nothing matches `{}`", words.join(" ")),
    )
}

/// Installed packages as rows of the same kind.
fn installed(work: &Work<'_>, root: &mut Buildroot) -> Result<Vec<Available>, Failure> {
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
        })
        .collect())
}

fn wanted(words: &[&str]) -> impl Fn(&Available) -> bool {
    move |offer: &Available| words.is_empty() || words.iter().any(|word| offer.is_meant(word))
}

/// Which of the two sets a list is of: both unless one is named, by an option or the first word.
fn sets<'a>(flags: &Flags, words: &'a [&'a str]) -> (bool, bool, &'a [&'a str]) {
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

/// `list [--installed|--available] [SPEC…]`
pub fn list(cx: &Context, work: &Work<'_>, flags: &Flags, words: &[&str]) -> VerbResult {
    let (here, there, words) = sets(flags, words);
    with_root(cx, work, |root| {
        let keep = wanted(words);
        let row = |offer: &Available| {
            let name = format!("{}.{}", offer.name, offer.arch);
            cx.printer
                .data(format!("{name:<45} {:<30} {}", offer.evr, offer.repo));
        };
        let present = installed(work, root)?;
        let mut any = false;
        if here {
            let shown: Vec<_> = present.iter().filter(|offer| keep(offer)).collect();
            if !shown.is_empty() {
                any = true;
                cx.printer.data("Installed Packages");
                shown.into_iter().for_each(row);
            }
        }
        if there {
            let mut shown = offers(work, root, &keep)?;
            // As dnf: what is installed already is not listed again.
            shown.retain(|offer| !present.iter().any(|p| p.nvra() == offer.nvra()));
            if !shown.is_empty() {
                any = true;
                cx.printer.data("Available Packages");
                shown.iter().for_each(row);
            }
        }
        if any { Ok(()) } else { Err(nothing(words)) }
    })
}

/// `info [SPEC…]`
pub fn info(cx: &Context, work: &Work<'_>, flags: &Flags, words: &[&str]) -> VerbResult {
    let (here, there, words) = sets(flags, words);
    with_root(cx, work, |root| {
        let keep = wanted(words);
        let mut shown: Vec<Available> = Vec::new();
        if here {
            shown.extend(
                installed(work, root)?
                    .into_iter()
                    .filter(|offer| keep(offer)),
            );
        }
        if there {
            shown.extend(offers(work, root, &keep)?);
        }
        if shown.is_empty() {
            return Err(nothing(words));
        }
        for offer in shown {
            let full = offer.full_evr();
            let (epoch, evr) = full.split_once(':').unwrap_or(("0", &full));
            let (version, release) = evr.rsplit_once('-').unwrap_or((evr, ""));
            let size = offer.size.to_string();
            for (name, value) in [
                ("Name", offer.name.as_str()),
                ("Epoch", epoch),
                ("Version", version),
                ("Release", release),
                ("Architecture", &offer.arch),
                ("Size", &size),
                ("Source", &offer.source_rpm),
                ("Repository", &offer.repo),
                ("Summary", &offer.summary),
            ] {
                if !value.is_empty() && (name, value) != ("Epoch", "0") {
                    cx.printer.data(format!("{name:<12} : {value}"));
                }
            }
            cx.printer.data("");
        }
        Ok(())
    })
}

/// `search WORD…`: in names and summaries, all words, without regard to case.
pub fn search(cx: &Context, work: &Work<'_>, words: &[&str]) -> VerbResult {
    if words.is_empty() {
        return Err(Failure::usage("You must specify what to search."));
    }
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    with_root(cx, work, |root| {
        let found = offers(work, root, |offer| {
            let text = format!("{}\n{}", offer.name, offer.summary).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        })?;
        if found.is_empty() {
            return Err(nothing(
                &words.iter().map(String::as_str).collect::<Vec<_>>(),
            ));
        }
        for offer in found {
            cx.printer
                .data(format!("{}.{} : {}", offer.name, offer.arch, offer.summary));
        }
        Ok(())
    })
}

/// Whether a package has a file or offers a capability.
fn offers_it(offer: &Available, spec: &str) -> bool {
    offer.is_meant(spec)
        || offer.provides.iter().any(|name| glob_matches(spec, name))
        || offer.files.iter().any(|file| glob_matches(spec, file))
}

/// `provides SPEC…`: names, capabilities, and the files that primary metadata lists.
pub fn provides(cx: &Context, work: &Work<'_>, words: &[&str]) -> VerbResult {
    if words.is_empty() {
        return Err(Failure::usage("You must specify what to look for."));
    }
    with_root(cx, work, |root| {
        let keep = |offer: &Available| words.iter().any(|word| offers_it(offer, word));
        let mut found: Vec<_> = installed(work, root)?.into_iter().filter(keep).collect();
        found.extend(offers(work, root, keep)?);
        if found.is_empty() {
            return Err(nothing(words).hint(
                "only commonly required files are in the primary metadata: those in /usr/bin, /usr/sbin, /etc",
            ));
        }
        for offer in found {
            cx.printer
                .data(format!("{} : {}", offer.nvra(), offer.summary));
            cx.printer.data(format!("Repo         : {}\n", offer.repo));
        }
        Ok(())
    })
}

/// `repoquery [--installed] [--qf FORMAT] [--location] [--whatprovides SPEC] [SPEC…]`
pub fn repoquery(cx: &Context, work: &Work<'_>, flags: &Flags, words: &[&str]) -> VerbResult {
    with_root(cx, work, |root| {
        let meant = wanted(words);
        let keep = |offer: &Available| {
            meant(offer)
                && flags
                    .what_provides
                    .as_ref()
                    .is_none_or(|spec| offers_it(offer, spec))
        };
        let found: Vec<Available> = if flags.installed {
            installed(work, root)?.into_iter().filter(keep).collect()
        } else {
            offers(work, root, keep)?
        };
        let mut lines: Vec<String> = Vec::new();
        for offer in &found {
            lines.push(if flags.location {
                location(work, root, offer)?
            } else {
                let form = flags.query_format.as_deref();
                formatted(
                    form.unwrap_or("%{name}-%{epoch}:%{version}-%{release}.%{arch}"),
                    offer,
                )
            });
        }
        lines.dedup();
        lines.iter().for_each(|line| cx.printer.data(line));
        Ok(())
    })
}

fn location(work: &Work<'_>, root: &Buildroot, offer: &Available) -> Result<String, Failure> {
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
fn formatted(form: &str, offer: &Available) -> String {
    let full = offer.full_evr();
    let (epoch, evr) = full.split_once(':').unwrap_or(("0", &full));
    let (version, release) = evr.rsplit_once('-').unwrap_or((evr, ""));
    let (size, time) = (offer.size.to_string(), offer.build_time.to_string());
    let mut out = form.to_owned();
    for (tag, value) in [
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

/// `repolist`
pub fn repolist(cx: &Context, work: &Work<'_>) -> VerbResult {
    with_root(cx, work, |root| {
        cx.printer.data(format!("{:<30} repo name", "repo id"));
        for repo in root.package_manager().repos().enabled() {
            cx.printer.data(format!("{:<30} {}", repo.id, repo.name));
        }
        Ok(())
    })
}

/// `makecache`: metadata are refreshed where that is due.
pub fn makecache(cx: &Context, work: &Work<'_>) -> VerbResult {
    with_root(cx, work, |root| offers(work, root, |_| false).map(drop))
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
    fn the_first_word_may_name_the_set() {
        let flags = Flags::default();
        assert_eq!(sets(&flags, &["installed", "a"]), (true, false, &["a"][..]));
        assert_eq!(sets(&flags, &["a"]), (true, true, &["a"][..]));
    }
}
