//! The packages Debian has no counterpart of: the layout, the accounts, the release, rpm's settings, and small
//! ones that show what scriptlets, owners and weak dependencies do.

use std::collections::BTreeSet;

use rpm::{Dependency, Scriptlet};

use super::depmap::Evr;
use super::rpmwrite::{File, Nature, Script, Spec};
use super::suites::Profile;

const DIRECTORIES: &[&str] = &[
    "/boot",
    "/dev",
    "/etc",
    "/etc/default",
    "/etc/opt",
    "/etc/profile.d",
    "/etc/skel",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/run",
    "/srv",
    "/usr",
    "/usr/bin",
    "/usr/games",
    "/usr/include",
    "/usr/lib",
    "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/include",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/local/src",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/common-licenses",
    "/usr/share/dict",
    "/usr/share/doc",
    "/usr/share/info",
    "/usr/share/licenses",
    "/usr/share/locale",
    "/usr/share/man",
    "/usr/share/man/man1",
    "/usr/share/man/man2",
    "/usr/share/man/man3",
    "/usr/share/man/man4",
    "/usr/share/man/man5",
    "/usr/share/man/man6",
    "/usr/share/man/man7",
    "/usr/share/man/man8",
    "/usr/share/misc",
    "/usr/share/pkgconfig",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/misc",
    "/var/local",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/spool",
];

/// Directories with other modes than 0755.
const SPECIAL: &[(&str, u16)] = &[
    ("/proc", 0o555),
    ("/sys", 0o555),
    ("/root", 0o700),
    ("/run/lock", 0o1777),
    ("/tmp", 0o1777),
    ("/var/tmp", 0o1777),
];

const MERGED: &[(&str, &str)] = &[
    ("/bin", "usr/bin"),
    ("/sbin", "usr/sbin"),
    ("/lib", "usr/lib"),
    ("/lib64", "usr/lib64"),
    ("/var/run", "../run"),
    ("/var/lock", "../run/lock"),
];

/// The directories `filesystem` owns, which converted packages therefore leave out.
pub fn skeleton() -> BTreeSet<&'static str> {
    let links = ["/var/run", "/var/lock"];
    DIRECTORIES
        .iter()
        .copied()
        .chain(SPECIAL.iter().map(|(path, _)| *path))
        .chain(links)
        .collect()
}

/// Directory below `/usr/lib` that holds shared libraries.
pub fn triplet(arch: &str) -> String {
    match arch {
        "i686" => "i386-linux-gnu".to_owned(),
        "armv7hl" => "arm-linux-gnueabihf".to_owned(),
        "ppc64le" => "powerpc64le-linux-gnu".to_owned(),
        arch => format!("{arch}-linux-gnu"),
    }
}

/// All of our own packages for `arch` (RPM's name) and `python` (such as `3.11`).
pub fn packages(arch: &str, python: &str, profile: &Profile) -> Vec<Spec> {
    let mut all = vec![
        filesystem(arch),
        setup(),
        release(),
        rpm_config(arch, profile),
        pyproject(python),
    ];
    all.extend(service(arch));
    all.extend(tools());
    all
}

fn lua(text: &str) -> Scriptlet {
    Scriptlet::new(text).prog(vec!["<lua>"])
}

fn filesystem(arch: &str) -> Spec {
    let mut spec = Spec::own(
        "filesystem",
        "1",
        arch,
        "The directories every package expects",
    );
    spec.files = DIRECTORIES
        .iter()
        .map(|path| File::dir(path, 0o755))
        .collect();
    spec.files
        .push(File::dir(&format!("/usr/lib/{}", triplet(arch)), 0o755));
    spec.files
        .extend(SPECIAL.iter().map(|(path, mode)| File::dir(path, *mode)));
    spec.files
        .extend(MERGED.iter().map(|(path, target)| File::link(path, target)));
    spec.deps.requires = vec![Dependency::script_pre("setup")];
    spec.deps.provides = ["/bin", "/sbin", "/lib", "/lib64"]
        .map(Dependency::any)
        .into();
    // Where the mount points exist already (in a container they do) this changes nothing.
    spec.scripts = vec![Script::Pre(lua(
        "for _, dir in ipairs({\"/proc\", \"/sys\"}) do\n  if not posix.stat(dir) then\n    posix.mkdir(dir)\n    \
         posix.chmod(dir, \"0555\")\n  end\nend\n",
    ))];
    spec
}

