//! Reading a spec that rpm has already expanded (`rpmspec -P`): no macros and no conditions are
//! left, so the few facts needed here can be read off its lines.

use std::path::Path;

use super::SrpmError;

/// `Source` or `Patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// `SourceN:`
    Source,
    /// `PatchN:`
    Patch,
}

/// One source or patch of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecSource {
    /// Which of the two.
    pub kind: SourceKind,
    /// Its number, as rpm counts.
    pub number: u32,
    /// File name, path or URL, as written.
    pub text: String,
}

impl SpecSource {
    /// The file rpmbuild looks for in `_sourcedir`: what follows the last slash. A URL's
    /// `#/name` thereby gives the name.
    pub fn file_name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or(&self.text)
    }

    /// Whether it can be downloaded.
    pub fn is_url(&self) -> bool {
        ["http://", "https://", "ftp://", "file://"]
            .iter()
            .any(|scheme| self.text.starts_with(scheme))
    }

    /// `Source0`, `Patch12`.
    pub fn tag(&self) -> String {
        match self.kind {
            SourceKind::Source => format!("Source{}", self.number),
            SourceKind::Patch => format!("Patch{}", self.number),
        }
    }
}

/// How `%prep` unpacks the main source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setup {
    /// The directory it enters.
    dir: Option<String>,
    /// Whether it makes that directory itself (`-c`).
    creates: bool,
}

/// What an expanded spec says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandedSpec {
    /// `Name:`
    pub name: String,
    /// `Epoch:`, if any.
    pub epoch: Option<String>,
    /// `Version:`
    pub version: String,
    /// `Release:`; empty when the spec has none.
    pub release: String,
    /// Sources and patches by kind and number.
    pub sources: Vec<SpecSource>,
    /// `BuildRequires:` lines, not split.
    pub build_requires: Vec<String>,
    setup: Option<Setup>,
}

impl ExpandedSpec {
    /// Reads `text`; `spec` only names it in errors.
    ///
    /// # Errors
    /// [`SrpmError::NoTag`] when there is no name or version.
    pub fn parse(text: &str, spec: &Path) -> Result<Self, SrpmError> {
        let mut reader = SpecReader::default();
        for line in text.lines() {
            reader.line(line);
        }
        let need = |value: Option<String>, tag| {
            value.ok_or_else(|| SrpmError::NoTag {
                spec: spec.to_owned(),
                tag,
            })
        };
        let mut sources = reader.sources;
        sources.sort_by_key(|source| (source.kind, source.number));
        Ok(Self {
            name: need(reader.name, "Name")?,
            version: need(reader.version, "Version")?,
            epoch: reader.epoch,
            release: reader.release.unwrap_or_default(),
            sources,
            build_requires: reader.build_requires,
            setup: reader.setup,
        })
    }

    /// The source that is the project itself: the one with the lowest number, if it is an archive.
    pub fn main_source(&self) -> Option<&SpecSource> {
        self.sources
            .iter()
            .find(|source| source.kind == SourceKind::Source)
            .filter(|source| looks_like_archive(source.file_name()))
    }

    /// The directory everything in the main source must be under for `%prep` to find it:
    /// what `%setup` enters, `NAME-VERSION` if it does not say, nothing for `%setup -c`.
    pub fn archive_prefix(&self) -> String {
        let usual = || format!("{}-{}", self.name, self.version);
        match &self.setup {
            Some(setup) if setup.creates => String::new(),
            Some(Setup { dir: Some(dir), .. }) => {
                // `-n dir/sub` enters a sub-directory of what the archive unpacks to.
                dir.trim_start_matches("./")
                    .split('/')
                    .next()
                    .unwrap_or(dir)
                    .to_owned()
            }
            _ => usual(),
        }
    }
}

