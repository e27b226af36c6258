//! From checkouts to packages: the same bytes for everybody, conventions of projects, version control.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::sys::stat::{Mode, umask};
use rpmkit_tests::{World, chroot, everybody, finish, stage};

const SPEC: &str = "Name: NAME\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: MIT\n\
    Source0: NAME-%{version}.tar.gz\nBuildArch: noarch\n%description\nx\n%prep\n%setup -q\n%build\n%install\n\
    mkdir -p %{buildroot}/usr/share/NAME\ncp -p data/* %{buildroot}/usr/share/NAME\n%files\n/usr/share/NAME\n";

/// A project with a spec, a script and a link.
fn project(world: &World, name: &str) -> PathBuf {
    world.write(&format!("{name}/{name}.spec"), &SPEC.replace("NAME", name));
    world.write(&format!("{name}/data/file"), "content\n");
    world.write(
        &format!("{name}/.gitattributes"),
        "id export-subst\n*.bat eol=crlf\n",
    );
    world.write(&format!("{name}/data/run.bat"), "one\ntwo\n");
    world.write(&format!("{name}/id"), "$Format:%H %cI$\n");
    world.path(name)
}

fn packages(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|kind| kind == "rpm"))
        .collect();
    found.sort();
    found
}

/// What follows the headers of a package: the lead is 96 bytes, then come the signature, padded to
/// eight bytes, and the header (rpm's description of its file format).
fn payload(path: &Path) -> Vec<u8> {
    let data = fs::read(path).unwrap();
    let number = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
    let after = |at: usize| at + 16 + 16 * number(at + 8) + number(at + 12);
    let header = after(96).next_multiple_of(8);
    data[after(header)..].to_vec()
}

#[test]
fn one_commit_gives_one_payload_to_everybody() {
    let mut seen: Option<Vec<u8>> = None;
    for who in everybody() {
        for (round, mask) in [0o022, 0o077, 0o002].into_iter().enumerate() {
            let world = World::of(&who);
            let name = "same";
            let checkout = project(&world, name);
            world.commit(&checkout);
            // Another place, another zone, another language, another mask each time.
            let moved = world.path(format!("elsewhere-{round}"));
            fs::rename(&checkout, &moved).unwrap();
            let results = world.path("out");
            let before = umask(Mode::from_bits_truncate(mask));
            let mut command = world.command("rpmkit");
            command
                .arg("srpm")
                .arg(&moved)
                .arg("--resultdir")
                .arg(&results)
                .arg("--configdir")
                .arg(stage().join("conf"))
                .args(["-r", &chroot()])
                .env("TZ", ["UTC", "Asia/Tokyo", "America/New_York"][round])
                .env("LANG", ["C", "de_DE.UTF-8", "tr_TR.UTF-8"][round]);
            let ran = finish(command);
            umask(before);
            ran.expect(0);
            let made = packages(&results);
            assert_eq!(made.len(), 1, "{made:?}");
            let found = payload(&made[0]);
            match &seen {
                None => seen = Some(found),
                Some(first) => assert!(*first == found, "{} round {round}", who.name),
            }
        }
    }
}

#[test]
fn a_makefile_of_coprs_is_followed() {
    for who in everybody() {
        let world = World::of(&who);
        let checkout = project(&world, "coprs");
        world.write(
            "coprs/.copr/Makefile",
            "srpm:\n\tgit rev-parse HEAD\n\ttest \"$$(id -u)\" = 0\n\tmkdir -p /tmp/s\n\
             \tgit archive --prefix=coprs-1.0/ -o /tmp/s/coprs-1.0.tar.gz HEAD\n\
             \trpmbuild -bs --define '_sourcedir /tmp/s' --define '_srcrpmdir $(outdir)' $(spec)\n",
        );
        world.commit(&checkout);
        world
            .rpmkit(&["build", &checkout.display().to_string()])
            .expect(0)
            .says(&["made by .copr/Makefile"]);
        assert_eq!(packages(&checkout.join("results")).len(), 2);
    }
}

#[test]
fn packits_actions_are_followed() {
    for who in everybody() {
        let world = World::of(&who);
        let checkout = project(&world, "packits");
        world.write(
            "packits/packit.yaml",
            "specfile_path: packits.spec\nactions:\n  get-current-version: echo 1.0\n  create-archive:\n\
             \x20   - bash -c 'mkdir -p $PACKIT_PROJECT_NAME_VERSION/data && echo $PACKIT_PROJECT_VERSION > $PACKIT_PROJECT_NAME_VERSION/data/made'\n\
             \x20   - bash -c 'tar czf a.tar.gz $PACKIT_PROJECT_NAME_VERSION; echo a.tar.gz'\n\
             upstream_package_name: packits\n",
        );
        // The archive goes by the spec's name for it.
        let spec = SPEC
            .replace("NAME-%{version}", "packits-1.0")
            .replace("NAME", "packits");
        world.write("packits/packits.spec", &spec);
        world.commit(&checkout);
        world
            .rpmkit(&["build", &checkout.display().to_string()])
            .expect(0)
            .says(&["made by packit's create-archive"]);
        assert_eq!(packages(&checkout.join("results")).len(), 2);
    }
}

#[test]
fn packages_come_from_a_repository() {
    for who in everybody() {
        let world = World::of(&who);
        let origin = project(&world, "origin");
        world.commit(&origin);
        let get = format!("git_get=git clone SCM_BRN {} SCM_PKG", origin.display());
        let temp = world.path("temp");
        fs::create_dir(&temp).unwrap();
        world.own(&temp);
        let left = || {
            fs::read_dir(&temp)
                .unwrap()
                .filter_map(Result::ok)
                .filter(|entry| {
                    entry
                        .file_name()
                        .to_string_lossy()
                        .ends_with(".mock-scm.origin")
                })
                .count()
        };
        let run = |program: &[&str], out: &str, more: &[&str]| {
            let mut command = world.command(program[0]);
            command
                .args(&program[1..])
                .arg("--configdir")
                .arg(stage().join("conf"))
                .args(["-r", &chroot(), "--scm-enable"])
                .args(["--scm-option", &get, "--scm-option", "package=origin"])
                .args(["--scm-option", "write_tar=True"])
                .args(more)
                .arg("--resultdir")
                .arg(world.path(out))
                .env("TMPDIR", &temp);
            finish(command)
        };
        run(&["rpmkit", "scm"], "source", &["--buildsrpm"]).expect(0);
        assert_eq!(packages(&world.path("source")).len(), 1);
        assert_eq!(left(), 1, "the checkout stays after --buildsrpm");
        run(&["rpmkit", "scm"], "all", &[]).expect(0);
        assert_eq!(packages(&world.path("all")).len(), 2);
        assert_eq!(left(), 1, "the checkout goes after a rebuild");
        run(&["rpmkit-mock"], "mock", &["--rebuild"]).expect(0);
        let (ours, mocks) = (packages(&world.path("all")), packages(&world.path("mock")));
        let source = |list: &[PathBuf]| {
            let path = list
                .iter()
                .find(|path| path.to_string_lossy().ends_with(".src.rpm"));
            payload(path.unwrap())
        };
        assert!(source(&ours) == source(&mocks));
        run(&["rpmkit", "scm"], "none", &["--scm-option", "branch=nope"]).expect(1);
        run(&["rpmkit", "scm"], "none", &["--scm-option", "spec=nope"]).expect(5);
        run(&["rpmkit", "scm"], "none", &["--scm-option", "method=hg"]).expect(5);
        assert!(!world.path("none").exists(), "no logs of what never began");
    }
}