fn setup() -> Spec {
    let passwd = include_str!("../../data/passwd");
    let group = include_str!("../../data/group");
    let names = |text: &'static str| text.lines().filter_map(|line| line.split(':').next());
    let shadow: String = names(passwd)
        .map(|name| format!("{name}:*:20000:0:99999:7:::\n"))
        .collect();
    let gshadow: String = names(group).map(|name| format!("{name}:*::\n")).collect();
    let mut spec = Spec::own("setup", "1", "noarch", "Accounts and basic configuration");
    let state = |path, text: &str, mode| File::text(path, text, mode).nature(Nature::State);
    let config = |path, text| File::text(path, text, 0o644).nature(Nature::Config);
    spec.files = vec![
        state("/etc/passwd", passwd, 0o644),
        state("/etc/group", group, 0o644),
        state("/etc/shadow", &shadow, 0o600),
        state("/etc/gshadow", &gshadow, 0o600),
        state("/etc/subuid", "", 0o644),
        state("/etc/subgid", "", 0o644),
        config(
            "/etc/hosts",
            "127.0.0.1 localhost localhost.localdomain\n::1 localhost localhost.localdomain\n",
        ),
        config("/etc/host.conf", "multi on\n"),
        config(
            "/etc/nsswitch.conf",
            include_str!("../../data/nsswitch.conf"),
        ),
        config(
            "/etc/shells",
            "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n",
        ),
        config("/etc/fstab", ""),
        config("/etc/motd", ""),
        config("/etc/profile", include_str!("../../data/profile")),
        File::new(
            "/var/log/lastlog",
            super::deb::DebKind::File(Vec::new()),
            0o644,
        )
        .nature(Nature::Ghost),
    ];
    spec.deps.provides = names(passwd)
        .map(|name| format!("user({name})"))
        .chain(names(group).map(|name| format!("group({name})")))
        // The `rpm` crate makes a package with a Lua scriptlet require `<lua>` like any other interpreter.
        .chain(["<lua>".to_owned()])
        .map(Dependency::any)
        .collect();
    spec.scripts = vec![Script::Post(lua(
        "for _, name in ipairs({\"passwd\", \"shadow\", \"group\", \"gshadow\"}) do\n  \
         os.remove(\"/etc/\" .. name .. \".rpmnew\")\nend\nlocal log = io.open(\"/var/log/lastlog\", \"a\")\n\
         if log then\n  log:close()\nend\n",
    ))];
    spec
}

fn release() -> Spec {
    let mut spec = Spec::own(
        "testdist-release",
        "1",
        "noarch",
        "Which distribution this is",
    );
    spec.files = vec![
        File::text(
            "/usr/lib/os-release",
            include_str!("../../data/os-release"),
            0o644,
        ),
        File::link("/etc/os-release", "../usr/lib/os-release"),
        File::text("/etc/testdist-release", "testdist release 1\n", 0o644),
        File::link("/etc/system-release", "testdist-release"),
    ];
    spec.deps.provides = vec![
        Dependency::any("system-release"),
        Dependency::eq("system-release(releasever)", "1"),
    ];
    spec
}

/// What adds debug packages where rpmbuild does not do so by itself.
const DEBUG_HOOK: &str =
    "%install %{?_enable_debug_packages:%{?buildsubdir:%{debug_package}}}\\\n%%install\\\n%{nil}\n";

