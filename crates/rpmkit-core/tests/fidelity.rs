//! Snapshots with real mounts: what a container wrote is what comes back, after rollback, flattening,
//! export and import, with overlayfs and with plain directories; as root, as a user with sub-ids and
//! as a user without.
//!
//! The program is its own container payload: it runs inside as `write-1`, `write-2` and `dump`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::{
        fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
};

use rpmkit_core::{
    Events,
    chroot::{Chroot, Session},
    store::{
        Driver, LockHolder, Store, VOLUMES,
        archive::{Labels, Shape},
        host::survey,
        ops::ChangeKind,
    },
};
use rpmkit_sandbox::{Command, Container, ContainerSpec, IdMode, Mount, Stream};

fn main() {
    rpmkit_sandbox::reexec(rpmkit_core::OPS);
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("write-1") => write_1(args[2] == "ids"),
        Some("write-2") => write_2(),
        Some("write-more") => fs::write(format!("/data/more-{}", args[2]), &args[2]).unwrap(),
        Some("dump") => dump(),
        Some("as-user") => here(Path::new(&args[2])),
        // Whatever else cargo passes: all of it.
        _ => everybody(),
    }
}

fn everybody() {
    // Not below /tmp: its permissions and its file system are the host's business.
    let home = tempfile::Builder::new()
        .prefix("rpmkit-fidelity-")
        .tempdir_in("/var/tmp")
        .unwrap();
    let program = home.path().join("payload");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mine = home.path().join("mine");
    fs::create_dir(&mine).unwrap();
    run(&program, &mine, None);
    if !nix::unistd::geteuid().is_root() {
        println!("NOT TESTED: other users; only root can run this as them");
        return;
    }
    for name in ["packager", "loner"] {
        let Some(user) = nix::unistd::User::from_name(name).unwrap() else {
            println!("NOT TESTED: there is no user `{name}`");
            continue;
        };
        let theirs = home.path().join(name);
        fs::create_dir(&theirs).unwrap();
        chown(&theirs, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        run(&program, &theirs, Some(&user));
        // Their trees hold files of sub-ids.
    }
}

fn run(program: &Path, home: &Path, user: Option<&nix::unistd::User>) {
    let mut command = std::process::Command::new(program);
    command.arg("as-user").arg(home).current_dir("/");
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        command.env("USER", &user.name).env("HOME", home);
    }
    let status = command.status().unwrap();
    assert!(status.success(), "{home:?}: {status}");
}

/// All tests in one mode.
fn here(home: &Path) {
    let uid = nix::unistd::geteuid().as_raw();
    let mut found = match survey(&home.join("probe"), uid) {
        Ok(found) => found,
        Err(e) => {
            println!("NOT TESTED: the host refuses sandboxes to uid {uid}: {e}");
            return;
        }
    };
    println!(
        "uid {uid}: mode {}, driver {:?}",
        found.mode.tag(),
        found.driver
    );
    let mut dumps = Vec::new();
    if found.driver == Driver::Plain {
        println!(
            "NOT TESTED: overlayfs does not work here: {:?}",
            found.reason
        );
    } else {
        dumps.push(scenario(&home.join("overlay"), &found));
        found.driver = Driver::Plain;
    }
    dumps.push(scenario(&home.join("plain"), &found));
    assert!(dumps.windows(2).all(|w| w[0] == w[1]), "drivers differ");
    println!("uid {uid}: ok");
}

struct Bench {
    store: Store,
    mode: IdMode,
    chroot: Chroot,
}

impl Bench {
    fn inside(&self, session: &mut Session, words: &[&str]) -> String {
        session.refresh().unwrap();
        let mut spec = ContainerSpec::new(self.mode.clone(), session.root().into());
        let program = std::env::current_exe().unwrap();
        for dir in ["/usr", "/lib", "/lib64"] {
            if Path::new(dir).exists() {
                spec.mounts.push(Mount::bind_ro(dir, dir));
            }
        }
        spec.mounts.push(Mount::bind_ro(program, "/payload"));
        for (name, place, _) in VOLUMES {
            spec.mounts.push(Mount::bind(session.volume(name), place));
        }
        let container = Container::start_with(&spec, &session.lock_fds(), None).unwrap();
        let mut argv = vec!["/payload"];
        argv.extend(words);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = container.run(&Command::new(argv), |stream, data| match stream {
            Stream::Stdout => out.extend_from_slice(data),
            Stream::Stderr => err.extend_from_slice(data),
        });
        let exit = exit.unwrap();
        assert!(
            exit.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&err)
        );
        container.stop().unwrap();
        String::from_utf8(out).unwrap()
    }

    fn dump(&self, name: &str) -> String {
        let layer = self.chroot.layer(name).unwrap();
        let mut session = self.chroot.throwaway(layer.as_ref()).unwrap();
        let dump = self.inside(&mut session, &["dump"]);
        session.close().unwrap();
        dump
    }
}

