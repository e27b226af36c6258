//! Options of dnf's that the verbs of the embedded package manager take.

use rpmkit_cli::Failure;
use rpmkit_core::{config::Settings, solve::Relation};

/// What options ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub best: Option<bool>,
    pub weak_deps: Option<bool>,
    pub excludes: Vec<String>,
    /// Resolve, show what would be done, and stop.
    pub assume_no: bool,
    /// What only the removed needed stays.
    pub keep_unneeded: bool,
    /// Download, and stop.
    pub download_only: bool,
    pub skip_unavailable: bool,
    pub allow_erasing: Option<bool>,
    /// Lines for the configuration: section, and `key=value`.
    pub setopts: Vec<(String, String)>,
    /// `--enablerepo X`, `--disablerepo X`.
    pub repo_switches: Vec<String>,
    pub releasever: Option<String>,
    /// Where `download` puts files.
    pub destdir: Option<String>,
    /// Only the address of each file.
    pub url_only: bool,
    /// Dependencies as well.
    pub resolve: bool,
    pub installed: bool,
    pub available: bool,
    pub upgrades: bool,
    pub extras: bool,
    pub all_versions: bool,
    pub hidden: bool,
    pub query: QueryFlags,
}

/// What `repoquery` is asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct QueryFlags {
    pub format: Option<String>,
    /// What to show of each package instead of its name.
    pub show: Option<Shown>,
    /// Only packages with such a relation to such a capability.
    pub what: Vec<(Relation, String)>,
    pub arch: Vec<String>,
    pub repos: Vec<String>,
    pub file: Option<String>,
    /// The newest so many versions of each; without the oldest so many, if negative.
    pub latest: Option<i64>,
    pub recursive: bool,
    /// Capabilities themselves, and not what packages of that name offer.
    pub exact: bool,
}

/// A part of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Relation(Relation),
    Files,
    Info,
    Location,
    Source,
    Nvr,
    Envra,
}

/// Options that change nothing here: nobody is asked, nothing is coloured, no plugins are loaded.
const NOTHING: [&str; 20] = [
    "-y",
    "--assumeyes",
    "-q",
    "--quiet",
    "-v",
    "--verbose",
    "-b",
    "--refresh",
    "--noplugins",
    "--nobest-candidate",
    "--skip-broken",
    "--nogpgcheck-cache",
    "--color=auto",
    "--color=never",
    "--color=always",
    "--use-host-config",
    "--no-docs-cache",
    "--alldeps",
    "--cacheonly",
    "-C",
];

/// Options with a value that change nothing here.
const NOTHING_VALUED: [&str; 10] = [
    "-d",
    "--debuglevel",
    "-e",
    "--errorlevel",
    "--rpmverbosity",
    "--comment",
    "--disableplugin",
    "--enableplugin",
    "-R",
    "--randomwait",
];

/// Takes the options out of the words.
pub fn read(all: &[String]) -> Result<(Flags, Vec<String>), Failure> {
    let mut flags = Flags::default();
    let mut words = Vec::new();
    let mut rest = all.iter();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') || word == "-" {
            words.push(word.clone());
            continue;
        }
        let (name, glued) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        if NOTHING.contains(&word.as_str()) {
            continue;
        }
        let mut value = || {
            glued
                .clone()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| {
                    Failure::command_line(format!(
                        "option `{name}` of the package manager needs a value"
                    ))
                })
        };
        if NOTHING_VALUED.contains(&name) {
            value()?;
            continue;
        }
        let query = &mut flags.query;
        match name {
            "--noautoremove" | "--no-autoremove" => flags.keep_unneeded = true,
            "--assumeno" => flags.assume_no = true,
            "--downloadonly" => flags.download_only = true,
            "--best" => flags.best = Some(true),
            "--nobest" | "--no-best" => flags.best = Some(false),
            "--allowerasing" => flags.allow_erasing = Some(true),
            "--skip-unavailable" => flags.skip_unavailable = true,
            "-x" | "--exclude" | "--excludepkgs" => {
                flags
                    .excludes
                    .extend(value()?.split(',').map(str::to_owned));
            }
            "--setopt" => setopt(&mut flags, &value()?)?,
            "--nodocs" => flags.setopts.push(main("tsflags=nodocs")),
            "--nogpgcheck" | "--no-gpgchecks" => flags.setopts.push(main("gpgcheck=0")),
            "--disableexcludes" | "--disableexcludepkgs" => {
                let value = value()?;
                flags
                    .setopts
                    .push(main(&format!("disable_excludes={value}")));
            }
            "--enablerepo" | "--enable-repo" => {
                flags
                    .repo_switches
                    .extend(["--enablerepo".to_owned(), value()?]);
            }
            "--disablerepo" | "--disable-repo" => {
                flags
                    .repo_switches
                    .extend(["--disablerepo".to_owned(), value()?]);
            }
            "--repo" | "--repoid" => {
                let value = value()?;
                if query.repos.is_empty() {
                    flags
                        .repo_switches
                        .extend(["--disablerepo".to_owned(), "*".to_owned()]);
                }
                for repo in value.split(',') {
                    flags
                        .repo_switches
                        .extend(["--enablerepo".to_owned(), repo.to_owned()]);
                    query.repos.push(repo.to_owned());
                }
            }
            "--releasever" => flags.releasever = Some(value()?),
            "--destdir" | "--downloaddir" => flags.destdir = Some(value()?),
            "--url" | "--urls" => flags.url_only = true,
            "--resolve" => flags.resolve = true,
            "--installed" => flags.installed = true,
            "--available" => flags.available = true,
            "--all" => (flags.installed, flags.available) = (true, true),
            "--upgrades" | "--updates" => flags.upgrades = true,
            "--extras" => flags.extras = true,
            "--showduplicates" => flags.all_versions = true,
            "--hidden" => flags.hidden = true,
            "--qf" | "--queryformat" => query.format = Some(value()?),
            "--location" => query.show = Some(Shown::Location),
            "-l" | "--list" | "--files" => query.show = Some(Shown::Files),
            "-i" | "--info" => query.show = Some(Shown::Info),
            "-s" | "--source" | "--sourcerpm" => query.show = Some(Shown::Source),
            "--nvr" => query.show = Some(Shown::Nvr),
            "--envra" => query.show = Some(Shown::Envra),
            "--nevra" => query.show = None,
            "--file" | "-f" => query.file = Some(value()?),
            "--arch" | "--archlist" => {
                query.arch.extend(value()?.split(',').map(str::to_owned));
            }
            "--latest-limit" | "--latestlimit" => {
                let text = value()?;
                let number = text.parse().map_err(|_| {
                    Failure::command_line(format!("option `{name}`: `{text}` is no number"))
                })?;
                query.latest = Some(number);
            }
            "--recursive" => query.recursive = true,
            "--exactdeps" => query.exact = true,
            _ => match (relation(name), asked(name)) {
                (Some(relation), _) => query.show = Some(Shown::Relation(relation)),
                (_, Some(relation)) => {
                    let value = value()?;
                    query.what.extend(
                        value
                            .split(',')
                            .map(|one| (relation, one.trim().to_owned())),
                    );
                }
                _ => {
                    return Err(Failure::command_line(format!(
                        "the embedded package manager does not know the option `{word}`"
                    ))
                    .hint("`--install dnf`, and run that one with `--shell`"));
                }
            },
        }
    }
    Ok((flags, words))
}