fn rpm_config(arch: &str, profile: &Profile) -> Spec {
    let mut spec = Spec::own(
        "testdist-rpm-config",
        "1",
        "noarch",
        "How rpm works and packages are built here",
    );
    let mut macros = include_str!("../../data/macros.testdist")
        .replace("@TRIPLET@", &triplet(arch))
        + profile.macros;
    if profile.own_debug_packages {
        macros = macros.replace(DEBUG_HOOK, "");
    }
    spec.files = vec![
        File::text("/etc/rpm/macros.testdist", &macros, 0o644),
        File::dir("/etc/rpm", 0o755),
        File::dir("/usr/lib/rpm/macros.d", 0o755),
        File::dir("/var/lib/rpm", 0o755),
    ];
    spec.deps.provides = ["redhat-rpm-config", "cmake-rpm-macros", "rpm-macros"]
        .map(Dependency::any)
        .into();
    spec
}

fn pyproject(python: &str) -> Spec {
    let mut spec = Spec::own(
        "pyproject-rpm-macros",
        "1",
        "noarch",
        "Macros for Python packages",
    );
    let macros = include_str!("../../data/macros.pyproject").replace("@PYTHON@", python);
    spec.files = vec![
        File::text("/usr/lib/rpm/macros.d/macros.pyproject", &macros, 0o644),
        File::dir("/usr/lib/rpm/testdist", 0o755),
        File::text(
            "/usr/lib/rpm/testdist/pyproject.py",
            include_str!("../../data/pyproject.py"),
            0o644,
        ),
        File::dir(&format!("/usr/lib/python{python}/site-packages"), 0o755),
        // Fedora's directory, which Debian's Python does not look into by itself.
        File::text(
            "/usr/lib/python3/dist-packages/testdist-site.pth",
            &format!("/usr/lib/python{python}/site-packages\n"),
            0o644,
        ),
    ];
    spec.deps.requires = ["python3", "python3-packaging", "python3-installer"]
        .map(Dependency::any)
        .into();
    spec.deps.provides = ["python-rpm-macros", "python3-rpm-macros"]
        .map(Dependency::any)
        .into();
    spec
}

/// Our own packages of the extras: macros by the names Fedora has for them.
pub fn extras() -> Vec<Spec> {
    let macros = |name: &str, summary: &str, file: &str, text: &str, requires: &[&str]| {
        let mut spec = Spec::own(name, "1", "noarch", summary);
        let path = format!("/usr/lib/rpm/macros.d/{file}");
        spec.files = vec![File::text(&path, text, 0o644)];
        spec.deps.requires = requires.iter().map(|name| Dependency::any(*name)).collect();
        spec
    };
    let mut cargo = macros(
        "cargo-rpm-macros",
        "Macros for Rust packages",
        "macros.cargo",
        include_str!("../../data/macros.cargo"),
        &["cargo", "rust"],
    );
    cargo.deps.provides = ["rust-packaging", "rust-srpm-macros"]
        .map(Dependency::any)
        .into();
    let mut go = macros(
        "go-rpm-macros",
        "Macros for Go packages",
        "macros.go",
        include_str!("../../data/macros.go"),
        &["golang"],
    );
    go.deps.provides = vec![Dependency::any("go-srpm-macros")];
    vec![cargo, go]
}

