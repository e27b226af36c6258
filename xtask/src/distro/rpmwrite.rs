//! One description of a package, whatever it comes from, and its `.rpm`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, FileOptions, FileVerifyFlags, Package,
    PackageBuilder, Scriptlet, Timestamp,
};

use super::deb::DebKind;
use super::depmap::Evr;

/// Payload level: the packages are made once and read often, but must be made in seconds.
const ZSTD_LEVEL: i32 = 6;

/// Relations of a package.
#[derive(Debug, Default, Clone)]
pub struct Deps {
    /// Provides.
    pub provides: Vec<Dependency>,
    /// Requires.
    pub requires: Vec<Dependency>,
    /// Conflicts.
    pub conflicts: Vec<Dependency>,
    /// Obsoletes.
    pub obsoletes: Vec<Dependency>,
    /// Recommends.
    pub recommends: Vec<Dependency>,
    /// Suggests.
    pub suggests: Vec<Dependency>,
    /// Enhances.
    pub enhances: Vec<Dependency>,
    /// Supplements.
    pub supplements: Vec<Dependency>,
}

/// A scriptlet and when it runs.
#[derive(Clone)]
pub enum Script {
    /// `%pre`
    Pre(Scriptlet),
    /// `%post`
    Post(Scriptlet),
    /// `%preun`
    PreUn(Scriptlet),
    /// `%posttrans`
    PostTrans(Scriptlet),
    /// `%transfiletriggerin` for a path prefix.
    TransFileIn(&'static str, Scriptlet),
}

/// What rpm shall think of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Nothing special.
    Plain,
    /// `%config(noreplace)`
    Config,
    /// `%doc`
    Doc,
    /// `%license`
    License,
    /// `%ghost`
    Ghost,
    /// `%config(noreplace)` that is expected to change, such as `/etc/passwd`.
    State,
}

/// One file.
#[derive(Debug, Clone)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// What it is.
    pub kind: DebKind,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub user: String,
    /// Group.
    pub group: String,
    /// Modification time, seconds since 1970.
    pub mtime: u32,
    /// What rpm shall think of it.
    pub nature: Nature,
    /// `%lang`, or empty.
    pub language: String,
    /// File capabilities as text.
    pub caps: Option<&'static str>,
}

impl File {
    /// A file of root's with these contents.
    pub fn new(path: &str, kind: DebKind, mode: u16) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            mode,
            user: "root".into(),
            group: "root".into(),
            mtime: super::EPOCH,
            nature: Nature::Plain,
            language: String::new(),
            caps: None,
        }
    }

    /// A regular file.
    pub fn text(path: &str, content: &str, mode: u16) -> Self {
        Self::new(path, DebKind::File(content.as_bytes().to_vec()), mode)
    }

    /// A directory.
    pub fn dir(path: &str, mode: u16) -> Self {
        Self::new(path, DebKind::Dir, mode)
    }

    /// A symbolic link.
    pub fn link(path: &str, target: &str) -> Self {
        Self::new(path, DebKind::Symlink(target.to_owned()), 0o777)
    }

    /// Its contents, if it is a regular file.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.kind {
            DebKind::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The same, thought of otherwise.
    pub fn nature(mut self, nature: Nature) -> Self {
        self.nature = nature;
        self
    }

    /// The same with an owner.
    pub fn owned(mut self, user: &str, group: &str) -> Self {
        self.user = user.to_owned();
        self.group = group.to_owned();
        self
    }
}

/// A package to be written.
#[derive(Clone)]
pub struct Spec {
    /// Name.
    pub name: String,
    /// Version.
    pub evr: Evr,
    /// RPM architecture.
    pub arch: String,
    /// One line.
    pub summary: String,
    /// Several lines.
    pub description: String,
    /// Home page, or empty.
    pub url: String,
    /// Licence, as far as known.
    pub license: String,
    /// Relations.
    pub deps: Deps,
    /// Scriptlets.
    pub scripts: Vec<Script>,
    /// Files; a later one of the same path is ignored.
    pub files: Vec<File>,
}

