//! Defaults that depend on the host, or that a plain table cannot say.

use rpmkit_types::scm::{SCM_DEFAULTS, ScmDefault};

use crate::{Dict, HostFacts, Value};

pub(super) fn host_arch(host: &HostFacts) -> Option<Value> {
    Some(host.arch.as_str().into())
}

pub(super) fn chrootuid(host: &HostFacts) -> Option<Value> {
    Some(host.uid.into())
}

/// mock leaves it unset where the host has no group of that name.
pub(super) fn chrootgid(host: &HostFacts) -> Option<Value> {
    host.groups.get("mock").map(|gid| (*gid).into())
}

pub(super) fn run_uuid(host: &HostFacts) -> Option<Value> {
    Some(host.run_id.as_str().into())
}

pub(super) fn version(_: &HostFacts) -> Option<Value> {
    Some(env!("CARGO_PKG_VERSION").into())
}

pub(super) fn plugin_dir(_: &HostFacts) -> Option<Value> {
    Some("/usr/lib/python3/site-packages/mockbuild/plugins".into())
}

pub(super) fn ca_trust_dirs(_: &HostFacts) -> Option<Value> {
    let pair = |path: &str| Value::Tuple(vec![path.into(), path.into()]);
    Some(Value::List(vec![
        pair("/etc/pki/ca-trust"),
        pair("/usr/share/pki/ca-trust-source"),
    ]))
}

pub(super) fn dnf5_avoid_opts(_: &HostFacts) -> Option<Value> {
    let without = || vec!["--allowerasing"];
    let words = [
        "remove",
        "repoquery",
        "makecache",
        "search",
        "info",
        "download",
    ];
    Some(Dict::from_iter(words.map(|word| (word, without()))).into())
}

pub(super) fn macros(_: &HostFacts) -> Option<Value> {
    Some(
        Dict::from_iter([
            ("%_topdir", "/builddir/build"),
            (
                "%_rpmfilename",
                "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
            ),
        ])
        .into(),
    )
}

pub(super) fn scm_opts(_: &HostFacts) -> Option<Value> {
    let mut dict = Dict::new();
    for (name, value) in SCM_DEFAULTS {
        dict.set(
            *name,
            match *value {
                ScmDefault::Unset => Value::None,
                ScmDefault::Text(text) => text.into(),
                ScmDefault::Flag(flag) => flag.into(),
            },
        );
    }
    Some(dict.into())
}
