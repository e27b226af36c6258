//! A repository as the solver needs it: verified local files and the settings that matter here.

use std::{fmt, sync::Arc};

use rpmkit_types::Packed;

/// Tells where a metadata file is, if it is on this machine.
type Here = Arc<dyn Fn() -> Option<Packed> + Send + Sync>;

/// Fetches a metadata file only when somebody needs it.
type Fetch = Arc<dyn Fn() -> Result<Packed, String> + Send + Sync>;

/// filelists.xml, which few requests need and which is large.
#[derive(Clone, Default)]
pub enum Filelists {
    /// The repository has none.
    #[default]
    None,
    /// Already here.
    Path(Packed),
    /// To be fetched when a path is asked for that primary metadata does not list.
    Fetch(Here, Fetch),
}

impl Filelists {
    /// Wraps a way to fetch the file.
    pub fn fetch(fetch: impl Fn() -> Result<Packed, String> + Send + Sync + 'static) -> Self {
        Self::lazy(|| None, fetch)
    }

    /// Wraps a way to find the file where it is on this machine already, and one to fetch it.
    pub fn lazy(
        here: impl Fn() -> Option<Packed> + Send + Sync + 'static,
        fetch: impl Fn() -> Result<Packed, String> + Send + Sync + 'static,
    ) -> Self {
        Self::Fetch(Arc::new(here), Arc::new(fetch))
    }

    /// The file, if nothing has to be fetched for it.
    pub(crate) fn at_hand(&self) -> Option<Packed> {
        match self {
            Self::None => None,
            Self::Path(file) => Some(file.clone()),
            Self::Fetch(here, _) => here(),
        }
    }

    /// The file, fetched if need be.
    pub(crate) fn path(&self) -> Result<Option<Packed>, String> {
        match self {
            Self::None => Ok(None),
            Self::Path(file) => Ok(Some(file.clone())),
            Self::Fetch(_, fetch) => fetch().map(Some),
        }
    }
}

impl fmt::Debug for Filelists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Path(file) => write!(f, "Path({})", file.path.display()),
            Self::Fetch(..) => f.write_str("Fetch"),
        }
    }
}

/// One repository. The order of repositories is the order of their definition, as with dnf.
#[derive(Debug, Clone)]
pub struct SolveRepo {
    /// Its id.
    pub id: String,
    /// Digest of its repomd.xml: names the binary cache. Empty for none, and then nothing is cached.
    pub cache_key: String,
    /// Smaller is better; dnf's default is 99.
    pub priority: i32,
    /// Decides between equals, smaller is better; dnf's default is 1000.
    pub cost: i32,
    /// Its packages are not subject to module filtering.
    pub module_hotfixes: bool,
    /// `excludepkgs`
    pub excludepkgs: Vec<String>,
    /// `includepkgs`
    pub includepkgs: Vec<String>,
    /// primary.xml, compressed as it came. None for a repository without packages.
    pub primary: Option<Packed>,
    /// filelists.xml
    pub filelists: Filelists,
    /// comps.xml (groups)
    pub comps: Option<Packed>,
    /// modules.yaml
    pub modules: Option<Packed>,
}

impl SolveRepo {
    /// A repository with dnf's default settings.
    pub fn new(id: impl Into<String>, cache_key: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            cache_key: cache_key.into(),
            priority: 99,
            cost: 1000,
            module_hotfixes: false,
            excludepkgs: Vec::new(),
            includepkgs: Vec::new(),
            primary: None,
            filelists: Filelists::None,
            comps: None,
            modules: None,
        }
    }
}
