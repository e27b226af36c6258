//! Reading packages back out of a pool.

use crate::{
    ffi as c,
    pool::{Id, Pool, SolvId, owned},
    repo::DepKind,
};

impl Pool {
    /// A package's dependencies of one kind, in the order they were added. Provides leave out files.
    pub fn deps(&self, solvable: SolvId, kind: DepKind) -> Vec<Id> {
        let s = self.checked(solvable);
        // SAFETY: inside the array of solvables.
        let (repo, offset) = unsafe {
            let offset = match kind {
                DepKind::Provides => (*s).provides,
                DepKind::Requires | DepKind::PreRequires => (*s).requires,
                DepKind::Conflicts => (*s).conflicts,
                DepKind::Obsoletes => (*s).obsoletes,
                DepKind::Recommends => (*s).recommends,
                DepKind::Suggests => (*s).suggests,
                DepKind::Supplements => (*s).supplements,
                DepKind::Enhances => (*s).enhances,
            };
            ((*s).repo, offset)
        };
        if repo.is_null() || offset == 0 {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut behind_pre = false;
        // SAFETY: a non-zero offset points at a zero-terminated list in the repository's id array.
        unsafe {
            let mut at = (*repo).idarraydata.add(offset as usize);
            while *at != 0 {
                let id = *at;
                at = at.add(1);
                if id == self.known.file_marker {
                    break;
                }
                if id == self.known.prereq_marker {
                    behind_pre = true;
                    continue;
                }
                let wanted = match kind {
                    DepKind::Requires => !behind_pre,
                    DepKind::PreRequires => behind_pre,
                    _ => true,
                };
                if wanted {
                    out.push(Id(id));
                }
            }
        }
        out
    }

    fn number(&self, solvable: SolvId, key: c::Id) -> u64 {
        // SAFETY: the solvable is of this pool.
        unsafe { c::solvable_lookup_num(self.checked(solvable), key, 0) }
    }

    /// Size of the file, size of what it installs, build time.
    pub fn numbers(&self, solvable: SolvId) -> (u64, u64, u64) {
        (
            self.number(solvable, self.known.size),
            self.number(solvable, self.known.installed_size),
            self.number(solvable, self.known.build_time),
        )
    }

    /// Path of the file in its repository.
    pub fn href(&self, solvable: SolvId) -> String {
        let mut media = 0;
        // SAFETY: the solvable is of this pool; the text is copied at once.
        unsafe {
            owned(c::solvable_lookup_location(
                self.checked(solvable),
                &raw mut media,
            ))
        }
    }

    /// `xml:base`, empty when there is none.
    pub fn base(&self, solvable: SolvId) -> String {
        // SAFETY: as in `href`.
        unsafe {
            owned(c::solvable_lookup_str(
                self.checked(solvable),
                self.known.base,
            ))
        }
    }

    /// Name of the source package's file.
    pub fn source_rpm(&self, solvable: SolvId) -> String {
        // SAFETY: as in `href`.
        unsafe { owned(c::solvable_lookup_sourcepkg(self.checked(solvable))) }
    }

    /// Vendor.
    pub fn vendor(&self, solvable: SolvId) -> &str {
        // SAFETY: inside the array of solvables.
        let vendor = unsafe { (*self.checked(solvable)).vendor };
        if vendor == 0 { "" } else { self.str(vendor) }
    }

    /// Algorithm name and digits of the file's digest.
    pub fn checksum(&self, solvable: SolvId) -> Option<(&'static str, String)> {
        let mut kind = 0;
        // SAFETY: as in `href`.
        let hex = unsafe {
            owned(c::solvable_lookup_checksum(
                self.checked(solvable),
                self.known.checksum,
                &raw mut kind,
            ))
        };
        let k = &self.known;
        let name = [
            (k.md5, "md5"),
            (k.sha1, "sha1"),
            (k.sha224, "sha224"),
            (k.sha256, "sha256"),
            (k.sha384, "sha384"),
            (k.sha512, "sha512"),
        ]
        .into_iter()
        .find(|(id, _)| *id == kind)?
        .1;
        (!hex.is_empty()).then_some((name, hex))
    }

    /// Files known of a package, in stored order.
    pub fn files(&self, solvable: SolvId) -> Vec<String> {
        let mut out = Vec::new();
        self.search_files(Some(solvable), None, |_, path| out.push(path.to_owned()));
        out
    }

    /// Packages whose known files match a path, or a glob if it holds `*`, `?` or `[`.
    pub fn with_file(&self, pattern: &str) -> Vec<SolvId> {
        let mut out = Vec::new();
        self.search_files(None, Some(pattern), |s, _| {
            if out.last() != Some(&s) {
                out.push(s);
            }
        });
        out.sort_unstable();
        out.dedup();
        out
    }

    fn search_files(
        &self,
        solvable: Option<SolvId>,
        pattern: Option<&str>,
        mut found: impl FnMut(SolvId, &str),
    ) {
        let Ok(text) = crate::pool::cstring(pattern.unwrap_or_default()) else {
            return;
        };
        let glob = pattern.is_some_and(|p| p.contains(['*', '?', '[']));
        let mode = match (pattern, glob) {
            (None, _) => 0,
            (Some(_), true) => c::SEARCH_GLOB,
            (Some(_), false) => c::SEARCH_STRING,
        };
        if let Some(s) = solvable {
            self.checked(s);
        }
        let mut di = std::mem::MaybeUninit::<c::Dataiterator>::zeroed();
        // SAFETY: the pool is live; dataiterator_init fills the structure; the pattern outlives the
        // iteration (libsolv also copies it); each step leaves `kv.str` valid until the next one.
        unsafe {
            let ok = c::dataiterator_init(
                di.as_mut_ptr(),
                self.raw(),
                std::ptr::null_mut(),
                solvable.map_or(0, |s| s.0),
                self.known.filelist,
                pattern.map_or(std::ptr::null(), |_| text.as_ptr()),
                (mode | c::SEARCH_FILES | c::SEARCH_COMPLETE_FILELIST) as i32,
            );
            let di = di.assume_init_mut();
            if ok == 0 {
                while c::dataiterator_step(di) != 0 {
                    if !di.kv.str_.is_null() {
                        let path = std::ffi::CStr::from_ptr(di.kv.str_).to_string_lossy();
                        found(SolvId(di.solvid), &path);
                    }
                }
            }
            c::dataiterator_free(di);
        }
    }

    /// Files the index found to be asked for by somebody, and those of
    /// [`Pool::add_file_provide`].
    pub fn file_provides(&self, solvable: SolvId) -> Vec<Id> {
        let s = self.checked(solvable);
        let mut out = Vec::new();
        let mut behind = false;
        // SAFETY: a non-zero offset points at a zero-terminated list in the repository's id array.
        unsafe {
            if (*s).repo.is_null() || (*s).provides == 0 {
                return out;
            }
            let mut at = (*(*s).repo).idarraydata.add((*s).provides as usize);
            while *at != 0 {
                if behind {
                    out.push(Id(*at));
                }
                behind |= *at == self.known.file_marker;
                at = at.add(1);
            }
        }
        out
    }

    /// Every path that some package's requires, conflicts, obsoletes or weak dependencies name, in
    /// id order.
    pub fn file_deps(&self) -> Vec<Id> {
        let pool = self.pool();
        let mut seen = vec![false; pool.ss.nstrings.max(0) as usize];
        let mut out = Vec::new();
        for number in 2..pool.nsolvables {
            // SAFETY: inside the array of solvables; a non-zero offset points at a
            // zero-terminated list in the repository's id array.
            unsafe {
                let s = &*pool.solvables.add(number as usize);
                if s.repo.is_null() {
                    continue;
                }
                for offset in [
                    s.requires,
                    s.conflicts,
                    s.obsoletes,
                    s.recommends,
                    s.suggests,
                    s.supplements,
                    s.enhances,
                ] {
                    if offset == 0 {
                        continue;
                    }
                    let mut at = (*s.repo).idarraydata.add(offset as usize);
                    while *at != 0 {
                        self.note_paths(*at, &mut seen, &mut out);
                        at = at.add(1);
                    }
                }
            }
        }
        out.sort_unstable();
        out
    }

    fn note_paths(&self, mut id: c::Id, seen: &mut [bool], out: &mut Vec<Id>) {
        while let Some((left, op, right)) = self.parts(Id(id)) {
            if !op.is_comparison() {
                self.note_paths(right.0, seen, out);
            }
            id = left.0;
        }
        if let Some(flag) = seen.get_mut(id as usize).filter(|flag| !**flag) {
            *flag = true;
            if self.str(id).starts_with('/') {
                out.push(Id(id));
            }
        }
    }
}