impl Spec {
    /// A package of our own.
    pub fn own(name: &str, version: &str, arch: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            evr: Evr {
                epoch: None,
                version: version.to_owned(),
                release: "1.td1".to_owned(),
            },
            arch: arch.to_owned(),
            summary: summary.to_owned(),
            description: summary.to_owned(),
            url: String::new(),
            license: "MIT".to_owned(),
            deps: Deps::default(),
            scripts: Vec::new(),
            files: Vec::new(),
        }
    }

    /// `NAME-VERSION-RELEASE.ARCH.rpm`.
    pub fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}.rpm",
            self.name, self.evr.version, self.evr.release, self.arch
        )
    }

    /// Builds the package.
    pub fn build(self) -> Result<Package> {
        self.build_with(CompressionWithLevel::Zstd(ZSTD_LEVEL))
    }

    /// The same with another compression.
    pub fn build_with(self, compression: CompressionWithLevel) -> Result<Package> {
        let label = self.file_name();
        self.assemble(compression)
            .with_context(|| format!("cannot make `{label}`"))
    }

    fn assemble(self, compression: CompressionWithLevel) -> Result<Package> {
        let newest = self
            .files
            .iter()
            .map(|file| file.mtime)
            .max()
            .unwrap_or(super::EPOCH);
        let mut builder = PackageBuilder::new(
            &self.name,
            &self.evr.version,
            &self.license,
            &self.arch,
            &self.summary,
        );
        // A fixed build time makes the same recipe give the same bytes.
        builder
            .using_config(
                BuildConfig::v4()
                    .compression(compression)
                    .source_date(Timestamp(newest)),
            )
            .release(&self.evr.release)
            .description(&self.description)
            .vendor("rpmkit test distribution")
            .packager("rpmkit")
            .build_host("localhost")
            .group("Unspecified")
            .add_changelog_entry(
                format!("rpmkit <rpmkit@localhost> - {}", self.evr),
                "- Made for the test distribution",
                Timestamp(newest),
            );
        if let Some(epoch) = self.evr.epoch {
            builder.epoch(epoch);
        }
        if !self.url.is_empty() {
            builder.url(&self.url);
        }
        relations(&mut builder, self.deps);
        for script in self.scripts {
            match script {
                Script::Pre(text) => builder.pre_install_script(text),
                Script::Post(text) => builder.post_install_script(text),
                Script::PreUn(text) => builder.pre_uninstall_script(text),
                Script::PostTrans(text) => builder.post_trans_script(text),
                Script::TransFileIn(path, text) => builder.trans_file_trigger_in(path, None, text),
            };
        }
        add_files(&mut builder, self.files)?;
        Ok(builder.build()?)
    }
}

fn relations(builder: &mut PackageBuilder, deps: Deps) {
    for one in deps.provides {
        builder.provides(one);
    }
    for one in deps.requires {
        builder.requires(one);
    }
    for one in deps.conflicts {
        builder.conflicts(one);
    }
    for one in deps.obsoletes {
        builder.obsoletes(one);
    }
    for one in deps.recommends {
        builder.recommends(one);
    }
    for one in deps.suggests {
        builder.suggests(one);
    }
    for one in deps.enhances {
        builder.enhances(one);
    }
    for one in deps.supplements {
        builder.supplements(one);
    }
}

fn add_files(builder: &mut PackageBuilder, files: Vec<File>) -> Result<()> {
    let mut by_path: BTreeMap<String, File> = BTreeMap::new();
    for file in files {
        by_path.entry(file.path.clone()).or_insert(file);
    }
    // A hard link is the same bytes under an identity all its names share: the path of the first.
    let linked: BTreeMap<String, String> = by_path
        .values()
        .filter_map(|file| match &file.kind {
            DebKind::Hardlink(target) => Some((file.path.clone(), target.clone())),
            _ => None,
        })
        .collect();
    for (path, target) in &linked {
        let original = by_path
            .get(target)
            .with_context(|| format!("`{path}` links to `{target}`, which is missing"))?;
        let copy = File {
            path: path.clone(),
            ..original.clone()
        };
        by_path.insert(path.clone(), copy);
    }
    for file in by_path.into_values() {
        let identity = linked.get(&file.path).cloned().or_else(|| {
            linked
                .values()
                .any(|target| *target == file.path)
                .then(|| file.path.clone())
        });
        add_file(builder, file, identity)?;
    }
    Ok(())
}

fn add_file(builder: &mut PackageBuilder, file: File, identity: Option<String>) -> Result<()> {
    let ghost = file.nature == Nature::Ghost;
    let mut options = match &file.kind {
        DebKind::Dir if ghost => FileOptions::ghost_dir(&file.path),
        DebKind::Dir => FileOptions::dir(&file.path),
        DebKind::Symlink(target) => FileOptions::symlink(&file.path, target),
        _ if ghost => FileOptions::ghost(&file.path),
        _ => FileOptions::new(&file.path),
    };
    if !matches!(file.kind, DebKind::Symlink(_)) {
        options = options.permissions(file.mode);
    }
    options = options
        .user(&file.user)
        .group(&file.group)
        .modified_at(Timestamp(file.mtime));
    options = match file.nature {
        Nature::Config if !matches!(file.kind, DebKind::Symlink(_)) => options.config().noreplace(),
        Nature::State => options.config().noreplace().verify(
            FileVerifyFlags::ALL_FLAGS
                - FileVerifyFlags::FILEDIGEST
                - FileVerifyFlags::FILESIZE
                - FileVerifyFlags::MTIME,
        ),
        Nature::Doc => options.doc(),
        Nature::License => options.license(),
        Nature::Plain | Nature::Ghost | Nature::Config => options,
    };
    if !file.language.is_empty() {
        options = options.language(&file.language);
    }
    if let Some(caps) = file.caps {
        options = options.caps(caps)?;
    }
    if let Some(identity) = identity {
        options = options.hardlink(identity);
    }
    match file.kind {
        _ if ghost => builder.with_ghost(options)?,
        DebKind::Dir => builder.with_dir_entry(options)?,
        DebKind::Symlink(_) => builder.with_symlink(options)?,
        DebKind::File(bytes) => builder.with_file_contents(bytes, options)?,
        DebKind::Hardlink(target) => anyhow::bail!("hard link to `{target}` left over"),
    };
    Ok(())
}