/// Whether a name ends like an archive.
fn looks_like_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains(".tar")
        || [
            ".tgz", ".tbz", ".tbz2", ".txz", ".tlz", ".tzst", ".zip", ".crate", ".gem", ".7z",
            ".jar",
        ]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum SpecSection {
    #[default]
    Preamble,
    SourceList,
    PatchList,
    Prep,
    Other,
}

#[derive(Default)]
struct SpecReader {
    section: SpecSection,
    name: Option<String>,
    epoch: Option<String>,
    version: Option<String>,
    release: Option<String>,
    sources: Vec<SpecSource>,
    build_requires: Vec<String>,
    setup: Option<Setup>,
}

/// Words that begin a section, with what it holds.
const SECTIONS: &[&str] = &[
    "%description",
    "%prep",
    "%conf",
    "%generate_buildrequires",
    "%build",
    "%install",
    "%check",
    "%clean",
    "%pre",
    "%post",
    "%preun",
    "%postun",
    "%pretrans",
    "%posttrans",
    "%preuntrans",
    "%postuntrans",
    "%trigger",
    "%triggerin",
    "%triggerun",
    "%triggerpostun",
    "%triggerprein",
    "%filetriggerin",
    "%filetriggerun",
    "%filetriggerpostun",
    "%transfiletriggerin",
    "%transfiletriggerun",
    "%transfiletriggerpostun",
    "%verifyscript",
    "%files",
    "%changelog",
    "%sepolicy",
];

impl SpecReader {
    fn line(&mut self, line: &str) {
        let word = line.split_whitespace().next().unwrap_or_default();
        match word {
            "%package" => self.section = SpecSection::Preamble,
            "%sourcelist" => self.section = SpecSection::SourceList,
            "%patchlist" => self.section = SpecSection::PatchList,
            "%prep" => self.section = SpecSection::Prep,
            word if SECTIONS.contains(&word) => self.section = SpecSection::Other,
            _ => match self.section {
                SpecSection::Preamble => self.tag(line),
                SpecSection::SourceList => self.listed(SourceKind::Source, line),
                SpecSection::PatchList => self.listed(SourceKind::Patch, line),
                SpecSection::Prep => self.prep(line),
                SpecSection::Other => {}
            },
        }
    }

    fn tag(&mut self, line: &str) {
        let Some((tag, value)) = line.split_once(':') else {
            return;
        };
        let tag = tag.trim().to_ascii_lowercase();
        let value = value.trim();
        // Sub-packages may have a version of their own; the first one is the package's.
        let first = |slot: &mut Option<String>| {
            slot.get_or_insert_with(|| value.to_owned());
        };
        match tag.as_str() {
            "name" => first(&mut self.name),
            "epoch" => first(&mut self.epoch),
            "version" => first(&mut self.version),
            "release" => first(&mut self.release),
            "buildrequires" | "buildprereq" => self.build_requires.push(value.to_owned()),
            _ => {
                for (word, kind) in [("source", SourceKind::Source), ("patch", SourceKind::Patch)] {
                    if let Some(number) = tag.strip_prefix(word) {
                        self.source(kind, number, value);
                    }
                }
            }
        }
    }

    fn source(&mut self, kind: SourceKind, number: &str, value: &str) {
        let number = if number.is_empty() {
            self.next_number(kind)
        } else if let Ok(number) = number.parse() {
            number
        } else {
            return;
        };
        self.sources.push(SpecSource {
            kind,
            number,
            text: value.to_owned(),
        });
    }

    fn listed(&mut self, kind: SourceKind, line: &str) {
        let text = line.trim();
        if !text.is_empty() && !text.starts_with('#') {
            let number = self.next_number(kind);
            self.sources.push(SpecSource {
                kind,
                number,
                text: text.to_owned(),
            });
        }
    }

    /// A source without a number has the one after the last (rpm 4.15 and later).
    fn next_number(&self, kind: SourceKind) -> u32 {
        self.sources
            .iter()
            .rfind(|source| source.kind == kind)
            .map_or(0, |source| source.number.saturating_add(1))
    }

