//! Releases of distributions: which state they are in today, and definitions of ones nobody has listed.
//!
//! The dates are in `releases.toml`, of which the first in the configuration directories counts, else the one
//! compiled in. Without a date of today in [`HostFacts`](super::HostFacts) nothing is said about dates.

use std::path::{Path, PathBuf};

use super::{ConfigError, ConfigPlace, LoadRequest, Loader, files};

/// The file with the dates.
pub(super) const FILE: &str = "releases.toml";

/// What can be said of a release on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It came out and is maintained.
    Current,
    /// It lives apart from the development tree and did not come out yet.
    Branched,
    /// It is the development tree, or not made yet.
    Rawhide,
    /// It is maintained no more.
    EndOfLife {
        /// The last day on which it was, as `2026-05-13`.
        last: String,
    },
}

impl State {
    /// One word or a few, for lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Branched => "branched",
            Self::Rawhide => "rawhide",
            Self::EndOfLife { .. } => "end of life",
        }
    }
}

/// A chroot's name in parts: `fedora-43-x86_64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// `fedora`, `centos-stream+epel`.
    pub family: &'a str,
    /// `43`, `15.6`, `rawhide`.
    pub release: &'a str,
    /// `x86_64`.
    pub arch: &'a str,
}

impl<'a> Name<'a> {
    pub fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.strip_prefix("eol/").unwrap_or(name).rsplitn(3, '-');
        let (arch, release, family) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
        };
        (plain(arch) && plain(release) && plain(family)).then_some(Self {
            family,
            release,
            arch,
        })
    }

    /// The numbers of the release, if it is one of numbers: `15.6` is 15 and 6.
    fn numbers(&self) -> Option<Vec<u32>> {
        // Nothing that has releases has reached five digits but those named after years.
        self.release
            .split('.')
            .map(|part| {
                part.parse()
                    .ok()
                    .filter(|_| part.len() < 5 && !part.starts_with('0') || part == "0")
            })
            .collect()
    }
}

/// The dates, read once.
#[derive(Debug, Default)]
pub(super) struct Dates(toml::Table);

impl Dates {
    /// Reads the file of the most important directory that has one.
    pub fn read(request: &LoadRequest) -> Result<Self, ConfigError> {
        let mut dirs = request.chroot_dirs();
        if request.builtin {
            dirs.push(files::BUILTIN.into());
        }
        let Some(path) = dirs
            .into_iter()
            .map(|dir| dir.join(FILE))
            .find(|path| files::exists(path))
        else {
            return Ok(Self::default());
        };
        let table = files::read(&path)?
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::Evaluate {
                place: ConfigPlace::file(&path),
                message: error.message().to_owned(),
            })?;
        Ok(Self(table))
    }

    /// The state of the release a chroot is for, on `today`, if anything is known about it.
    pub fn state(&self, name: &str, today: &str) -> Option<State> {
        let name = Name::parse(name)?;
        let family = match name.family.split('+').next()? {
            "alma" => "almalinux",
            other => other,
        };
        let known = self.0.get(family)?.get(name.release)?;
        let date = |key: &str| known.get(key).and_then(toml::Value::as_str);
        if date("state") == Some("rawhide") {
            return Some(State::Rawhide);
        }
        if today.is_empty() {
            return None;
        }
        Some(match (date("eol"), date("released"), date("branched")) {
            (Some(last), ..) if last < today => State::EndOfLife {
                last: last.to_owned(),
            },
            (_, Some(released), branched) if today < released => match branched {
                Some(branched) if branched <= today => State::Branched,
                _ => State::Rawhide,
            },
            _ => State::Current,
        })
    }
}

/// A listed definition that one of another release can be made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relative {
    /// The `chroots.toml` it is in.
    pub file: PathBuf,
    /// Its name there.
    pub name: String,
}

/// Finds the newest listed release of the same family for the same architecture, if `root` is of a later
/// one than any that is listed. Earlier ones are gone: their repositories have moved.
pub(super) fn relative(
    loader: &mut Loader,
    dirs: &[PathBuf],
    root: &str,
) -> Result<Option<Relative>, ConfigError> {
    let Some(wanted) = Name::parse(root) else {
        return Ok(None);
    };
    let Some(release) = wanted.numbers().filter(|_| !root.starts_with("eol/")) else {
        return Ok(None);
    };
    for dir in dirs {
        let file = dir.join("chroots.toml");
        let Some(chroots) = loader.chroots(&file)? else {
            continue;
        };
        let newest = chroots
            .names()
            .filter_map(|name| {
                let parts = Name::parse(name)?;
                let same = parts.family == wanted.family && parts.arch == wanted.arch;
                // A definition that does not say its release has it in its templates.
                let says = chroots.get(name)?.get("releasever").is_some();
                Some((parts.numbers().filter(|_| same && says)?, name))
            })
            .max();
        if let Some((newest, name)) = newest
            && newest.len() == release.len()
            && newest < release
        {
            return Ok(Some(Relative {
                file,
                name: name.to_owned(),
            }));
        }
    }
    Ok(None)
}

/// What to say of a definition that was made from another's.
pub(super) fn unlisted(root: &str, like: &str) -> String {
    format!(
        "nobody has listed `{root}` yet: it is made like `{like}`; if its repositories are not there, \
         the release is not either"
    )
}

/// What to say of a release past its end.
pub(super) fn ended(root: &str, last: &str) -> String {
    let release = Name::parse(root).map_or(root, |name| {
        let end = root.len() - name.arch.len() - 1;
        &root[..end]
    });
    format!("{release} reached its end of life on {last}; its repositories move to an archive")
}