fn scenario(home: &Path, found: &rpmkit_core::store::host::HostSurvey) -> (String, String) {
    let uid = nix::unistd::geteuid().as_raw();
    let holder = LockHolder {
        pid: std::process::id(),
        command: "fidelity".into(),
        since: 0,
    };
    let events = Events::silent();
    let store = Store::open_here(
        home.to_owned(),
        uid,
        found,
        rpmkit_core::OPS,
        holder,
        events,
    )
    .unwrap();
    let bench = Bench {
        chroot: Chroot::new(&store, "f43".parse().unwrap(), ""),
        mode: found.mode.clone(),
        store,
    };
    let (store, chroot) = (&bench.store, &bench.chroot);
    let ids = if found.mode.has_ids() {
        "ids"
    } else {
        "no-ids"
    };

    let mut session = chroot.open().unwrap();
    session.mark_dirty().unwrap();
    bench.inside(&mut session, &["write-1", ids]);
    session.snapshot("one", "").unwrap();
    session.mark_dirty().unwrap();
    bench.inside(&mut session, &["write-2"]);
    let written = bench.inside(&mut session, &["dump"]);
    session.snapshot("two", "").unwrap();
    session.close().unwrap();
    let (one, two) = (bench.dump("one"), bench.dump("two"));
    assert_eq!(two, written, "snapshot");
    assert_ne!(one, two);

    // Changes on top are gone after going back.
    for (name, dump) in [("one", &one), ("two", &two)] {
        chroot.rollback(name).unwrap();
        let mut session = chroot.open().unwrap();
        assert_eq!(
            &bench.inside(&mut session, &["dump"]),
            dump,
            "rollback to {name}"
        );
        bench.inside(&mut session, &["write-more", "x"]);
        session.close().unwrap();
        chroot.clean().unwrap();
        let mut session = chroot.open().unwrap();
        assert_eq!(
            &bench.inside(&mut session, &["dump"]),
            dump,
            "clean to {name}"
        );
        session.close().unwrap();
    }

    // What `diff` says is what two listings say.
    let (first, second) = (chroot.layer("one").unwrap(), chroot.layer("two").unwrap());
    let changes = store.diff(first.as_ref(), second.as_ref()).unwrap();
    let said: BTreeMap<String, ChangeKind> = changes
        .into_iter()
        .filter(|c| c.path.starts_with("/data/") || c.path.starts_with("/builddir/"))
        .map(|c| (c.path, c.kind))
        .collect();
    assert_eq!(said, differences(&one, &two));

    // Out and in again.
    for (shape, file) in [
        (Shape::Tar, "x.tar"),
        (Shape::Tar, "x.tar.zst"),
        (Shape::Tar, "x.tar.gz"),
        (Shape::Oci, "x.oci"),
    ] {
        let path = home.join(file);
        let labels = Labels {
            name: "f43:two".into(),
            machine: "x86_64".into(),
            ..Labels::default()
        };
        store.export(second.as_ref(), &path, shape, labels).unwrap();
        let (layer, unpacked) = store.import(&path, "").unwrap();
        assert_eq!(unpacked.owners_lost, 0, "{file}");
        chroot.adopt(file, layer.id(), "").unwrap();
        assert_eq!(
            without_fifo_times(&bench.dump(file)),
            without_fifo_times(&two),
            "{file}"
        );
        let again = store.diff(second.as_ref(), Some(&layer)).unwrap();
        let again: Vec<_> = again
            .iter()
            .filter(|c| c.path.starts_with("/data/"))
            .collect();
        assert!(again.is_empty(), "{file}: {again:?}");
    }

    // Several at once on one snapshot.
    let mut sessions: Vec<Session> = (0..3)
        .map(|_| chroot.throwaway(first.as_ref()).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for (n, session) in sessions.iter_mut().enumerate() {
            let bench = &bench;
            scope.spawn(move || bench.inside(session, &["write-more", &n.to_string()]));
        }
    });
    drop(sessions);
    assert_eq!(bench.dump("one"), one, "throw-away work stays apart");

    // A deep chain is mounted, and flattened when nobody waits.
    let mut session = chroot.open().unwrap();
    for n in 0..40 {
        session.mark_dirty().unwrap();
        if n % 13 == 0 {
            bench.inside(&mut session, &["write-more", &n.to_string()]);
        }
        session.snapshot(&format!("deep-{n}"), "").unwrap();
    }
    session.close().unwrap();
    let before = bench.dump("deep-39");
    store.wait_for_background();
    let deep = chroot.layer("deep-39").unwrap().unwrap();
    store.flatten(&deep).unwrap();
    assert!(store.chain(&deep).unwrap().len() <= 2);
    assert_eq!(bench.dump("deep-39"), before, "flattened");
    assert_eq!(store.ancestry(&deep).unwrap().len(), 42);
    let flat_two = second.as_ref().unwrap();
    store.flatten(flat_two).unwrap();
    assert_eq!(bench.dump("two"), two, "flattened");

    // A copy of the root outside the store is the same root.
    let copy = home.join("copy");
    store.materialise(second.as_ref(), &copy).unwrap();
    assert!(copy.join("data/replaced/inner").exists() && copy.join("builddir/built").exists());

    drop((first, second, deep));
    store.wait_for_background();
    chroot.scrub().unwrap();
    store.sweep().unwrap();
    for dir in ["layers", "uppers", "tmp", "trash", "chroots"] {
        assert_eq!(
            fs::read_dir(store.dir().join(dir)).unwrap().count(),
            0,
            "{dir}"
        );
    }
    fs::remove_dir_all(home).ok();
    let timeless = |dump: &str| -> String {
        let words = dump.split(' ').filter(|w| !w.starts_with("time="));
        words.collect::<Vec<_>>().join(" ")
    };
    (timeless(&one), timeless(&two))
}

