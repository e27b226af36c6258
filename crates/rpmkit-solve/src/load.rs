//! All repositories in one pool, from caches where they are good and from metadata where not.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::{self, BufReader},
    path::Path,
};

use rpmkit_solv::{Id, Pool, RepoId, SolvId};

use super::{
    SolveError, SolveRepo,
    cache::CacheDir,
    filelists::{self, Lookup, PathHolder},
    fill,
    glob::Glob,
    primary,
    xml::XmlError,
};
use rpmkit_types::{MAX_METADATA, Package, Packed};

/// Id dnf gives the installed set.
pub(crate) const SYSTEM: &str = "@System";
/// Id dnf gives package files named on the command line.
pub(crate) const LOCAL: &str = "@commandline";

/// The pool and what it was made of.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) pool: Pool,
    /// The installed set, first so that its ids are the lowest, as in dnf.
    pub(crate) system: RepoId,
    /// One for each repository, in order.
    pub(crate) repos: Vec<RepoId>,
    /// Package files outside repositories.
    pub(crate) local: Vec<SolvId>,
}

impl Loaded {
    /// The name of the repository a package is in.
    pub(crate) fn repo_name<'a>(&self, repos: &'a [SolveRepo], s: SolvId) -> &'a str {
        match self.pool.repo_of(s) {
            Some(id) if id == self.system => SYSTEM,
            Some(id) => self
                .repos
                .iter()
                .position(|r| *r == id)
                .map_or(LOCAL, |i| repos[i].id.as_str()),
            None => LOCAL,
        }
    }

    /// True for installed packages.
    pub(crate) fn is_installed(&self, s: SolvId) -> bool {
        self.pool.repo_of(s) == Some(self.system)
    }
}

/// Where binary caches are kept.
#[derive(Debug, Clone)]
pub(crate) struct Caches {
    solv: CacheDir,
    files: CacheDir,
    pub(crate) answers: CacheDir,
}

impl Caches {
    pub(crate) fn new(base: &Path) -> Self {
        Self {
            solv: CacheDir::new(base, "solv", "solv", 3),
            files: CacheDir::new(base, "filelists", "json", 3),
            answers: CacheDir::new(base, "solutions", "json", 1000),
        }
    }
}

/// Loads everything and builds the index. `paths` are files or globs the request names.
pub(crate) fn load(
    arch: &str,
    repos: &[SolveRepo],
    installed: &[Package],
    local: &[Package],
    caches: &Caches,
    paths: &BTreeSet<String>,
) -> Result<Loaded, SolveError> {
    let mut distrusted = BTreeSet::new();
    loop {
        match attempt(arch, repos, installed, local, caches, &distrusted)? {
            Attempt::Done(mut loaded) => {
                add_filelists(&mut loaded, repos, caches, paths)?;
                loaded.pool.make_ready();
                return Ok(loaded);
            }
            // libsolv may have added half of the file, so all is done again without it.
            Attempt::BadCache(index) => {
                distrusted.insert(index);
            }
        }
    }
}

enum Attempt {
    Done(Loaded),
    BadCache(usize),
}

fn attempt(
    arch: &str,
    repos: &[SolveRepo],
    installed: &[Package],
    local: &[Package],
    caches: &Caches,
    distrusted: &BTreeSet<usize>,
) -> Result<Attempt, SolveError> {
    let mut pool = Pool::new(arch)?;
    let system = pool.add_repo(SYSTEM, 0, 0)?;
    pool.begin(system);
    for package in installed {
        fill::add_package(&mut pool, system, package)?;
    }
    pool.finish(system);
    pool.set_installed(system);
    let mut ids = Vec::new();
    for (index, repo) in repos.iter().enumerate() {
        let id = pool.add_repo(&repo.id, repo.priority, repo.cost)?;
        ids.push(id);
        let Some(path) = &repo.primary else { continue };
        let cached = (!repo.cache_key.is_empty() && !distrusted.contains(&index))
            .then(|| caches.solv.find(&repo.id, &repo.cache_key))
            .flatten();
        if let Some(file) = cached {
            if pool.read_solv(id, &file).is_err() {
                let _ = fs::remove_file(&file);
                return Ok(Attempt::BadCache(index));
            }
            continue;
        }
        parse(&mut pool, id, repo, path)?;
        if !repo.cache_key.is_empty() {
            // A cache that cannot be written costs time, not correctness.
            let _ = caches.solv.store(&repo.id, &repo.cache_key, |file| {
                pool.write_solv(id, file).map_err(io::Error::other)
            });
        }
    }
    let mut added = Vec::new();
    if !local.is_empty() {
        let id = pool.add_repo(LOCAL, 99, 1000)?;
        pool.begin(id);
        for package in local {
            added.push(fill::add_package(&mut pool, id, package)?);
        }
        pool.finish(id);
    }
    Ok(Attempt::Done(Loaded {
        pool,
        system,
        repos: ids,
        local: added,
    }))
}

/// What can go wrong while one document streams into the pool.
enum Trouble {
    Xml(XmlError),
    Pool(rpmkit_solv::PoolError),
}

