//! Loading: the files in mock's order, then what the loader adds, then the command line.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Config, ConfigError, HostFacts, Level, LoadRequest, Message, Origin, Place, Search, Value,
    draft::Draft,
    files::{self, Files, MAX_DEPTH},
    overrides, python,
    toml::{self, Chroots, Repos},
};

/// A definition that was found.
pub(super) enum Found {
    /// A file of its own.
    File(PathBuf),
    /// A line of a `chroots.toml`.
    Line(PathBuf),
}

impl Found {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Line(path) => path,
        }
    }
}

/// Loads one configuration. Parsed files are kept, so that loading many is cheap.
#[derive(Default)]
pub struct Loader {
    chroots: HashMap<PathBuf, Arc<Chroots>>,
    python: python::Cache,
    /// Whether only descriptions are wanted, and nothing has to be looked over.
    pub(super) listing: bool,
}

/// Loads the configuration that is asked for.
pub fn load(request: &LoadRequest) -> Result<Config, ConfigError> {
    Loader::default().load(request)
}

impl Loader {
    /// A loader that leaves out what lists do not show.
    pub(super) fn for_listing() -> Self {
        Self {
            listing: true,
            ..Self::default()
        }
    }

    /// The lines of a directory's `chroots.toml`, if it has one.
    pub(super) fn chroots(&mut self, path: &Path) -> Result<Option<Arc<Chroots>>, ConfigError> {
        if let Some(known) = self.chroots.get(path) {
            return Ok(Some(Arc::clone(known)));
        }
        if !files::exists(path) {
            return Ok(None);
        }
        let chroots = Arc::new(Chroots::parse(path, files::read(path)?)?);
        self.chroots.insert(path.to_owned(), Arc::clone(&chroots));
        Ok(Some(chroots))
    }

    /// Finds the definition a `-r` means.
    pub(super) fn find(&mut self, request: &LoadRequest) -> Result<Found, ConfigError> {
        let root = request.root.as_str();
        if root.ends_with(".cfg") || root.ends_with(".toml") {
            let path = request.host.cwd.join(root);
            if path.exists() {
                // mock shows the path as it was given.
                return Ok(Found::File(if request.host.cwd.as_os_str().is_empty() {
                    root.into()
                } else {
                    path
                }));
            }
            return Err(super::hints::not_found(self, request, &[path]));
        }
        let extensions = match request.search {
            Search::Rpmkit => ["toml", "cfg"],
            Search::Mock => ["cfg", "toml"],
        };
        let mut dirs = request.chroot_dirs();
        if request.builtin {
            dirs.push(files::BUILTIN.into());
        }
        for dir in &dirs {
            for extension in extensions {
                let path = dir.join(format!("{root}.{extension}"));
                if files::exists(&path) {
                    return Ok(Found::File(path));
                }
            }
            let lines = dir.join("chroots.toml");
            if self
                .chroots(&lines)?
                .is_some_and(|chroots| chroots.get(root).is_some())
            {
                return Ok(Found::Line(lines));
            }
        }
        let looked: Vec<PathBuf> = request
            .chroot_dirs()
            .iter()
            .map(|dir| dir.join(format!("{root}.{}", extensions[0])))
            .collect();
        Err(super::hints::not_found(self, request, &looked))
    }

    /// Loads the configuration that is asked for.
    pub fn load(&mut self, request: &LoadRequest) -> Result<Config, ConfigError> {
        let (draft, found) = self.files(request)?;
        finish(request, draft, found.path(), self.listing)
    }

    /// Runs through all files.
    pub(super) fn files(&mut self, request: &LoadRequest) -> Result<(Draft, Found), ConfigError> {
        let found = self.find(request)?;
        let mut reading = Reading::new(self, request);
        reading.start(found.path());
        reading.shared()?;
        reading.definition(&found)?;
        reading.user()?;
        let draft = reading.draft;
        Ok((draft, found))
    }
}

/// One run through the files.
pub(super) struct Reading<'a> {
    pub(super) loader: &'a mut Loader,
    pub(super) request: &'a LoadRequest,
    pub(super) files: Files,
    pub(super) draft: Draft,
    repos: Repos,
}

