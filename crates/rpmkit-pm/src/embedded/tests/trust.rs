//! A layer is found again only where the same packages would be trusted in the same way.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rpmkit_sandbox::IdMode;

use crate::embedded::*;
use rpmkit_repo::{CacheDirs, FetchOptions, Vars};
use rpmkit_store::{
    Direct, Disk, Driver, LockHolder, Mapping, StoreFormat, StoreOptions, chroot::Unchecked,
};
use rpmkit_types::{Checksum, Evr, Location, Nevra};

fn store(home: &Path) -> Store {
    Store::open(StoreOptions {
        home: home.to_owned(),
        format: StoreFormat::new(
            nix::unistd::getuid().as_raw(),
            Mapping::Root,
            Driver::Overlay,
        ),
        hands: Box::new(Direct(crate::TEST_OPS)),
        holder: LockHolder {
            pid: std::process::id(),
            command: "a test".into(),
            since: 0,
        },
        events: Events::silent(),
        disk: Disk::default(),
    })
    .unwrap()
}

/// A package of repository `r`. Its file does not exist: whoever wants to read it fails.
fn package() -> Package {
    serde_json::from_value(serde_json::json!({
        "nevra": Nevra::new("a", Evr::new(0, "1", "1"), "noarch"),
        "repo": "r",
        "checksum": Checksum::sha256(b"a"),
        "location": Location { href: "a.rpm".into(), base: None },
    }))
    .unwrap()
}

fn finished(pm: &Embedded, id: &LayerId, parent: Option<&Layer>, unsigned: &[&str]) -> Layer {
    match pm.store.build(id, parent).unwrap() {
        Slot::Ready(layer) => layer,
        Slot::Make(pending) => pending
            .publish(&LayerSpec {
                kind: LayerKind::BuildDeps,
                packages: vec![package()],
                note: String::new(),
                dependencies: BTreeSet::new(),
                unsigned: Some(unsigned.iter().map(|&id| id.to_owned()).collect()),
            })
            .unwrap(),
    }
}

/// A package manager whose tool root is there already.
fn manager(home: &Path, conf: &str) -> Embedded {
    let tools = PmParts {
        mode: IdMode::Single,
        emulation: None,
        store: store(home),
        fetcher: Arc::new(Fetcher::new(
            CacheDirs::below(home),
            FetchOptions::default(),
            Events::silent(),
        )),
        solver_cache: home.join("solver"),
        events: Events::silent(),
    };
    let set = RepoSet::parse(conf, &Vars::for_target("x86_64", "40")).unwrap();
    let pm = Embedded::new(tools, set, "x86_64", TransactionOptions::default());
    let tool_root = finished(&pm, &LayerId::of(b"tools"), None, &[]);
    pm.state.tool_root.set(tool_root).unwrap();
    pm
}

#[test]
fn a_layer_is_only_found_where_its_packages_are_trusted_alike() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for name in ["key", "other"] {
        std::fs::write(home.join(name), name).unwrap();
    }
    let section = |lines: &str| format!("[r]\nbaseurl={}\n{lines}\n", home.display());
    let signed = |key| section(&format!("gpgcheck=1\ngpgkey={}", home.join(key).display()));
    let ways = [
        section("gpgcheck=0"),
        section(""),
        format!("[main]\ngpgcheck=0\n{}", section("")),
        signed("key"),
        signed("other"),
    ];
    let solution = Solution {
        install: vec![package()],
        ..Solution::default()
    };
    let parent = |pm: &Embedded| finished(pm, &LayerId::of(b"base"), None, &[]);
    for way in &ways {
        let pm = manager(home, way);
        // Nothing made in any of the ways before will do: the package itself is looked for.
        let error = pm.extend(&parent(&pm), &[], &solution, "").unwrap_err();
        assert!(matches!(error, PmError::Repo(_)), "{way}: {error}");
        let id = pm.extension(&parent(&pm), &solution).unwrap();
        finished(&pm, &id, Some(&parent(&pm)), &[]);
    }
    for way in &ways {
        // Another process, the same way: a layer that is there needs no package.
        let pm = manager(home, way);
        let layer = pm.extend(&parent(&pm), &[], &solution, "").unwrap();
        assert_eq!(layer.id(), &pm.extension(&parent(&pm), &solution).unwrap());
    }
}

#[test]
fn what_was_not_verified_is_doubted_once_its_repository_asks_for_it() {
    let home = tempfile::tempdir().unwrap();
    let root = |repos: &[&str]| Unchecked {
        repos: repos.iter().map(|&id| id.to_owned()).collect(),
        unknown: false,
    };
    let doubts = |conf: &str, root: &Unchecked| {
        let found = manager(home.path(), conf).doubts(root);
        let list = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>().join(" ");
        (list(found.unverified), list(found.strange), found.unknown)
    };
    let said = |a: &str, b: &str, unknown| (a.to_owned(), b.to_owned(), unknown);
    let fine = || said("", "", false);
    let of_r = root(&["r"]);
    assert_eq!(doubts("[r]\nbaseurl=/x\n[s]\nbaseurl=/y\n", &of_r), fine());
    let both = "[r]\nbaseurl=/x\ngpgcheck=1\n[s]\nbaseurl=/y\n";
    assert_eq!(doubts(both, &of_r), said("r", "", false));
    // Another repository's check says nothing of this one's packages.
    let other = "[r]\nbaseurl=/x\n[s]\nbaseurl=/y\ngpgcheck=1\n";
    assert_eq!(doubts(other, &of_r), fine());
    // One that was given for a single command, or is another configuration's, is told.
    let strict = "[s]\nbaseurl=/y\ngpgcheck=1\n";
    assert_eq!(doubts(strict, &of_r), said("", "r", false));
    assert_eq!(doubts("[s]\nbaseurl=/y\n", &of_r), fine());
    let local = manager(
        home.path(),
        "[main]\nlocalpkg_gpgcheck=1\n[r]\nbaseurl=/x\n",
    );
    assert_eq!(local.doubts(&root(&[""])).unverified.len(), 1);
    assert_eq!(doubts("[r]\nbaseurl=/x\n", &root(&[""])), fine());
    let old = Unchecked {
        unknown: true,
        ..Unchecked::default()
    };
    assert_eq!(doubts(strict, &old), said("", "", true));
    assert_eq!(doubts("[r]\nbaseurl=/x\n", &old), fine());
}

#[test]
fn without_a_word_about_it_the_best_is_wanted_as_by_the_targets_dnf() {
    let home = tempfile::tempdir().unwrap();
    let best = |lines: &str, hand_over| {
        let conf = format!("[main]\n{lines}[r]\nbaseurl={}\n", home.path().display());
        let mut pm = manager(home.path(), &conf);
        pm.options.hand_over = hand_over;
        pm.request().best
    };
    assert!(best("", HandOver::Decisions) && !best("", HandOver::Metadata));
    assert!(!best("best=0\n", HandOver::Decisions) && best("best=1\n", HandOver::Metadata));
}
