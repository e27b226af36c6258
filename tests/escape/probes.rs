//! Some two hundred ways out of a chroot, tried by a program inside (`probe.c`): in `%build`, in a scriptlet, by `--shell` and
//! `--chroot`, with `--unpriv` and without, as root, as a user with sub-ids and as one without. None is open.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    path::Path,
    process::{Child, Command, Stdio},
};

use rpmkit_tests::{World, everybody, finish};

use crate::victim::Victim;

/// The fewest probes that are tried as root of the container; as the build user there are more.
const AT_LEAST: usize = 170;

/// What is open and has to be. With one id all files of the root belong to it.
const KNOWN: [(&str, &str); 1] = [("single", "own-shadow")];

/// What is there to be reached on the host.
struct Bait {
    _port: TcpListener,
    _socket: UnixListener,
    process: Child,
    /// Assignments for a shell.
    words: String,
}

impl Bait {
    fn new(victim: &Victim) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let name = format!("rpmkit-bait-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixListener::bind_addr(&address).unwrap();
        let seconds = "31415926";
        let process = Command::new("sleep").arg(seconds).spawn().unwrap();
        let words = format!(
            "SECRET={} PORT={} SOCKET={name} PROCESS={seconds}",
            victim.secret().display(),
            port.local_addr().unwrap().port()
        );
        Self {
            _port: port,
            _socket: socket,
            process,
            words,
        }
    }
}

impl Drop for Bait {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A package that compiles the probe, runs it, and runs it again when it is installed.
fn package(world: &World, bait: &Bait) {
    let probe = include_str!("probe.c");
    world.write("tree/probe.c", probe);
    let words = &bait.words;
    let spec = format!(
        "%global debug_package %{{nil}}\nName: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nSource0: probe.c\nBuildRequires: gcc\n\
         %description\nx\n%build\ngcc -w -O1 -o escape-probe %{{SOURCE0}}\n\
         {words} ./escape-probe user </dev/null | sed 's/^/probe: /'\n\
         %install\ninstall -D escape-probe %{{buildroot}}/usr/bin/escape-probe\n\
         %post\n{words} /usr/bin/escape-probe root </dev/null >/var/log/probe 2>&1\n\
         %files\n/usr/bin/escape-probe\n"
    );
    world.write("tree/x.spec", &spec);
}

/// The verdicts in a text, by the names of probes.
fn verdicts(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let line = line.strip_prefix("probe: ").unwrap_or(line);
        let (name, verdict) = line.trim_end().split_once(' ')?;
        ["shut", "OPEN", "none", "died"]
            .contains(&verdict)
            .then(|| (name.to_owned(), verdict.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Notes what is open, and that the probe went through to its end.
fn judge(place: &str, text: &str, found: &mut Vec<String>) {
    let all = verdicts(text);
    assert!(
        all.len() >= AT_LEAST && all.contains_key("userns-sys"),
        "{place}: only {} probes in\n{text}",
        all.len()
    );
    let known = |name: &str| {
        KNOWN
            .iter()
            .any(|(who, known)| place.starts_with(who) && name == *known)
    };
    let through = all
        .iter()
        .filter(|(name, verdict)| matches!(verdict.as_str(), "OPEN" | "died") && !known(name));
    found.extend(through.map(|(name, verdict)| format!("{place}: {name} {verdict}")));
}

/// Runs mock with a secret file open, and where a terminal is given as a user of it does.
fn mock(world: &World, terminal: Option<&OwnedFd>, words: &[&str]) -> String {
    let (conf, chroot) = (rpmkit_tests::stage().join("conf"), rpmkit_tests::chroot());
    let program = rpmkit_tests::stage().join("bin/mock");
    let mut command = match terminal {
        None => world.host(program),
        Some(_) => {
            let mut command = world.host("setsid");
            command.args(["--ctty", "--wait"]).arg(program);
            command
        }
    };
    command.arg("--configdir").arg(conf).args(["-r", &chroot]);
    command.args(words);
    if let Some(terminal) = terminal {
        command.stdin(Stdio::from(terminal.try_clone().unwrap()));
    }
    let secret = fs::File::open(world.path("home/secret")).unwrap();
    // As a careless caller may: open in the program, too.
    let kept = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
    nix::fcntl::fcntl(&secret, kept).unwrap();
    let ran = finish(command).expect(0);
    drop(secret);
    format!("{}\n{}", ran.stdout, ran.stderr)
}

#[test]
fn none_is_open() {
    let mut found = Vec::new();
    let name = nix::unistd::gethostname().unwrap();
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let bait = Bait::new(&victim);
        package(&world, &bait);
        let tree = world.path("tree").display().to_string();
        let out = world.path("out");
        let results = out.display().to_string();
        world
            .rpmkit(&["build", &tree, "--resultdir", &results])
            .expect(0);
        let log = fs::read_to_string(out.join("build.log")).unwrap();
        judge(&format!("{}, %build", who.name), &log, &mut found);

        let rpm = walkdir::WalkDir::new(&out)
            .into_iter()
            .filter_map(Result::ok)
            .map(walkdir::DirEntry::into_path)
            .find(|path: &std::path::PathBuf| is_package(path))
            .unwrap();
        world.mock(&["--init"]).expect(0);
        world
            .mock(&["--install", &rpm.display().to_string()])
            .expect(0);
        let scriptlet = mock(&world, None, &["--chroot", "cat /var/log/probe"]);
        judge(&format!("{}, scriptlet", who.name), &scriptlet, &mut found);

        let terminal = nix::pty::openpty(None, None).unwrap();
        for (words, user) in [(&[][..], "root"), (&["--unpriv"], "user")] {
            let line = format!("{} escape-probe {user} </dev/null", bait.words);
            let text = mock(&world, None, &[words, &["--chroot", &line]].concat());
            let place = format!("{}, --chroot as {user}", who.name);
            judge(&place, &text, &mut found);
            let line = format!("{} escape-probe {user}", bait.words);
            let text = mock(
                &world,
                Some(&terminal.slave),
                &[words, &["--shell", &line]].concat(),
            );
            let place = format!("{}, --shell as {user}", who.name);
            judge(&place, &text, &mut found);
        }
        world.mock(&["--clean"]).expect(0);
    }
    assert_eq!(nix::unistd::gethostname().unwrap(), name);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn is_package(path: &Path) -> bool {
    let name = path.display().to_string();
    name.ends_with(".rpm") && !name.ends_with(".src.rpm")
}
