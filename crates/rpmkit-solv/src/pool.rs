//! The pool: strings, dependencies, packages of several repositories, and who provides what.

use std::{
    ffi::{CStr, CString, c_int},
    marker::PhantomData,
    ptr::NonNull,
};

use crate::{ffi as c, known::KnownIds, queue::Queue};

/// A string, an EVR or a dependency of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub(crate) c::Id);

/// A package of one pool. Ids grow in the order packages were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SolvId(pub(crate) c::Id);

impl SolvId {
    /// The number libsolv knows the package by.
    pub fn number(self) -> usize {
        self.0 as usize
    }
}

/// A repository of one pool; numbers count up from zero in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoId(pub(crate) usize);

/// What joins two parts of a dependency: a comparison with a version, or rpm's rich operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelOp {
    /// `>`
    Gt,
    /// `=`
    Eq,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `and`
    And,
    /// `or`
    Or,
    /// `with`
    With,
    /// `without`
    Without,
    /// `if`
    If,
    /// `unless`
    Unless,
    /// `else`, on the right of an `if` or `unless`
    Else,
}

impl RelOp {
    /// True for the comparisons with a version.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Gt | Self::Eq | Self::Ge | Self::Lt | Self::Le)
    }

    fn flag(self) -> c_int {
        let flag = match self {
            Self::Gt => c::REL_GT,
            Self::Eq => c::REL_EQ,
            Self::Ge => c::REL_GT | c::REL_EQ,
            Self::Lt => c::REL_LT,
            Self::Le => c::REL_LT | c::REL_EQ,
            Self::And => c::REL_AND,
            Self::Or => c::REL_OR,
            Self::With => c::REL_WITH,
            Self::Without => c::REL_WITHOUT,
            Self::If => c::REL_COND,
            Self::Unless => c::REL_UNLESS,
            Self::Else => c::REL_ELSE,
        };
        flag as c_int
    }

    fn of(flag: c_int) -> Option<Self> {
        [
            Self::Gt,
            Self::Eq,
            Self::Ge,
            Self::Lt,
            Self::Le,
            Self::And,
            Self::Or,
            Self::With,
            Self::Without,
            Self::If,
            Self::Unless,
            Self::Else,
        ]
        .into_iter()
        .find(|op| op.flag() == flag)
    }
}

/// What can go wrong outside solving.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// libsolv has no list of compatible architectures under that name.
    #[error("libsolv could not make a pool")]
    NoPool,
    /// Text with a NUL byte cannot go into the pool.
    #[error("text with a NUL byte: {0:?}")]
    Nul(String),
    /// A cache could not be read or written.
    #[error("solver cache: {0}")]
    Cache(String),
}

/// Packages, repositories and the index of what they provide.
pub struct Pool {
    raw: NonNull<c::Pool>,
    pub(crate) known: KnownIds,
    pub(crate) repos: Vec<NonNull<c::Repo>>,
    /// One bit a package: may it be considered? Empty while all may.
    considered: Vec<u8>,
    considered_map: Option<Box<c::Map>>,
    ready: bool,
    one_thread: PhantomData<*mut ()>,
}

impl Pool {
    /// A pool for packages that run on `arch` (and on what that is compatible with).
    pub fn new(arch: &str) -> Result<Self, PoolError> {
        // The reference keeps the object file with our sort in every program, whatever the linker
        // thinks of symbols that only C asks for.
        std::hint::black_box(crate::sort::qsort_r as *const ());
        let policy = fedora_policy(arch).map(cstring).transpose()?;
        let arch = cstring(arch)?;
        // SAFETY: pool_create has no preconditions; it aborts rather than return null.
        let raw = NonNull::new(unsafe { c::pool_create() }).ok_or(PoolError::NoPool)?;
        // SAFETY: the pool was just made; the architecture text ends in NUL.
        let known = unsafe {
            c::pool_setdisttype(raw.as_ptr(), c::DISTTYPE_RPM as c_int);
            c::pool_set_flag(
                raw.as_ptr(),
                c::POOL_FLAG_WHATPROVIDESWITHDISABLED as c_int,
                1,
            );
            // Fedora's libsolv is built with this on: packages of one name and two word sizes are no
            // rivals, whatever their versions.
            c::pool_set_flag(
                raw.as_ptr(),
                c::POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS as c_int,
                1,
            );
            match &policy {
                Some(policy) => c::pool_setarchpolicy(raw.as_ptr(), policy.as_ptr()),
                None => c::pool_setarch(raw.as_ptr(), arch.as_ptr()),
            }
            KnownIds::of(raw.as_ptr())
        };
        Ok(Self {
            raw,
            known,
            repos: Vec::new(),
            considered: Vec::new(),
            considered_map: None,
            ready: false,
            one_thread: PhantomData,
        })
    }