impl python::Loading for Reading<'_> {
    fn draft(&self) -> &Draft {
        &self.draft
    }

    fn draft_mut(&mut self) -> &mut Draft {
        &mut self.draft
    }

    fn host(&self) -> &HostFacts {
        &self.request.host
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn parsed(&mut self) -> &mut python::Cache {
        &mut self.loader.python
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(loader: &'a mut Loader, request: &'a LoadRequest) -> Self {
        Self {
            loader,
            request,
            files: request.files(),
            draft: Draft::new(&request.host),
            repos: Repos::default(),
        }
    }

    /// What is set before the first file.
    fn start(&mut self, path: &Path) {
        let root = self.request.root.as_str();
        let name = if root.ends_with(".cfg") || root.ends_with(".toml") {
            Path::new(root)
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        } else {
            root.to_owned()
        };
        let dir = self.request.config_path().to_string_lossy().into_owned();
        let mut set = |name: &str, value: String| {
            self.draft
                .set(name, value, Origin::Derived("the command line"));
        };
        set("config_path", dir);
        set("chroot_name", name);
        set("config_file", path.to_string_lossy().into_owned());
    }

    /// The defaults of the site and the retired names, from the least important directory on.
    pub(super) fn shared(&mut self) -> Result<(), ConfigError> {
        let dirs = match &self.request.configdir {
            // A directory given on the command line stands alone, as with mock.
            Some(dir) => vec![dir.clone()],
            None => self.files.dirs.iter().rev().cloned().collect(),
        };
        for dir in dirs {
            for name in [
                "site-defaults.cfg",
                "site-defaults.toml",
                "chroot-aliases.cfg",
            ] {
                self.optional(&dir.join(name))?;
            }
        }
        Ok(())
    }

    /// The user's own settings, which come last.
    fn user(&mut self) -> Result<(), ConfigError> {
        let home = self.request.host.home.clone();
        self.optional(&home.join(".mock/user.cfg"))?;
        self.optional(&home.join(".config/mock.cfg"))?;
        if self.request.search == Search::Rpmkit {
            let own = self.request.host.xdg_config_home.join("rpmkit/user.toml");
            self.optional(&own)?;
        }
        Ok(())
    }

    fn optional(&mut self, path: &Path) -> Result<(), ConfigError> {
        if files::exists(path) {
            self.file(path, 0)?;
        }
        Ok(())
    }

    pub(super) fn definition(&mut self, found: &Found) -> Result<(), ConfigError> {
        match found {
            Found::File(path) => self.file(path, 0)?,
            Found::Line(path) => {
                let root = self.request.root.clone();
                self.note(path, 0);
                self.line(path, &root, 0)?;
            }
        }
        if !self.repos.is_empty() {
            let existing = self.draft.value("dnf.conf");
            let text = self
                .repos
                .dnf_conf(existing.as_ref().and_then(Value::as_str));
            let file = found.path().to_owned();
            self.draft
                .set("dnf.conf", text, Origin::File { file, line: 0 });
            self.repos = Repos::default();
        }
        Ok(())
    }

    /// Notes a file; those others extend are not announced.
    fn note(&mut self, path: &Path, depth: usize) {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if depth == 0 {
            self.draft.messages.push(Message {
                level: Level::Info,
                text: format!("Reading configuration from {}", path.display()),
            });
        }
        self.draft.add_file(real.to_string_lossy().into_owned());
    }

    /// One line of a `chroots.toml`.
    fn line(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), ConfigError> {
        let Some(chroots) = self.loader.chroots(path)? else {
            return Ok(());
        };
        let Some(table) = chroots.get(name) else {
            return Ok(());
        };
        self.table(table, path, chroots.text(), depth)?;
        if self.draft.value("root").unwrap_or_default() == Value::None {
            let file = path.to_owned();
            self.draft.set("root", name, Origin::File { file, line: 0 });
        }
        self.macros()
    }

    /// One file with everything it extends or includes.
    pub(super) fn file(&mut self, path: &Path, depth: usize) -> Result<(), ConfigError> {
        self.note(path, depth);
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = files::read(path)?;
            let document = toml::parse(path, text)?;
            self.table(document.as_table(), path, document.raw(), depth)?;
        } else {
            python::run(self, path)?;
        }
        self.macros()
    }

    fn table(
        &mut self,
        table: &dyn toml_edit::TableLike,
        path: &Path,
        text: &str,
        depth: usize,
    ) -> Result<(), ConfigError> {
        for (name, place) in toml::extends(table, path, text)? {
            self.extend(&name, path, place, depth)?;
        }
        toml::apply(table, path, text, &mut self.draft, &mut self.repos)
    }

    fn extend(
        &mut self,
        name: &str,
        from: &Path,
        place: Place,
        depth: usize,
    ) -> Result<(), ConfigError> {
        if depth >= MAX_DEPTH {
            return Err(ConfigError::Loop {
                place,
                message: format!("files extend each other more than {MAX_DEPTH} deep"),
            });
        }
        let names = toml::candidates(name);
        let near = toml::beside(from, &names)
            .into_iter()
            // A file may extend its namesake of a less important directory, but not itself.
            .find(|path| path != from && files::exists(path));
        let found = near.or_else(|| {
            let mut files = self.files.clone();
            if let Some(at) = files.dirs.iter().position(|dir| from.starts_with(dir)) {
                let itself = names.iter().any(|name| files.dirs[at].join(name) == from);
                if itself {
                    files.dirs.drain(..=at);
                }
            }
            files.find(&names)
        });
        if let Some(path) = found {
            return self.file(&path, depth + 1);
        }
        // A chroot of one line can be extended too.
        let mut dirs = self.request.chroot_dirs();
        if self.request.builtin {
            dirs.push(files::BUILTIN.into());
        }
        for dir in dirs {
            let lines = dir.join("chroots.toml");
            let known = self.loader.chroots(&lines)?;
            if known.is_some_and(|chroots| chroots.get(name).is_some()) {
                self.note(&lines, depth + 1);
                return self.line(&lines, name, depth + 1);
            }
        }
        Err(ConfigError::MissingInclude {
            place,
            wanted: name.to_owned(),
            looked: self.files.looked(&names[0]),
        })
    }

    /// mock's check after each file: names of one word, values that are not empty, a leading `%`.
    fn macros(&mut self) -> Result<(), ConfigError> {
        let Some(Value::Dict(macros)) = self.draft.value("macros") else {
            return Ok(());
        };
        for (name, value) in &macros.0 {
            let text = name.to_string();
            let usable = *value == Value::None || value.truth();
            if !usable || text.split_whitespace().count() != 1 {
                return Err(ConfigError::Macro {
                    name: text,
                    value: value.to_string(),
                });
            }
            if !text.starts_with('%') {
                self.draft.rename_below("macros", name, &format!("%{text}"));
            }
        }
        Ok(())
    }
}