/// A definition among those mock keeps of ended releases.
pub(super) fn kept(dirs: &[PathBuf], root: &str) -> Option<PathBuf> {
    let at = |dir: &PathBuf| {
        let file = |extension| dir.join("eol").join(format!("{root}.{extension}"));
        ["toml", "cfg"]
            .map(file)
            .into_iter()
            .find(|path| Path::new(path).exists())
    };
    dirs.iter().find_map(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{HostFacts, Level, load};

    fn request(root: &str, today: &str) -> LoadRequest {
        let host = HostFacts {
            arch: "x86_64".into(),
            today: today.into(),
            ..HostFacts::default()
        };
        let mut request = LoadRequest::new(root, host);
        request.system_dirs = Vec::new();
        request
    }

    #[test]
    fn names_have_three_parts() {
        let name = Name::parse("centos-stream+epel-10-x86_64").unwrap();
        assert_eq!(
            (name.family, name.release, name.arch),
            ("centos-stream+epel", "10", "x86_64")
        );
        assert_eq!(name.numbers(), Some(vec![10]));
        assert_eq!(
            Name::parse("fedora-rawhide-x86_64").unwrap().numbers(),
            None
        );
        assert_eq!(Name::parse("../../etc-4-x"), None);
        assert_eq!(Name::parse("fedora-43"), None);
    }

    #[test]
    fn a_later_release_is_made_like_the_newest() {
        for (name, release, like) in [
            ("fedora-46-x86_64", "46", "fedora-45-x86_64"),
            ("centos-stream-11-aarch64", "11", "centos-stream-10-aarch64"),
            ("rocky+epel-11-x86_64", "11", "rocky+epel-10-x86_64"),
            (
                "opensuse-leap-16.1-x86_64",
                "16.1",
                "opensuse-leap-16.0-x86_64",
            ),
        ] {
            let config = load(&request(name, "")).unwrap();
            let settings = config.settings().unwrap();
            let dist = config.get("dist").unwrap().unwrap().to_string();
            assert_eq!(settings.chroot.root, name);
            assert_eq!(settings.repositories.releasever.as_deref(), Some(release));
            assert!(
                dist.contains(release.split('.').next().unwrap()),
                "{}",
                dist
            );
            let said = &config.messages().last().unwrap();
            assert_eq!(said.level, Level::Warning);
            assert!(said.text.contains(like), "{}", said.text);
        }
    }

    #[test]
    fn what_no_release_can_be_is_not_made_up() {
        for name in [
            "fedora-38-x86_64",
            "fedora-46-vax",
            "fedora-4x-x86_64",
            "fedroa-46-x86_64",
            "fedora-46.1-x86_64",
            "fedora-046-x86_64",
            "fedora-123456-x86_64",
        ] {
            assert!(load(&request(name, "")).is_err(), "{name}");
        }
    }

    #[test]
    fn states_go_by_the_day() {
        let dates = Dates::read(&request("", "")).unwrap();
        let state = |name: &str, today: &str| dates.state(name, today).map(|state| state.word());
        assert_eq!(state("fedora-43-x86_64", "2026-12-09"), Some("current"));
        assert_eq!(state("fedora-43-x86_64", "2026-12-10"), Some("end of life"));
        assert_eq!(state("fedora-46-x86_64", "2026-11-26"), Some("rawhide"));
        assert_eq!(state("fedora-46-x86_64", "2027-03-01"), Some("branched"));
        assert_eq!(state("fedora-46-x86_64", "2027-05-01"), Some("current"));
        assert_eq!(
            state("alma+epel-8-x86_64", "2029-06-01"),
            Some("end of life")
        );
        assert_eq!(state("fedora-rawhide-x86_64", ""), Some("rawhide"));
        assert_eq!(state("fedora-43-x86_64", ""), None);
        assert_eq!(state("mine-1-x86_64", "2026-11-26"), None);
    }

    #[test]
    fn an_ended_release_is_told_and_its_old_definition_found() {
        let config = load(&request("fedora-42-x86_64", "2026-11-26")).unwrap();
        let said = &config.messages().last().unwrap();
        assert_eq!(said.level, Level::Warning);
        assert!(
            said.text
                .contains("fedora-42 reached its end of life on 2026-05-13"),
            "{}",
            said.text
        );

        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("eol")).unwrap();
        std::fs::write(dir.path().join("eol/fedora-30-x86_64.cfg"), "").unwrap();
        let mut request = request("fedora-30-x86_64", "2026-11-26");
        request.configdir = Some(dir.path().to_owned());
        let hints = load(&request).unwrap_err().hints();
        assert!(
            hints
                .iter()
                .any(|hint| hint.0.contains("eol/fedora-30-x86_64")),
            "{hints:?}"
        );
    }

    #[test]
    fn the_table_has_dates_that_can_be_compared() {
        let dates = Dates::read(&request("", "")).unwrap();
        let day = |text: &str| {
            let parts: Vec<usize> = text.split('-').map(str::len).collect();
            parts == [4, 2, 2] && text.chars().all(|c| c.is_ascii_digit() || c == '-')
        };
        assert!(day(dates.0["as_of"].as_str().unwrap()));
        for (family, releases) in dates.0.iter().filter(|(_, value)| value.is_table()) {
            for (release, facts) in releases.as_table().unwrap() {
                for (key, value) in facts.as_table().unwrap() {
                    let value = value.as_str().unwrap();
                    let fits = match key.as_str() {
                        "state" => value == "rawhide",
                        "eol" | "branched" | "released" => day(value),
                        _ => false,
                    };
                    assert!(fits, "{family} {release}: {key} = {value}");
                }
            }
        }
    }
}