    pub(crate) fn raw(&self) -> *mut c::Pool {
        self.raw.as_ptr()
    }

    pub(crate) fn pool(&self) -> &c::Pool {
        // SAFETY: the pool lives as long as self, and C code changes it only inside our methods,
        // none of which holds this reference across such a call.
        unsafe { self.raw.as_ref() }
    }

    /// Adds an empty repository. As in dnf a smaller `priority` is better, and among equals the
    /// smaller `cost`.
    pub fn add_repo(&mut self, name: &str, priority: i32, cost: i32) -> Result<RepoId, PoolError> {
        let name = cstring(name)?;
        // SAFETY: the pool is live and the name ends in NUL; libsolv copies it.
        let repo = NonNull::new(unsafe { c::repo_create(self.raw(), name.as_ptr()) })
            .ok_or(PoolError::NoPool)?;
        // SAFETY: the repository was just made and nobody else holds a reference to it.
        unsafe {
            (*repo.as_ptr()).priority = priority.saturating_neg();
            (*repo.as_ptr()).subpriority = cost.saturating_neg();
        }
        self.repos.push(repo);
        Ok(RepoId(self.repos.len() - 1))
    }

    /// Declares one repository to be what is installed.
    pub fn set_installed(&mut self, repo: RepoId) {
        // SAFETY: pool and repository are live.
        unsafe { c::pool_set_installed(self.raw(), self.repos[repo.0].as_ptr()) }
    }

    pub(crate) fn repo_ptr(&self, repo: RepoId) -> *mut c::Repo {
        self.repos[repo.0].as_ptr()
    }

    /// The id of a text, made when there is none.
    pub fn intern(&mut self, text: &str) -> Id {
        // SAFETY: pool_strn2id reads `len` bytes and needs no NUL.
        Id(unsafe { c::pool_strn2id(self.raw(), text.as_ptr().cast(), text.len() as u32, 1) })
    }

    /// The id of a text if the pool has seen it.
    pub fn find(&self, text: &str) -> Option<Id> {
        // SAFETY: as in `intern`; with create = 0 the pool is not changed.
        let id = unsafe { c::pool_strn2id(self.raw(), text.as_ptr().cast(), text.len() as u32, 0) };
        (id != 0).then_some(Id(id))
    }

    /// Joins two ids to a dependency.
    pub fn rel(&mut self, left: Id, op: RelOp, right: Id) -> Id {
        self.check(left);
        self.check(right);
        // SAFETY: both ids belong to this pool.
        Id(unsafe { c::pool_rel2id(self.raw(), left.0, right.0, op.flag(), 1) })
    }

    /// The parts of a dependency, or None for a plain name.
    pub fn parts(&self, id: Id) -> Option<(Id, RelOp, Id)> {
        let number = rel_number(id.0)?;
        self.check(id);
        // SAFETY: checked to be below the number of relations.
        let rel = unsafe { *self.pool().rels.add(number) };
        Some((Id(rel.name), RelOp::of(rel.flags)?, Id(rel.evr)))
    }

    fn check(&self, id: Id) {
        let pool = self.pool();
        let good = match rel_number(id.0) {
            Some(number) => number < pool.nrels as usize,
            None => id.0 >= 0 && id.0 < pool.ss.nstrings,
        };
        assert!(good, "id {} is not of this pool", id.0);
    }

    pub(crate) fn checked(&self, solvable: SolvId) -> *mut c::Solvable {
        let pool = self.pool();
        assert!(
            solvable.0 > 1 && solvable.0 < pool.nsolvables,
            "package {} is not of this pool",
            solvable.0
        );
        // SAFETY: the index is inside the array.
        unsafe { pool.solvables.add(solvable.0 as usize) }
    }

    /// A dependency, EVR or name as text.
    pub fn text(&self, id: Id) -> String {
        self.check(id);
        // SAFETY: the id is of this pool; the text is copied before anything else can happen.
        unsafe { owned(c::pool_dep2str(self.raw(), id.0)) }
    }