/// A made-up system service: it makes its user first, and its files belong to that user.
fn service(arch: &str) -> Vec<Spec> {
    let mut spec = Spec::own(
        "testdist-service",
        "1.2",
        arch,
        "A service with an account of its own",
    );
    let shell = "#!/bin/sh\necho \"$0 as $(id -un)\"\n";
    let mut capable = File::text("/usr/libexec/testdist-service/capable", shell, 0o755);
    capable.caps = Some("cap_net_bind_service,cap_net_raw=ep");
    spec.files = vec![
        File::dir("/usr/libexec/testdist-service", 0o755),
        File::text("/usr/libexec/testdist-service/daemon", shell, 0o755),
        File::new(
            "/usr/libexec/testdist-service/daemon-alias",
            super::deb::DebKind::Hardlink("/usr/libexec/testdist-service/daemon".into()),
            0o755,
        ),
        capable,
        File::text("/usr/libexec/testdist-service/helper", shell, 0o4755)
            .owned("root", "tdservice"),
        File::text("/usr/libexec/testdist-service/mailer", shell, 0o2755)
            .owned("tdservice", "mail"),
        File::dir("/etc/testdist-service", 0o750).owned("root", "tdservice"),
        File::text(
            "/etc/testdist-service/service.conf",
            "[service]\nport = 1024\n",
            0o640,
        )
        .owned("root", "tdservice")
        .nature(Nature::Config),
        File::dir("/var/lib/testdist-service", 0o700).owned("tdservice", "tdservice"),
        File::link("/var/lib/testdist-service/current", "none").owned("tdservice", "tdservice"),
        File::new(
            "/var/log/testdist-service.log",
            super::deb::DebKind::File(Vec::new()),
            0o640,
        )
        .owned("tdservice", "tdservice")
        .nature(Nature::Ghost),
    ];
    spec.deps.requires = vec![
        Dependency::script_pre("passwd"),
        Dependency::script_pre("login"),
        Dependency::script_pre("libc-bin"),
        Dependency::script_post("coreutils"),
    ];
    spec.deps.provides = ["user(tdservice)", "group(tdservice)"]
        .map(Dependency::any)
        .into();
    spec.deps
        .recommends
        .push(Dependency::any("testdist-service-extras"));
    spec.deps.suggests.push(Dependency::any("testdist-tool"));
    spec.scripts = vec![
        Script::Pre(Scriptlet::new(
            "getent group tdservice >/dev/null || groupadd -r tdservice\n\
             getent passwd tdservice >/dev/null ||\n  useradd -r -g tdservice -d /var/lib/testdist-service \
             -s /usr/sbin/nologin -c 'Test service' tdservice\nexit 0\n",
        )),
        Script::Post(Scriptlet::new(
            "touch /var/log/testdist-service.log\nchown tdservice:tdservice /var/log/testdist-service.log\n\
             chmod 640 /var/log/testdist-service.log\n",
        )),
        Script::PreUn(Scriptlet::new(
            "[ $1 -ne 0 ] || rm -f /var/log/testdist-service.log\n",
        )),
    ];
    let mut extras = Spec::own(
        "testdist-service-extras",
        "1.2",
        "noarch",
        "Recommended by testdist-service",
    );
    extras.files = vec![File::text(
        "/usr/share/testdist-extras.txt",
        "extras\n",
        0o644,
    )];
    let mut langpacks = Spec::own(
        "testdist-langpacks-de",
        "1",
        "noarch",
        "Asks for German texts everywhere",
    );
    langpacks.files =
        vec![File::text("/etc/testdist-languages", "de\n", 0o644).nature(Nature::Config)];
    let mut german = Spec::own(
        "testdist-service-langpack-de",
        "1.2",
        "noarch",
        "German texts of testdist-service",
    );
    german.files = vec![File::text(
        "/usr/share/locale/de/LC_MESSAGES/testdist-service.txt",
        "Dienst\n",
        0o644,
    )];
    german.deps.supplements.push(Dependency::any(
        "(testdist-service and testdist-langpacks-de)",
    ));
    vec![spec, extras, langpacks, german]
}

/// Two versions of one tool, the newer taking over another package; and two packages that exclude each other.
fn tools() -> Vec<Spec> {
    let tool = |name: &str, version: &str| {
        let mut spec = Spec::own(name, version, "noarch", "A tool that comes in versions");
        let script = format!("#!/bin/sh\necho {name} {version}\n");
        spec.files = vec![File::text(&format!("/usr/bin/{name}"), &script, 0o755)];
        spec
    };
    let mut new = tool("testdist-tool", "2.0");
    new.evr = Evr {
        epoch: None,
        version: "2.0".into(),
        release: "1.td1".into(),
    };
    new.deps
        .obsoletes
        .push(Dependency::less("testdist-oldtool", "2"));
    new.deps
        .provides
        .push(Dependency::eq("testdist-oldtool", "2.0"));
    let mut left = tool("testdist-left", "1");
    left.deps.conflicts.push(Dependency::any("testdist-right"));
    vec![
        tool("testdist-tool", "1.0"),
        new,
        tool("testdist-oldtool", "1.0"),
        left,
        tool("testdist-right", "1"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_for_debug_packages_is_found() {
        assert!(include_str!("../../data/macros.testdist").contains(DEBUG_HOOK));
    }
}