/// `--requires` and its like.
fn relation(option: &str) -> Option<Relation> {
    Some(match option {
        "--requires" => Relation::Requires,
        "--provides" => Relation::Provides,
        "--conflicts" => Relation::Conflicts,
        "--obsoletes" => Relation::Obsoletes,
        "--recommends" => Relation::Recommends,
        "--suggests" => Relation::Suggests,
        "--supplements" => Relation::Supplements,
        "--enhances" => Relation::Enhances,
        _ => return None,
    })
}

/// `--whatrequires` and its like.
fn asked(option: &str) -> Option<Relation> {
    relation(&format!("--{}", option.strip_prefix("--what")?))
}

fn main(line: &str) -> (String, String) {
    ("main".to_owned(), line.to_owned())
}

/// `--setopt [REPO.]KEY=VALUE`, a line of the configuration.
fn setopt(flags: &mut Flags, text: &str) -> Result<(), Failure> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(Failure::command_line(format!(
            "option `--setopt`: `{text}` is not KEY=VALUE"
        )));
    };
    let on = ["1", "true", "True", "yes", "on"].contains(&value);
    match key.rsplit_once('.') {
        Some((repo, key)) => flags
            .setopts
            .push((repo.to_owned(), format!("{key}={value}"))),
        None => {
            match key {
                "best" => flags.best = Some(on),
                "install_weak_deps" => flags.weak_deps = Some(on),
                _ => {}
            }
            flags.setopts.push(main(text));
        }
    }
    Ok(())
}

impl Flags {
    /// The settings of the run with what options change in them.
    pub fn apply(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        let repositories = &mut settings.repositories;
        for (section, line) in &self.setopts {
            let text = format!("\n[{section}]\n{line}\n");
            repositories.dnf_conf.push_str(&text);
        }
        let switches = self.repo_switches.iter().cloned();
        repositories.enable_disable_repos.extend(switches);
        if let Some(release) = &self.releasever {
            repositories.releasever = Some(release.clone());
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn flags(words: &[&str]) -> Result<(Flags, Vec<String>), Failure> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        read(&words)
    }

    #[test]
    fn options_stand_anywhere() {
        let (flags, words) = flags(&[
            "-y",
            "install",
            "--setopt=install_weak_deps=0",
            "a",
            "-x",
            "b,c",
            "--nobest",
            "--assumeno",
        ])
        .unwrap();
        assert_eq!(words, ["install", "a"]);
        assert_eq!(flags.weak_deps, Some(false));
        assert_eq!(flags.best, Some(false));
        assert_eq!(flags.excludes, ["b", "c"]);
        assert!(flags.assume_no);
    }

    #[test]
    fn queries_are_read() {
        let (flags, words) = flags(&[
            "repoquery",
            "--whatrequires",
            "libc, x",
            "--requires",
            "--latest-limit=1",
        ])
        .unwrap();
        assert_eq!(words, ["repoquery"]);
        assert_eq!(
            flags.query.what,
            [
                (Relation::Requires, "libc".to_owned()),
                (Relation::Requires, "x".to_owned())
            ]
        );
        assert_eq!(flags.query.show, Some(Shown::Relation(Relation::Requires)));
        assert_eq!(flags.query.latest, Some(1));
    }

    #[test]
    fn options_of_the_configuration_become_its_lines() {
        let (flags, _) =
            flags(&["install", "--setopt=tsflags=nodocs", "--setopt", "r.cost=3"]).unwrap();
        assert_eq!(
            flags.setopts,
            [
                ("main".to_owned(), "tsflags=nodocs".to_owned()),
                ("r".to_owned(), "cost=3".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_named() {
        let failure = flags(&["install", "--frobnicate", "a"]).unwrap_err();
        assert!(failure.message.contains("`--frobnicate`"), "{failure}");
        assert_eq!(failure.code, 5);
        assert!(flags(&["repoquery", "--qf"]).is_err());
        assert!(flags(&["install", "--setopt=x"]).is_err());
    }
}
