//! Packages into the pool: from metadata, and from our own records.

use rpmkit_solv::{DepKind, Id, PackageData, Pool, PoolError, RelOp, RepoId, SolvId};

use super::{primary::RawPackage, rich::Rich};
use rpmkit_types::{
    Checksum, ChecksumKind, Dep, DepFlag, Evr, Location, Nevra, Package, Requirement,
};

/// The comparison rpm-md writes as `flags`. Unknown words compare nothing, as in libsolv.
fn flag(word: &str) -> Option<RelOp> {
    Some(match word {
        "LT" => RelOp::Lt,
        "LE" => RelOp::Le,
        "EQ" => RelOp::Eq,
        "GE" => RelOp::Ge,
        "GT" => RelOp::Gt,
        _ => return None,
    })
}

pub(crate) fn op(flag: DepFlag) -> RelOp {
    match flag {
        DepFlag::Lt => RelOp::Lt,
        DepFlag::Le => RelOp::Le,
        DepFlag::Eq => RelOp::Eq,
        DepFlag::Ge => RelOp::Ge,
        DepFlag::Gt => RelOp::Gt,
    }
}

/// A dependency into the pool; None for a rich one that cannot be read, which libsolv passes over.
fn dep_id(pool: &mut Pool, name: &str, version: Option<(RelOp, &str)>) -> Option<Id> {
    if version.is_none() && name.starts_with('(') {
        return Some(Rich::parse(name).ok()?.intern(pool));
    }
    let id = pool.intern(name);
    Some(match version {
        None => id,
        Some((op, evr)) => {
            let evr = pool.intern(evr);
            pool.rel(id, op, evr)
        }
    })
}

/// As above, for our own type.
pub(crate) fn intern_dep(pool: &mut Pool, dep: &Dep) -> Option<Id> {
    let version = dep
        .version
        .as_ref()
        .map(|(flag, evr)| (op(*flag), evr.to_string()));
    dep_id(
        pool,
        &dep.name,
        version.as_ref().map(|(op, evr)| (*op, evr.as_str())),
    )
}

/// Adds what the primary parser read. `deps` is scratch memory.
pub(crate) fn add_raw(
    pool: &mut Pool,
    repo: RepoId,
    raw: &RawPackage,
    deps: &mut Vec<(DepKind, Id)>,
) -> Result<SolvId, PoolError> {
    deps.clear();
    for dep in &raw.deps {
        let version = flag(raw.get(dep.flags)).map(|op| (op, raw.get(dep.evr)));
        if let Some(id) = dep_id(pool, raw.get(dep.name), version) {
            deps.push((dep.kind, id));
        }
    }
    let files: Vec<&str> = raw.files.iter().map(|f| raw.get(*f)).collect();
    let kind = ChecksumKind::parse(raw.get(raw.checksum.0));
    pool.add_package(
        repo,
        &PackageData {
            name: raw.get(raw.name),
            evr: raw.get(raw.evr),
            arch: raw.get(raw.arch),
            vendor: raw.get(raw.vendor),
            href: raw.get(raw.href),
            base: raw.get(raw.base),
            checksum: kind.map(|kind| (kind.name(), raw.get(raw.checksum.1))),
            source_rpm: raw.get(raw.source_rpm),
            size: raw.size,
            installed_size: raw.installed_size,
            build_time: raw.build_time,
            deps,
            files: &files,
        },
    )
}