impl From<XmlError> for Trouble {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

fn parse(pool: &mut Pool, id: RepoId, repo: &SolveRepo, file: &Packed) -> Result<(), SolveError> {
    let input = open(file, MAX_METADATA)?;
    pool.begin(id);
    let mut deps = Vec::new();
    primary::read(input, |raw| {
        fill::add_raw(pool, id, raw, &mut deps)
            .map(|_| ())
            .map_err(Trouble::Pool)
    })
    .map_err(|trouble| match trouble {
        Trouble::Xml(error) => SolveError::Metadata {
            repo: repo.id.clone(),
            path: file.path.clone(),
            error,
        },
        Trouble::Pool(error) => SolveError::Pool(error),
    })?;
    pool.finish(id);
    Ok(())
}

/// Bytes of a document that is kept in memory as a whole: groups and modules. The largest known ones
/// have a few MiB.
pub(crate) const MAX_KEPT: u64 = 128 << 20;

/// A reader of the content, which may have at most `most` bytes.
pub(crate) fn open(file: &Packed, most: u64) -> Result<impl io::BufRead + use<>, SolveError> {
    let input = file.open(most).map_err(|source| SolveError::Io {
        action: "read",
        path: file.path.clone(),
        source,
    })?;
    Ok(BufReader::with_capacity(1 << 17, input))
}

/// Finds out who holds the paths that are asked for and that primary metadata does not list, and
/// tells the pool.
fn add_filelists(
    loaded: &mut Loaded,
    repos: &[SolveRepo],
    caches: &Caches,
    paths: &BTreeSet<String>,
) -> Result<(), SolveError> {
    let mut asked: BTreeSet<String> = loaded
        .pool
        .file_deps()
        .into_iter()
        .map(|id| loaded.pool.text(id))
        .collect();
    asked.extend(paths.iter().cloned());
    asked.retain(|path| Glob::is_pattern(path) || !filelists::in_primary(path));
    let Some(first) = asked.first().cloned() else {
        return Ok(());
    };
    for (index, repo) in repos.iter().enumerate() {
        if repo.primary.is_none() {
            continue;
        }
        let lookup = find_holders(repo, caches, &asked, &first)?;
        let id = loaded.repos[index];
        let globs: Vec<Glob> = asked
            .iter()
            .filter(|p| Glob::is_pattern(p))
            .map(|p| Glob::new(p))
            .collect();
        let wanted: Vec<(&String, &PathHolder)> = lookup
            .found
            .iter()
            .filter(|(path, _)| asked.contains(*path) || globs.iter().any(|g| g.matches(path)))
            .flat_map(|(path, holders)| holders.iter().map(move |h| (path, h)))
            .collect();
        let by_name = by_name(
            &loaded.pool,
            id,
            wanted.iter().map(|(_, h)| h.name.as_str()),
        );
        for (path, holder) in wanted {
            for &s in by_name.get(holder.name.as_str()).into_iter().flatten() {
                if is_holder(&loaded.pool, s, holder) {
                    loaded.pool.add_file_provide(s, path);
                }
            }
        }
    }
    Ok(())
}

/// The packages of a repository that have one of these names.
fn by_name<'a>(
    pool: &Pool,
    repo: RepoId,
    names: impl Iterator<Item = &'a str>,
) -> HashMap<&'a str, Vec<SolvId>> {
    let mut by_id: HashMap<Id, (&str, Vec<SolvId>)> = names
        .filter_map(|name| Some((pool.find(name)?, (name, Vec::new()))))
        .collect();
    if !by_id.is_empty() {
        for s in pool.packages_of(repo) {
            if let Some((_, list)) = by_id.get_mut(&pool.name_id(s)) {
                list.push(s);
            }
        }
    }
    by_id.into_values().collect()
}

fn find_holders(
    repo: &SolveRepo,
    caches: &Caches,
    asked: &BTreeSet<String>,
    first: &str,
) -> Result<Lookup, SolveError> {
    let known: Option<Lookup> = (!repo.cache_key.is_empty())
        .then(|| caches.files.read(&repo.id, &repo.cache_key))
        .flatten()
        .and_then(|data| serde_json::from_slice(&data).ok());
    let mut wanted = asked.clone();
    if let Some(known) = known {
        if asked.is_subset(&known.asked) {
            return Ok(known);
        }
        wanted.extend(known.asked);
    }
    let fetched = repo.filelists.path().map_err(|why| SolveError::Filelists {
        repo: repo.id.clone(),
        wanted: first.to_owned(),
        why,
    })?;
    let Some(file) = fetched else {
        return Ok(Lookup::default());
    };
    let input = open(&file, MAX_METADATA)?;
    let lookup = filelists::search(input, wanted).map_err(|error| SolveError::Metadata {
        repo: repo.id.clone(),
        path: file.path.clone(),
        error,
    })?;
    if !repo.cache_key.is_empty()
        && let Ok(text) = serde_json::to_vec(&lookup)
    {
        // As with the other cache: not being able to write it is no error.
        let _ = caches.files.store(&repo.id, &repo.cache_key, |mut file| {
            io::Write::write_all(&mut file, &text)
        });
    }
    Ok(lookup)
}

/// True for the package a filelists entry means.
fn is_holder(pool: &Pool, s: SolvId, holder: &PathHolder) -> bool {
    pool.nevra(s).2 == holder.arch
        && pool
            .checksum(s)
            .is_none_or(|(_, hex)| hex.eq_ignore_ascii_case(&holder.pkgid))
}