/// What the loader adds once the files are read.
fn finish(
    request: &LoadRequest,
    mut draft: Draft,
    definition: &Path,
    listing: bool,
) -> Result<Config, ConfigError> {
    let truth = |draft: &Draft, name: &str| draft.value(name).is_some_and(|value| value.truth());
    let build_host = draft
        .value("macros")
        .and_then(|macros| Some(macros.as_dict()?.get("%_buildhost").is_some()));
    if truth(&draft, "use_container_host_hostname") && build_host == Some(false) {
        draft.set_below(
            "macros",
            "%_buildhost",
            request.host.fqdn.as_str().into(),
            Origin::Derived("the host's name"),
        );
    }
    draft.set("__jinja_expand", true, Origin::Derived("the loader"));
    if let Some(old) = draft.value("use_bootstrap_container") {
        draft.messages.push(Message {
            level: Level::Warning,
            text: "config_opts['use_bootstrap_container'] is deprecated, please use \
                   config_opts['use_bootstrap'] instead"
                .into(),
        });
        draft.set(
            "use_bootstrap",
            old,
            Origin::Derived("use_bootstrap_container"),
        );
    }
    let paths: Vec<String> = draft.files.clone();
    draft.set("config_paths", paths, Origin::Derived("the files read"));
    let name = draft
        .value("chroot_name")
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default();
    if let Some(overrides) = &request.overrides {
        if !draft.contains("root") {
            return Err(ConfigError::NoRoot { name });
        }
        overrides::apply(overrides, &mut draft, &request.host)?;
    }
    if !listing {
        super::lint::unknown_options(&mut draft);
        super::lint::plugins(&mut draft);
    }
    let raw = draft.finish().map_err(|option| ConfigError::Loop {
        place: Place::file(definition),
        message: format!("option `{option}` contains itself or is nested too deeply"),
    })?;
    Ok(Config::new(name, raw, draft, &request.host))
}