    pub(crate) fn str(&self, id: c::Id) -> &str {
        self.check(Id(id));
        if rel_number(id).is_some() {
            return "";
        }
        // SAFETY: a plain id names a NUL-terminated string in the pool's store, which moves only
        // when strings are added, for which `&mut self` is needed.
        let bytes = unsafe { CStr::from_ptr(c::pool_id2str(self.raw(), id)) };
        bytes.to_str().unwrap_or("")
    }

    /// Every package, in id order.
    pub fn solvables(&self) -> impl Iterator<Item = SolvId> + '_ {
        (2..self.pool().nsolvables)
            .map(SolvId)
            .filter(|&s| self.repo_of(s).is_some())
    }

    /// Number of package slots; every [`SolvId::number`] is below it.
    pub fn slots(&self) -> usize {
        self.pool().nsolvables as usize
    }

    /// The repository a package is in.
    pub fn repo_of(&self, solvable: SolvId) -> Option<RepoId> {
        // SAFETY: checked to be inside the array.
        let repo = unsafe { (*self.checked(solvable)).repo };
        self.repos
            .iter()
            .position(|r| r.as_ptr() == repo)
            .map(RepoId)
    }

    /// Name, EVR (zero epoch left out) and architecture.
    pub fn nevra(&self, solvable: SolvId) -> (&str, &str, &str) {
        let s = self.checked(solvable);
        // SAFETY: inside the array; the fields are plain numbers.
        let (name, evr, arch) = unsafe { ((*s).name, (*s).evr, (*s).arch) };
        (self.str(name), self.str(evr), self.str(arch))
    }

    /// The id of a package's name.
    pub fn name_id(&self, solvable: SolvId) -> Id {
        // SAFETY: checked to be inside the array.
        Id(unsafe { (*self.checked(solvable)).name })
    }

    /// The id of a package's EVR.
    pub fn evr_id(&self, solvable: SolvId) -> Id {
        // SAFETY: checked to be inside the array.
        Id(unsafe { (*self.checked(solvable)).evr })
    }

    /// True for `src` and `nosrc`.
    pub fn is_source(&self, solvable: SolvId) -> bool {
        // SAFETY: checked to be inside the array.
        let arch = unsafe { (*self.checked(solvable)).arch };
        arch == self.known.src || arch == self.known.nosrc
    }

    /// True when the package's architecture can run on the pool's.
    pub fn arch_fits(&self, solvable: SolvId) -> bool {
        // SAFETY: checked to be inside the array.
        let arch = unsafe { (*self.checked(solvable)).arch };
        let pool = self.pool();
        if pool.id2arch.is_null() {
            return true;
        }
        // SAFETY: id2arch has `lastarch + 1` entries.
        arch <= pool.lastarch && unsafe { *pool.id2arch.add(arch as usize) } != 0
    }

    /// Compares two EVRs as rpm does.
    pub fn evr_cmp(&self, a: Id, b: Id) -> std::cmp::Ordering {
        self.check(a);
        self.check(b);
        // SAFETY: both are strings of this pool (relations give a wrong order, not a fault, as
        // libsolv looks up ids of either kind by itself).
        unsafe { c::pool_evrcmp(self.raw(), a.0, b.0, 0) }.cmp(&0)
    }

    /// Forgets the index after something was added.
    pub(crate) fn unready(&mut self) {
        if self.ready {
            // SAFETY: the pool is live.
            unsafe { c::pool_freewhatprovides(self.raw()) }
            self.ready = false;
        }
    }

    /// Builds the index of provides, file provides included, unless it is up to date.
    pub fn make_ready(&mut self) {
        if !self.ready {
            // SAFETY: the pool is live; file provides have to come first.
            unsafe {
                c::pool_addfileprovides(self.raw());
                c::pool_createwhatprovides(self.raw());
            }
            self.ready = true;
        }
    }

    /// Packages that provide a dependency, excluded ones too. Needs [`Pool::make_ready`], which it
    /// calls.
    pub fn providers(&mut self, dep: Id) -> Vec<SolvId> {
        self.check(dep);
        self.make_ready();
        let pool = self.pool();
        // SAFETY: the index was built after the last id was made, or the id is a relation whose
        // slot libsolv grows on demand; offsets point at zero-terminated lists.
        unsafe {
            let offset = match rel_number(dep.0) {
                None => *pool.whatprovides.add(dep.0 as usize),
                Some(number) => *pool.whatprovides_rel.add(number),
            };
            let offset = if offset == 0 {
                c::pool_addrelproviders(self.raw(), dep.0) as u32
            } else {
                offset
            };
            let mut out = Vec::new();
            let mut at = self.pool().whatprovidesdata.add(offset as usize);
            while *at != 0 {
                out.push(SolvId(*at));
                at = at.add(1);
            }
            out
        }
    }

    /// Binary packages of that name, excluded ones too.
    pub fn named(&mut self, name: Id) -> Vec<SolvId> {
        // Every package but sources provides its own name.
        let mut found = self.providers(name);
        found.retain(|&s| self.name_id(s) == name);
        found
    }

    /// True when a package's own name and EVR are meant by a dependency (what it provides does not
    /// count): how obsoletes are matched.
    pub fn matches_nevr(&self, solvable: SolvId, dep: Id) -> bool {
        let s = self.checked(solvable);
        self.check(dep);
        if rel_number(dep.0).is_none() {
            return self.name_id(solvable) == dep;
        }
        // SAFETY: package and dependency are of this pool, and the dependency is a relation.
        unsafe { c::pool_match_nevr_rel(self.raw(), s, dep.0) != 0 }
    }

    pub(crate) fn list(&mut self, packages: &[SolvId]) -> c::Id {
        let mut queue = Queue::new();
        for &p in packages {
            self.checked(p);
            queue.push(p.0);
        }
        // SAFETY: pool and queue are live; the index exists as callers solve only when ready.
        unsafe { c::pool_queuetowhatprovides(self.raw(), queue.as_mut_ptr()) }
    }

    /// Says which packages the solver may look at; one flag a slot, missing ones count as yes.
    pub fn set_considered(&mut self, allowed: &[bool]) {
        let bytes = self.slots().div_ceil(8);
        let mut map = vec![0xffu8; bytes];
        for (i, _) in allowed.iter().enumerate().filter(|(_, ok)| !**ok) {
            if let Some(byte) = map.get_mut(i / 8) {
                *byte &= !(1 << (i % 8));
            }
        }
        self.considered = map;
        let mut header = Box::new(c::Map {
            map: self.considered.as_mut_ptr(),
            size: bytes as c_int,
        });
        // SAFETY: the pool only reads the map; both the header and its bytes stay where they are
        // (boxed, and a vector that is replaced only here) until the pool is freed.
        unsafe { (*self.raw()).considered = &raw mut *header }
        self.considered_map = Some(header);
    }

    /// True unless [`Pool::set_considered`] ruled the package out.
    pub fn is_considered(&self, solvable: SolvId) -> bool {
        let i = solvable.number();
        self.considered
            .get(i / 8)
            .is_none_or(|byte| byte & (1 << (i % 8)) != 0)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: nothing refers to the pool any more; the map is ours, so it is taken out first.
        unsafe {
            (*self.raw()).considered = std::ptr::null_mut();
            c::pool_free(self.raw());
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("repos", &self.repos.len())
            .field("slots", &self.slots())
            .finish_non_exhaustive()
    }
}

