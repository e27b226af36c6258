//! What mock's `scm_opts` says unless the configuration says something else (`site-defaults.cfg`
//! documents it).

/// The value of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScmDefault {
    /// Python's `None`.
    Unset,
    /// A text.
    Text(&'static str),
    /// A truth value.
    Flag(bool),
}

/// Every option that has a default, in mock's order.
pub const SCM_DEFAULTS: &[(&str, ScmDefault)] = &[
    ("method", ScmDefault::Text("git")),
    (
        "cvs_get",
        ScmDefault::Text("cvs -d /srv/cvs co SCM_BRN SCM_PKG"),
    ),
    (
        "git_get",
        ScmDefault::Text("git clone SCM_BRN git://localhost/SCM_PKG.git SCM_PKG"),
    ),
    (
        "svn_get",
        ScmDefault::Text("svn co file:///srv/svn/SCM_PKG/SCM_BRN SCM_PKG"),
    ),
    (
        "distgit_get",
        ScmDefault::Text("rpkg clone -a --branch SCM_BRN SCM_PKG SCM_PKG"),
    ),
    ("distgit_src_get", ScmDefault::Text("rpkg sources")),
    ("spec", ScmDefault::Text("SCM_PKG.spec")),
    ("int_src_dir", ScmDefault::Unset),
    ("ext_src_dir", ScmDefault::Text("/dev/null")),
    ("write_tar", ScmDefault::Flag(false)),
    ("git_timestamps", ScmDefault::Flag(false)),
    ("exclude_vcs", ScmDefault::Flag(true)),
];

/// The text an option has by default; `None` for one that has none or is no text.
pub fn scm_default_text(name: &str) -> Option<&'static str> {
    let (_, value) = SCM_DEFAULTS.iter().find(|(known, _)| *known == name)?;
    match value {
        ScmDefault::Text(text) => Some(text),
        ScmDefault::Unset | ScmDefault::Flag(_) => None,
    }
}
