//! What the repositories offer, as a plain list: for the verbs and plugins that look and do not solve.

use rpmkit_solv::DepKind;
use rpmkit_types::MAX_METADATA;

use super::{SolveError, SolveRepo, XmlError, glob_matches, load::open, primary};

/// One package on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// Name.
    pub name: String,
    /// `[epoch:]version-release`, a zero epoch left out.
    pub evr: String,
    /// Architecture.
    pub arch: String,
    /// One line about it.
    pub summary: String,
    /// Source package.
    pub source_rpm: String,
    /// Seconds since 1970.
    pub build_time: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Id of the repository.
    pub repo: String,
    /// Path of the file below the repository.
    pub href: String,
    /// Address the path starts from when it is not the repository's own.
    pub base: Option<String>,
    /// Capabilities offered, with versions as dependencies have them.
    pub provides: Vec<String>,
    /// Files that primary metadata lists.
    pub files: Vec<String>,
    /// What it needs, refuses and so on, provides included, as dnf shows them: `name >= version`. Empty
    /// unless they were asked for.
    pub relations: Vec<(Relation, String)>,
}

/// How a package stands to a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It offers it.
    Provides,
    /// It needs it.
    Requires,
    /// It cannot be beside it.
    Conflicts,
    /// It replaces it.
    Obsoletes,
    /// It should have it.
    Recommends,
    /// It may have it.
    Suggests,
    /// It should come with it.
    Supplements,
    /// It may come with it.
    Enhances,
}

impl Relation {
    fn of(kind: DepKind) -> Self {
        match kind {
            DepKind::Provides => Self::Provides,
            DepKind::Requires | DepKind::PreRequires => Self::Requires,
            DepKind::Conflicts => Self::Conflicts,
            DepKind::Obsoletes => Self::Obsoletes,
            DepKind::Recommends => Self::Recommends,
            DepKind::Suggests => Self::Suggests,
            DepKind::Supplements => Self::Supplements,
            DepKind::Enhances => Self::Enhances,
        }
    }
}

impl Available {
    /// `epoch:version-release`, with the epoch in any case.
    pub fn full_evr(&self) -> String {
        let epoch = self.evr.split_once(':').map(|(epoch, _)| epoch);
        match epoch.filter(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())) {
            Some(_) => self.evr.clone(),
            None => format!("0:{}", self.evr),
        }
    }

    /// Whether a name, `name.arch`, `name-version`, `name-version-release` or with the architecture, each
    /// possibly a pattern, means this package.
    pub fn is_meant(&self, spec: &str) -> bool {
        let full = self.full_evr();
        let (epoch, evr) = full.split_once(':').unwrap_or(("0", &full));
        let version = evr.rsplit_once('-').map_or(evr, |(version, _)| version);
        let (name, arch) = (&self.name, &self.arch);
        [
            name.clone(),
            format!("{name}.{arch}"),
            format!("{name}-{version}"),
            format!("{name}-{evr}"),
            format!("{name}-{evr}.{arch}"),
            format!("{name}-{epoch}:{evr}"),
            format!("{name}-{epoch}:{evr}.{arch}"),
        ]
        .iter()
        .any(|form| glob_matches(spec, form))
    }

    /// `name-version-release.arch`
    pub fn nvra(&self) -> String {
        let full = self.full_evr();
        let evr = full.split_once(':').map_or(full.as_str(), |(_, evr)| evr);
        format!("{}-{evr}.{}", self.name, self.arch)
    }
}

/// Hands every package of every repository to `each`, in the order of the metadata.
pub fn available(repos: &[SolveRepo], each: impl FnMut(Available)) -> Result<(), SolveError> {
    walk(repos, false, each)
}

/// The same with what packages need and refuse.
pub fn available_with_relations(
    repos: &[SolveRepo],
    each: impl FnMut(Available),
) -> Result<(), SolveError> {
    walk(repos, true, each)
}

fn relations(raw: &primary::RawPackage) -> Vec<(Relation, String)> {
    let text = |dep: &primary::RawDep| {
        let operator = match raw.get(dep.flags) {
            "EQ" => "=",
            "LT" => "<",
            "LE" => "<=",
            "GT" => ">",
            "GE" => ">=",
            _ => return raw.get(dep.name).to_owned(),
        };
        format!("{} {operator} {}", raw.get(dep.name), raw.get(dep.evr))
    };
    raw.deps
        .iter()
        .map(|dep| (Relation::of(dep.kind), text(dep)))
        .collect()
}

fn walk(
    repos: &[SolveRepo],
    with_relations: bool,
    mut each: impl FnMut(Available),
) -> Result<(), SolveError> {
    for repo in repos {
        let Some(file) = &repo.primary else { continue };
        primary::read(open(file, MAX_METADATA)?, |raw| -> Result<(), XmlError> {
            let base = raw.get(raw.base);
            each(Available {
                name: raw.get(raw.name).to_owned(),
                evr: raw.get(raw.evr).to_owned(),
                arch: raw.get(raw.arch).to_owned(),
                summary: raw.get(raw.summary).to_owned(),
                source_rpm: raw.get(raw.source_rpm).to_owned(),
                build_time: raw.build_time,
                size: raw.size,
                repo: repo.id.clone(),
                href: raw.get(raw.href).to_owned(),
                base: (!base.is_empty()).then(|| base.to_owned()),
                provides: raw
                    .deps
                    .iter()
                    .filter(|dep| dep.kind == DepKind::Provides)
                    .map(|dep| raw.get(dep.name).to_owned())
                    .collect(),
                files: raw
                    .files
                    .iter()
                    .map(|&file| raw.get(file).to_owned())
                    .collect(),
                relations: if with_relations {
                    relations(raw)
                } else {
                    Vec::new()
                },
            });
            Ok(())
        })
        .map_err(|error| SolveError::Metadata {
            repo: repo.id.clone(),
            path: file.path.clone(),
            error,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_with_and_without_an_epoch() {
        let mut package = Available {
            name: "a".into(),
            evr: "1-2".into(),
            arch: "noarch".into(),
            summary: String::new(),
            source_rpm: String::new(),
            build_time: 0,
            size: 0,
            repo: "r".into(),
            href: String::new(),
            base: None,
            provides: Vec::new(),
            files: Vec::new(),
            relations: Vec::new(),
        };
        assert_eq!(
            (package.full_evr(), package.nvra()),
            ("0:1-2".into(), "a-1-2.noarch".into())
        );
        package.evr = "3:1-2".into();
        assert_eq!(
            (package.full_evr(), package.nvra()),
            ("3:1-2".into(), "a-1-2.noarch".into())
        );
    }
}