/// Compatible architectures, best first, where libsolv's general table differs from the one its
/// Fedora build has.
fn fedora_policy(arch: &str) -> Option<&'static str> {
    Some(match arch {
        "x86_64_v4" => "x86_64_v4:x86_64_v3:x86_64_v2:x86_64:athlon:i686:i586:i486:i386",
        "x86_64_v3" => "x86_64_v3:x86_64_v2:x86_64:athlon:i686:i586:i486:i386",
        "x86_64_v2" => "x86_64_v2:x86_64:athlon:i686:i586:i486:i386",
        "x86_64" => "x86_64:athlon:i686:i586:i486:i386",
        "ia32e" => "ia32e:x86_64:athlon:i686:i586:i486:i386",
        "amd64" => "amd64:x86_64:athlon:i686:i586:i486:i386",
        "athlon" => "athlon:i686:i586:i486:i386",
        "geode" => "geode:i586:i486:i386",
        "ppc64iseries" => "ppc64iseries:ppc64:ppc",
        "ppc64pseries" => "ppc64pseries:ppc64:ppc",
        _ => return None,
    })
}

/// The index of a relation, None for a plain string.
pub(crate) fn rel_number(id: c::Id) -> Option<usize> {
    // libsolv marks relations by the top bit.
    (id < 0).then_some((id as u32 & 0x7fff_ffff) as usize)
}

pub(crate) fn cstring(text: &str) -> Result<CString, PoolError> {
    CString::new(text).map_err(|_| PoolError::Nul(text.to_owned()))
}

/// Copies a C string; null gives an empty one.
///
/// # Safety
/// `text` is null or a NUL-terminated string.
pub(crate) unsafe fn owned(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and terminated as the caller promises.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}