/// Adds a package we have a record of.
pub(crate) fn add_package(
    pool: &mut Pool,
    repo: RepoId,
    package: &Package,
) -> Result<SolvId, PoolError> {
    let mut deps = Vec::new();
    for (kind, list) in [
        (DepKind::Provides, &package.provides),
        (DepKind::Conflicts, &package.conflicts),
        (DepKind::Obsoletes, &package.obsoletes),
        (DepKind::Recommends, &package.recommends),
        (DepKind::Suggests, &package.suggests),
        (DepKind::Supplements, &package.supplements),
        (DepKind::Enhances, &package.enhances),
    ] {
        for dep in list {
            deps.extend(intern_dep(pool, dep).map(|id| (kind, id)));
        }
    }
    for requirement in &package.requires {
        if requirement.dep.is_rpmlib() {
            continue;
        }
        let kind = if requirement.pre {
            DepKind::PreRequires
        } else {
            DepKind::Requires
        };
        deps.extend(intern_dep(pool, &requirement.dep).map(|id| (kind, id)));
    }
    let evr = package.nevra.evr.to_string();
    let files: Vec<&str> = package.files.iter().map(String::as_str).collect();
    pool.add_package(
        repo,
        &PackageData {
            name: &package.nevra.name,
            evr: &evr,
            arch: &package.nevra.arch,
            vendor: &package.vendor,
            href: &package.location.href,
            base: package.location.base.as_deref().unwrap_or_default(),
            checksum: package
                .checksum
                .as_ref()
                .map(|c| (c.kind.name(), c.hex.as_str())),
            source_rpm: &package.source_rpm,
            size: package.size,
            installed_size: package.installed_size,
            build_time: package.build_time,
            deps: &deps,
            files: &files,
        },
    )
}

/// The identity of a package in the pool.
pub(crate) fn nevra(pool: &Pool, s: SolvId) -> Nevra {
    let (name, evr, arch) = pool.nevra(s);
    Nevra::new(name, Evr::parse(evr), arch)
}

/// The whole record of a package in the pool. `repo` is the id to put in.
pub(crate) fn record(pool: &Pool, s: SolvId, repo: &str) -> Package {
    let (size, installed_size, build_time) = pool.numbers(s);
    let deps = |kind| -> Vec<Dep> {
        pool.deps(s, kind)
            .into_iter()
            .map(|id| read_dep(pool, id))
            .collect()
    };
    let requirement = |pre| move |dep| Requirement { dep, pre };
    let mut requires: Vec<Requirement> = deps(DepKind::Requires)
        .into_iter()
        .map(requirement(false))
        .collect();
    requires.extend(
        deps(DepKind::PreRequires)
            .into_iter()
            .map(requirement(true)),
    );
    let mut files = pool.files(s);
    for id in pool.file_provides(s) {
        let path = pool.text(id);
        if !files.contains(&path) {
            files.push(path);
        }
    }
    let base = pool.base(s);
    Package {
        nevra: nevra(pool, s),
        repo: repo.to_owned(),
        checksum: pool
            .checksum(s)
            .and_then(|(kind, hex)| Some(Checksum::new(ChecksumKind::parse(kind)?, &hex))),
        location: Location {
            href: pool.href(s),
            base: (!base.is_empty()).then_some(base),
        },
        size,
        installed_size,
        build_time,
        source_rpm: pool.source_rpm(s),
        vendor: pool.vendor(s).to_owned(),
        provides: deps(DepKind::Provides),
        requires,
        conflicts: deps(DepKind::Conflicts),
        obsoletes: deps(DepKind::Obsoletes),
        recommends: deps(DepKind::Recommends),
        suggests: deps(DepKind::Suggests),
        supplements: deps(DepKind::Supplements),
        enhances: deps(DepKind::Enhances),
        files,
    }
}

/// A dependency out of the pool. A rich one becomes its text, with parentheses.
fn read_dep(pool: &Pool, id: Id) -> Dep {
    if let Some((name, op, evr)) = pool.parts(id) {
        let flag = match op {
            RelOp::Lt => Some(DepFlag::Lt),
            RelOp::Le => Some(DepFlag::Le),
            RelOp::Eq => Some(DepFlag::Eq),
            RelOp::Ge => Some(DepFlag::Ge),
            RelOp::Gt => Some(DepFlag::Gt),
            _ => None,
        };
        if let Some(flag) = flag.filter(|_| pool.parts(name).is_none()) {
            return Dep {
                name: pool.text(name),
                version: Some((flag, Evr::parse(&pool.text(evr)))),
            };
        }
    }
    Dep::any(pool.text(id))
}
