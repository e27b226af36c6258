//! What a stranger's `.git` and links in a checkout say of the rest of the host.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use rpmkit_tests::{World, chroot, everybody};

use crate::victim::{SECRET, Victim};

const SPEC: &str = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
    Source0: x-1.tar.gz\n%description\nx\n%files\n";

/// A repository of the user's with a secret in it, and a checkout of a stranger's.
fn both(world: &World) -> (PathBuf, PathBuf) {
    world.write("home/private/x.spec", SPEC);
    world.write("home/private/secret", SECRET);
    let private = world.path("home/private");
    world.commit(&private);
    let tree = world.path("tree");
    world.write("tree/x.spec", SPEC);
    world.write("tree/main.c", "");
    world.write("tree/sub/secret", "none");
    world.commit(&tree);
    (private, tree)
}

#[test]
fn a_checkout_is_no_window_to_other_repositories() {
    type Spoil = fn(&World, &Path, &Path);
    let all: [(&str, Spoil); 7] = [
        ("core.worktree", |world, private, _| {
            let config = format!("[core]\n\tworktree = {}\n", private.display());
            world.write("tree/.git/config", &config);
        }),
        ("gitfile", |world, private, tree| {
            fs::remove_dir_all(tree.join(".git")).unwrap();
            let text = format!("gitdir: {}/.git\n", private.display());
            world.write("tree/.git", &text);
        }),
        ("link", |_, private, tree| {
            fs::remove_dir_all(tree.join(".git")).unwrap();
            symlink(private.join(".git"), tree.join(".git")).unwrap();
        }),
        ("commondir", |world, private, tree| {
            fs::remove_dir_all(tree.join(".git")).unwrap();
            world.write("tree/.git/HEAD", "ref: refs/heads/main\n");
            let common = private.join(".git").display().to_string();
            world.write("tree/.git/commondir", &common);
        }),
        ("alternates", |world, private, tree| {
            let objects = private.join(".git/objects").display().to_string();
            world.write("tree/.git/objects/info/alternates", &objects);
            let theirs = fs::read_dir(private.join(".git/refs/heads")).unwrap();
            let branch = theirs.map(Result::unwrap).next().unwrap().path();
            let own = fs::read_dir(tree.join(".git/refs/heads")).unwrap();
            let name = own.map(Result::unwrap).next().unwrap().path();
            fs::write(name, fs::read(branch).unwrap()).unwrap();
        }),
        ("refs", |_, private, tree| {
            fs::remove_dir_all(tree.join(".git/refs")).unwrap();
            symlink(private.join(".git/refs"), tree.join(".git/refs")).unwrap();
        }),
        ("directory", |_, private, tree| {
            // git knows `sub/secret`, and on disk `sub` leads elsewhere.
            fs::remove_dir_all(tree.join("sub")).unwrap();
            symlink(private, tree.join("sub")).unwrap();
        }),
    ];
    for who in everybody() {
        for (name, spoil) in &all {
            let world = World::of(&who);
            let victim = Victim::new(&world);
            let (private, tree) = both(&world);
            spoil(&world, &private, &tree);
            let ran = world.rpmkit(&["srpm", &tree.display().to_string()]);
            if *name == "directory" {
                assert_eq!(ran.code, 0, "{}", ran.stderr);
            } else {
                assert_ne!(ran.code, 0, "{name}: {}", ran.stderr);
            }
            victim.is_safe(&ran, &tree.join("results"));
            assert_eq!(tree.join("results").exists(), ran.code == 0, "{name}");
        }
    }
}

#[test]
fn results_go_through_no_link_of_the_checkout() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let (_, tree) = both(&world);
        symlink(world.path("home"), tree.join("results")).unwrap();
        world.commit(&tree);
        let ran = world.rpmkit(&["build", &tree.display().to_string()]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains("--resultdir"), "{}", ran.stderr);
        assert!(!world.path("home").join(chroot()).exists());
        victim.is_safe(&ran, Path::new("/nonexistent"));
    }
}

#[test]
fn pipes_are_not_waited_for() {
    for who in everybody() {
        for name in [".gitignore", ".git/info/attributes", "sub/.gitattributes"] {
            let world = World::of(&who);
            let (_, tree) = both(&world);
            let path = tree.join(name);
            let _ = fs::remove_file(&path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
            let ran = world.rpmkit(&["srpm", &tree.display().to_string()]);
            assert!(ran.stderr.contains("named pipe"), "{name}: {}", ran.stderr);
        }
    }
}