    fn prep(&mut self, line: &str) {
        if self.setup.is_some() {
            return;
        }
        let words = shlex::split(line).unwrap_or_default();
        match words.first().map(String::as_str) {
            Some("%setup" | "%autosetup") => {
                let mut setup = Setup {
                    dir: None,
                    creates: false,
                };
                let mut words = words.iter().skip(1);
                while let Some(word) = words.next() {
                    match word.as_str() {
                        "-n" => setup.dir = words.next().cloned(),
                        "-c" => setup.creates = true,
                        word if word.starts_with("-n") => setup.dir = Some(word[2..].to_owned()),
                        _ => {}
                    }
                }
                self.setup = Some(setup);
            }
            // rpm 4.20 and later expand %setup itself: remove the directory, make it only for
            // `-c`, unpack, enter. What is entered after an unpacking is what counts.
            Some("cd") if words.len() == 2 && !words[1].starts_with('/') => {
                self.setup = Some(Setup {
                    dir: Some(words[1].clone()),
                    creates: false,
                });
            }
            Some("mkdir") if words.len() >= 2 && words.iter().any(|word| word == "-p") => {
                // `mkdir -p NAME` of the same directory, before `cd NAME`: that is `-c`.
                if let Some(dir) = words.last().filter(|dir| !dir.contains('/')) {
                    self.setup = Some(Setup {
                        dir: Some(dir.clone()),
                        creates: true,
                    });
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    fn parse(text: &str) -> ExpandedSpec {
        ExpandedSpec::parse(text, Path::new("x.spec")).unwrap()
    }

    #[test]
    fn preamble_and_sections_are_read() {
        let spec = parse(
            "Name: a\nVersion:\t1.2\nRelease: 3.fc40\nSource: https://x/y/v1.tar.gz#/a-1.2.tar.gz\n\
             Source5: b.conf\nSource: c.conf\nPatch1: one.patch\n%description\nVersion: no\n\
             %package sub\nVersion: 9\nSource10: ten\n%patchlist\ntwo.patch\n# no\n\n%prep\n%setup -q -n a-1.2\n\
             %build\nSource99: no\n",
        );
        assert_eq!((spec.name.as_str(), spec.version.as_str()), ("a", "1.2"));
        let tags: Vec<_> = spec
            .sources
            .iter()
            .map(|source| format!("{} {}", source.tag(), source.file_name()))
            .collect();
        assert_eq!(
            tags,
            [
                "Source0 a-1.2.tar.gz",
                "Source5 b.conf",
                "Source6 c.conf",
                "Source10 ten",
                "Patch1 one.patch",
                "Patch2 two.patch"
            ]
        );
        assert_eq!(spec.main_source().unwrap().number, 0);
        assert_eq!(spec.archive_prefix(), "a-1.2");
    }

    #[test]
    fn the_prefix_is_read_in_every_form() {
        let of =
            |prep: &str| parse(&format!("Name: a\nVersion: 1\n%prep\n{prep}\n")).archive_prefix();
        assert_eq!(of(""), "a-1");
        assert_eq!(of("%setup -q"), "a-1");
        assert_eq!(of("%setup -q -n 'b c'"), "b c");
        assert_eq!(of("%autosetup -p1 -n b/src"), "b");
        assert_eq!(of("%setup -q -c"), "");
        assert_eq!(
            of("cd '/builddir/build/BUILD/a-build'\nrm -rf 'foo'\ntar -xof x\ncd 'foo'"),
            "foo"
        );
        assert_eq!(
            of("cd '/b'\nrm -rf 'foo'\n/usr/bin/mkdir -p 'foo'\nmkdir -p foo\ncd foo"),
            ""
        );
    }

    #[test]
    fn names_are_needed() {
        let error = ExpandedSpec::parse("Version: 1\n", Path::new("x.spec")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "spec `x.spec` has no `Name:` once expanded"
        );
    }
}
