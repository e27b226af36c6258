//! All repositories of a chroot.

use globset::GlobBuilder;

use super::{
    ConfError, KNOWN_UNUSED, MainOptions, Repository, UnusedOption, Vars,
    ini::{self, Entry, Section},
};

/// `[main]` and the repositories in the order written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RepoSet {
    /// Options for the whole run.
    pub main: MainOptions,
    /// The repositories, disabled ones included.
    pub repos: Vec<Repository>,
    /// What was written but has no effect here.
    pub unused: Vec<UnusedOption>,
}

impl RepoSet {
    /// Reads the text of a `dnf.conf` (or `yum.conf`). Options of `[main]` hold for every
    /// repository, wherever the section stands. A section given twice is one section whose later
    /// lines win.
    pub fn parse(text: &str, vars: &Vars) -> Result<Self, ConfError> {
        let sections = ini::parse(text)?;
        let (main, repos): (Vec<&Section>, Vec<&Section>) =
            sections.iter().partition(|s| s.name == "main");
        let mut set = Self::default();
        for entry in last_of_each(&main) {
            let value = vars.substitute(&entry.value);
            if !set.main.set(entry, &value)? {
                set.keep("main", entry);
            }
        }
        for section in &repos {
            let id = vars.substitute(&section.name);
            check_id(&id, section.line)?;
            if set.find(&id).is_some() {
                continue;
            }
            let parts: Vec<&Section> = repos
                .iter()
                .filter(|other| vars.substitute(&other.name) == id)
                .copied()
                .collect();
            let mut repo = Repository::new(&id, &set.main.common);
            for entry in last_of_each(&parts) {
                let value = vars.substitute(&entry.value);
                if !repo.set(entry, &value)? {
                    set.keep(&id, entry);
                }
            }
            set.add(repo);
        }
        Ok(set)
    }

    fn keep(&mut self, section: &str, entry: &Entry) {
        self.unused.push(UnusedOption {
            section: section.to_owned(),
            key: entry.key.clone(),
            value: entry.value.clone(),
            line: entry.line,
            known: KNOWN_UNUSED.contains(&entry.key.as_str())
                || matches!(
                    entry.key.as_str(),
                    "best" | "strict" | "obsoletes" | "localpkg_gpgcheck" | "proxy_auth_method"
                ),
        });
    }

    /// The repositories that take part.
    pub fn enabled(&self) -> impl Iterator<Item = &Repository> {
        self.repos.iter().filter(|repo| repo.enabled)
    }

    /// The repository of this id.
    pub fn find(&self, id: &str) -> Option<&Repository> {
        self.repos.iter().find(|repo| repo.id == id)
    }

    /// Adds one, or replaces the one of the same id in its place.
    pub fn add(&mut self, repo: Repository) {
        match self.repos.iter_mut().find(|known| known.id == repo.id) {
            Some(known) => *known = repo,
            None => self.repos.push(repo),
        }
    }

    /// `--enablerepo` and `--disablerepo`: ids, globs, or lists of them with commas. Gives the
    /// patterns that fit no repository.
    pub fn switch(&mut self, patterns: &str, enabled: bool) -> Vec<String> {
        let mut unknown = Vec::new();
        for pattern in patterns.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let glob = GlobBuilder::new(pattern)
                .literal_separator(false)
                .build()
                .ok()
                .map(|glob| glob.compile_matcher());
            let mut found = false;
            for repo in &mut self.repos {
                if repo.id == pattern || glob.as_ref().is_some_and(|g| g.is_match(&repo.id)) {
                    repo.enabled = enabled;
                    found = true;
                }
            }
            if !found {
                unknown.push(pattern.to_owned());
            }
        }
        unknown
    }
}

/// The entries of sections of one name, without those that a later one of the same key replaces.
fn last_of_each<'a>(sections: &[&'a Section]) -> Vec<&'a Entry> {
    let all: Vec<&Entry> = sections.iter().flat_map(|s| &s.entries).collect();
    all.iter()
        .enumerate()
        .filter(|(at, entry)| !all[at + 1..].iter().any(|later| later.key == entry.key))
        .map(|(_, entry)| *entry)
        .collect()
}

/// dnf allows letters, digits and `-_.:` in a repository's id.
fn check_id(id: &str, line: usize) -> Result<(), ConfError> {
    match id
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "-_.:".contains(*c)))
    {
        None => Ok(()),
        Some(c) => Err(ConfError::new(
            line,
            format!("repository id `{id}` must not contain `{c}`"),
        )),
    }
}