/// A FIFO's time may change when somebody merely looks at it through an overlay.
fn without_fifo_times(dump: &str) -> Vec<&str> {
    dump.lines().filter(|l| !l.contains(" fifo ")).collect()
}

fn differences(old: &str, new: &str) -> BTreeMap<String, ChangeKind> {
    let read = |dump: &str| -> BTreeMap<String, String> {
        dump.lines()
            .filter_map(|l| l.split_once(' '))
            .map(|(path, rest)| (path.to_owned(), without_time_and_links(rest)))
            .collect()
    };
    let (old, new) = (read(old), read(new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let kind = match (old.get(path), new.get(path)) {
                (None, _) => ChangeKind::Added,
                (_, None) => ChangeKind::Removed,
                (a, b) if a != b => ChangeKind::Changed,
                _ => return None,
            };
            Some((path.clone(), kind))
        })
        .collect()
}

/// `diff` tells neither times nor which names are one file.
fn without_time_and_links(line: &str) -> String {
    line.split(' ')
        .filter(|w| !w.starts_with("time=") && !w.starts_with("same="))
        .collect::<Vec<_>>()
        .join(" ")
}

// Inside the container.

/// `cap_net_raw=ep`, revision 2.
const CAPABILITY: [u8; 20] = [
    1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn write_1(ids: bool) {
    let data = Path::new("/data");
    fs::create_dir(data).unwrap();
    let write = |name: &str, text: &str| fs::write(data.join(name), text).unwrap();
    write("kept", "kept");
    write("deleted", "x");
    write("changed", "old");
    write("becomes-dir", "x");
    fs::create_dir_all(data.join("becomes-file/sub")).unwrap();
    write("becomes-file/sub/x", "x");
    fs::create_dir_all(data.join("replaced/sub")).unwrap();
    write("replaced/gone", "x");
    write("replaced/sub/gone", "x");
    fs::create_dir_all(data.join("renamed-from/sub")).unwrap();
    write("renamed-from/sub/x", "moved");
    write("linked-a", "one file");
    fs::hard_link(data.join("linked-a"), data.join("linked-b")).unwrap();
    write("cut-a", "one file");
    fs::hard_link(data.join("cut-a"), data.join("cut-b")).unwrap();
    let sparse = fs::File::create(data.join("sparse")).unwrap();
    sparse.write_at(b"start", 0).unwrap();
    sparse.write_at(b"end", 8 << 20).unwrap();
    sparse.set_len(16 << 20).unwrap();
    symlink("../somewhere/else", data.join("symlink")).unwrap();
    symlink("x".repeat(180), data.join("long-symlink")).unwrap();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(200));
    fs::create_dir(data.join("d".repeat(120))).unwrap();
    write(&long, "long");
    write("ümläut", "utf-8");
    nix::unistd::mkfifo(&data.join("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    write("setuid", "x");
    write("capable", "x");
    write("attributed", "x");
    xattr::set(data.join("attributed"), "user.colour", b"blue").unwrap();
    xattr::set(data.join("capable"), "security.capability", &CAPABILITY).unwrap();
    write("owned", "x");
    if ids {
        chown(data.join("owned"), Some(1000), Some(135)).unwrap();
        std::os::unix::fs::lchown(data.join("symlink"), Some(7), Some(8)).unwrap();
    }
    fs::set_permissions(data.join("setuid"), fs::Permissions::from_mode(0o4755)).unwrap();
    let mut closed = fs::DirBuilder::new();
    closed.mode(0o0).create(data.join("closed")).unwrap();
    fs::create_dir("/builddir/build").unwrap();
    fs::write("/builddir/build/spec", "spec").unwrap();
    fs::write("/tmp/scratch", "scratch").unwrap();
}

fn write_2() {
    let data = Path::new("/data");
    fs::remove_file(data.join("deleted")).unwrap();
    fs::write(data.join("changed"), "new").unwrap();
    fs::remove_file(data.join("becomes-dir")).unwrap();
    fs::create_dir(data.join("becomes-dir")).unwrap();
    fs::write(data.join("becomes-dir/x"), "x").unwrap();
    fs::remove_dir_all(data.join("becomes-file")).unwrap();
    fs::write(data.join("becomes-file"), "file").unwrap();
    fs::remove_dir_all(data.join("replaced")).unwrap();
    fs::create_dir(data.join("replaced")).unwrap();
    fs::write(data.join("replaced/inner"), "new").unwrap();
    // A directory of a lower layer cannot be renamed; mv copies, and so does this.
    if fs::rename(data.join("renamed-from"), data.join("renamed-to")).is_err() {
        fs::create_dir_all(data.join("renamed-to/sub")).unwrap();
        fs::copy(
            data.join("renamed-from/sub/x"),
            data.join("renamed-to/sub/x"),
        )
        .unwrap();
        fs::remove_dir_all(data.join("renamed-from")).unwrap();
    }
    fs::remove_file(data.join("cut-b")).unwrap();
    fs::write(data.join("cut-b"), "another").unwrap();
    fs::set_permissions(data.join("kept"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file("/builddir/build/spec").unwrap();
    fs::write("/builddir/built", "rpm").unwrap();
    // In a directory that is kept off the overlay this is no problem.
    fs::rename("/builddir/build", "/builddir/renamed").unwrap();
}

/// One line for everything below `/data`, `/builddir` and `/tmp`, all that makes it what it is.
fn dump() {
    let mut first_names = BTreeMap::new();
    for root in ["/data", "/builddir", "/tmp", "/var/tmp"] {
        list(Path::new(root), &mut first_names);
    }
}

fn list(path: &Path, first_names: &mut BTreeMap<(u64, u64), PathBuf>) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    let kind = meta.file_type();
    let what = if kind.is_dir() {
        "dir".to_owned()
    } else if kind.is_symlink() {
        format!("link={}", fs::read_link(path).unwrap().display())
    } else if kind.is_fifo() {
        "fifo".to_owned()
    } else if kind.is_file() {
        let holes = meta.blocks() * 512 + (1 << 20) < meta.len();
        let text = fs::read(path).unwrap();
        let digest = rpmkit_core::Checksum::sha256(&text).hex;
        format!("file size={} holes={holes} {digest}", meta.len())
    } else {
        panic!("{path:?} shows as {kind:?}");
    };
    let mut attributes = BTreeMap::new();
    for name in xattr::list(path).unwrap() {
        let value = xattr::get(path, &name).unwrap();
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with("security.selinux") {
            attributes.insert(name, value);
        }
    }
    let same = if kind.is_dir() {
        path.to_owned()
    } else {
        let key = (meta.dev(), meta.ino());
        first_names
            .entry(key)
            .or_insert_with(|| path.to_owned())
            .clone()
    };
    // Directories change their time with their content, which drivers may do in any order.
    let time = if kind.is_dir() {
        String::new()
    } else {
        format!("{}.{}", meta.mtime(), meta.mtime_nsec())
    };
    println!(
        "{} {what} mode={:o} owner={}:{} time={time} same={} {attributes:?}",
        path.display(),
        meta.mode(),
        meta.uid(),
        meta.gid(),
        same.display(),
    );
    if kind.is_dir() {
        let mut below: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        below.sort();
        for path in below {
            list(&path, first_names);
        }
    }
}
