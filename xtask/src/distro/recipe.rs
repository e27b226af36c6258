//! What the test distribution consists of: every list and table a reader may want to change.

/// Asked of apt; it adds their dependencies.
pub const WANTED: &[&str] = &[
    // The base.
    "bash",
    "coreutils",
    "diffutils",
    "findutils",
    "debianutils",
    "file",
    "gawk",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "libc6",
    "login",
    "ncurses-base",
    "ncurses-bin",
    "passwd",
    "patch",
    "procps",
    "sed",
    "tar",
    "bzip2",
    "xz-utils",
    "zstd",
    "unzip",
    "zip",
    "cpio",
    "util-linux",
    "bsdextrautils",
    "iputils-ping",
    "less",
    "libpam-modules",
    "libpam-runtime",
    "netbase",
    "tzdata",
    // Package tools.
    "rpm",
    "rpm-common",
    "debugedit",
    "dwz",
    "elfutils",
    "gdb-minimal",
    // Compilers and build systems.
    "gcc",
    "g++",
    "binutils",
    "make",
    "autoconf",
    "automake",
    "libtool",
    "m4",
    "bison",
    "flex",
    "cmake",
    "ninja-build",
    "meson",
    "pkgconf",
    "gettext",
    "texinfo",
    "info",
    "install-info",
    "git",
    "check",
    "chrpath",
    "help2man",
    // Perl and Python.
    "perl",
    "python3",
    "python3-dev",
    "python3-setuptools",
    "python3-setuptools-scm",
    "python3-wheel",
    "python3-pip",
    "python3-packaging",
    "python3-installer",
    "python3-build",
    "python3-pep517",
    "python3-tomli",
    "python3-pytest",
    "flit",
    "python3-hatchling",
    "cython3",
    // Libraries to build against.
    "zlib1g-dev",
    "libbz2-dev",
    "liblzma-dev",
    "libzstd-dev",
    "libexpat1-dev",
    "libncurses-dev",
    "libreadline-dev",
    "libssl-dev",
    "libpopt-dev",
    "libpcre2-dev",
    "libglib2.0-dev",
    "libxml2-dev",
    "libsqlite3-dev",
    "libffi-dev",
];

/// The same for the extras, see [`super::extras`].
pub const WANTED_EXTRAS: &[&str] = &[
    // The Rust that Debian keeps new enough for its browsers.
    "cargo-web",
    "rustc-web",
    "golang-go",
    "python3-poetry-core",
    "python3-pdm-pep517",
    "python3-hatch-vcs",
];

/// Debian's own plumbing. The packages are not converted, and a relation they could satisfy is left out: our
/// `filesystem`, `setup` and `testdist-release` do their work.
pub const LEFT_OUT: &[&str] = &[
    "base-files",
    "base-passwd",
    "dash",
    "dpkg",
    "dpkg-dev",
    "libdpkg-perl",
    "debconf",
    "debconf-2.0",
    "cdebconf",
    "usrmerge",
    "usr-is-merged",
    "init-system-helpers",
    "ucf",
    "tex-common",
    "sgml-base",
    "xml-core",
    "ca-certificates",
    "openssl",
    "sensible-utils",
    "libdebconfclient0",
    "adduser",
    "lsb-base",
    "dbus",
    "systemd",
    "libjs-jquery",
    "libjs-sphinxdoc",
    "libjs-underscore",
    "docutils-common",
    "shared-mime-info",
    "xdg-user-dirs",
    "fakeroot",
    "debhelper",
    "wamerican",
    "media-types",
    "libltdl-dev",
    "libltdl7",
];

/// Whether a relation on `name` counts as met without any package.
pub fn satisfied_without(name: &str) -> bool {
    LEFT_OUT.contains(&name)
}

/// `Depends:` of packages we take files away from.
pub fn depends_override(package: &str) -> Option<&'static str> {
    match package {
        // The part that installs packages: what builds them goes to `rpm-build`.
        "rpm" => Some("libc6 (>= 2.34), libpopt0, librpm9, librpmio9, rpm-common"),
        // Without the plug-ins.
        "rpm-common" => Some("testdist-rpm-config"),
        _ => None,
    }
}

/// Requirements Debian's packages have no reason to have.
pub const EXTRA_REQUIRES: &[(&str, &str)] = &[
    // Its macros come along, as on Fedora.
    ("python3-dev", "pyproject-rpm-macros"),
    // A compiler nobody wants without the C library's headers; Debian only recommends them.
    ("gcc", "libc6-dev"),
];

/// Files that are not shipped.
pub fn dropped(package: &str, path: &str) -> bool {
    path.starts_with("/usr/share/lintian")
        || path.starts_with("/usr/share/bug/")
        || path.starts_with("/usr/share/doc-base")
        || path.starts_with("/var/lib/dpkg")
        || path.starts_with("/etc/cron.daily")
        || path.contains("/rpm-plugins")
        || (package == "rpm-common" && path == "/var/lib/rpm")
}

/// Whether a file of Debian's `rpm` belongs to `rpm-build`.
pub fn belongs_to_rpm_build(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let tool = name.split('.').next().unwrap_or(name);
    let build_tools = [
        "rpmbuild", "rpmspec", "rpmsign", "gendiff", "rpmdeps", "rpmlua",
    ];
    build_tools.contains(&tool)
        || path.starts_with("/usr/lib/rpm/fileattrs")
        || (path.starts_with("/usr/lib/rpm/")
            && ![
                "rpmdb_dump",
                "rpmdb_load",
                "rpm.supp",
                "rpm.daily",
                "tgpg",
                "sysusers.sh",
            ]
            .contains(&name)
            && !name.starts_with("rpmpopt"))
}

/// What `rpm-build` needs besides `rpm`.
pub const RPM_BUILD_REQUIRES: &[&str] = &[
    "bash",
    "binutils",
    "bzip2",
    "coreutils",
    "cpio",
    "debugedit",
    "diffutils",
    "dwz",
    "elfutils",
    "file",
    "findutils",
    "gawk",
    "grep",
    "gzip",
    "libelf1",
    "librpmbuild9",
    "librpmsign9",
    "patch",
    "perl-base",
    "pkgconf",
    "sed",
    "tar",
    "testdist-rpm-config",
    "unzip",
    "xz-utils",
    "zstd",
];

/// Links the packages' own installation scripts would make through the alternatives system; a `*` stands for a
/// version.
pub const LINKS: &[(&str, &str, &str)] = &[
    ("automake", "/usr/bin/automake", "automake-*"),
    ("automake", "/usr/bin/aclocal", "aclocal-*"),
    ("bash", "/usr/bin/sh", "bash"),
    ("bison", "/usr/bin/yacc", "bison.yacc"),
    ("debianutils", "/usr/bin/which", "which.debianutils"),
    ("gawk", "/usr/bin/awk", "gawk"),
    ("gawk", "/usr/bin/nawk", "gawk"),
    ("gcc", "/usr/bin/cc", "gcc"),
    ("gcc", "/usr/bin/c89", "c89-gcc"),
    ("gcc", "/usr/bin/c99", "c99-gcc"),
    ("g++", "/usr/bin/c++", "g++"),
    ("less", "/usr/bin/pager", "less"),
    ("procps", "/usr/bin/w", "w.procps"),
    ("tar", "/usr/sbin/rmt", "rmt-tar"),
    ("xz-utils", "/usr/bin/lzma", "xz"),
    ("xz-utils", "/usr/bin/unlzma", "xz"),
    ("xz-utils", "/usr/bin/lzcat", "xzcat"),
];

/// Files that installation scripts would write: package, path, content; all of them configuration.
pub const FILES: &[(&str, &str, &str)] = &[
    (
        "libpam-runtime",
        "/etc/pam.d/common-account",
        "account required pam_unix.so\n",
    ),
    (
        "libpam-runtime",
        "/etc/pam.d/common-auth",
        "auth required pam_unix.so nullok\n",
    ),
    (
        "libpam-runtime",
        "/etc/pam.d/common-password",
        "password required pam_unix.so obscure yescrypt\n",
    ),
    (
        "libpam-runtime",
        "/etc/pam.d/common-session",
        "session required pam_unix.so\n",
    ),
    (
        "libpam-runtime",
        "/etc/pam.d/common-session-noninteractive",
        "session required pam_unix.so\n",
    ),
];

/// File capabilities that installation scripts would set.
pub const CAPABILITIES: &[(&str, &str)] = &[("/usr/bin/ping", "cap_net_raw=ep")];

/// What a package for this perl asks for; `@` stands for perl's version.
pub const PERL_COMPAT: &str = "perl(:MODULE_COMPAT_@)";

/// Names packagers know from Fedora: package, provides. `-devel` names follow from `-dev` by rule.
pub const ALIASES: &[(&str, &[&str])] = &[
    ("bash", &["/bin/sh"]),
    ("coreutils", &["coreutils-common"]),
    ("debianutils", &["which"]),
    ("g++", &["gcc-c++"]),
    ("gawk", &["awk"]),
    ("gettext", &["gettext-devel"]),
    ("git", &["git-core"]),
    (
        "golang-go",
        &["golang", "golang-bin", "compiler(go-compiler)"],
    ),
    ("iputils-ping", &["iputils"]),
    ("libc-bin", &["glibc-common", "glibc-minimal-langpack"]),
    ("libc6", &["glibc", "rtld(GNU_HASH)"]),
    ("libc6-dev", &["glibc-devel", "glibc-headers"]),
    ("libelf1", &["elfutils-libelf"]),
    ("libgcc-s1", &["libgcc"]),
    ("libpam-modules", &["pam"]),
    ("libpcre2-8-0", &["pcre2"]),
    ("libpopt0", &["popt"]),
    ("libreadline8", &["readline"]),
    ("librpm9", &["rpm-libs"]),
    ("libssl3", &["openssl-libs"]),
    ("libstdc++-12-dev", &["libstdc++-devel"]),
    ("libstdc++6", &["libstdc++"]),
    ("libxml2", &["libxml2-libs"]),
    ("linux-libc-dev", &["kernel-headers"]),
    ("ncurses-base", &["ncurses-libs"]),
    ("passwd", &["shadow-utils"]),
    (
        "perl",
        &[
            "perl-interpreter",
            "perl-generators",
            "perl-devel",
            "perl-macros",
            PERL_COMPAT,
        ],
    ),
    ("perl-base", &["perl(:VERSION)"]),
    ("pkgconf", &["pkgconf-pkg-config", "pkgconfig"]),
    ("procps", &["procps-ng"]),
    ("python3", &["python3-libs", "python(abi)"]),
    ("python3-dev", &["python3-devel"]),
    ("rustc-web", &["rust"]),
    ("xz-utils", &["xz", "xz-lzma-compat"]),
    ("zlib1g", &["zlib"]),
    ("zlib1g-dev", &["zlib-devel"]),
    ("libbz2-dev", &["bzip2-devel"]),
    ("liblzma-dev", &["xz-devel"]),
    ("libssl-dev", &["openssl-devel"]),
    ("libexpat1-dev", &["expat-devel"]),
    ("libglib2.0-dev", &["glib2-devel"]),
    ("libsqlite3-dev", &["sqlite-devel"]),
];

/// The comps group every buildroot starts from.
pub const BUILDROOT_GROUP: &[&str] = &[
    "bash",
    "bzip2",
    "coreutils",
    "cpio",
    "debianutils",
    "diffutils",
    "filesystem",
    "findutils",
    "gawk",
    "grep",
    "gzip",
    "info",
    "install-info",
    "libc-bin",
    "make",
    "passwd",
    "patch",
    "rpm",
    "rpm-build",
    "sed",
    "setup",
    "tar",
    "testdist-release",
    "testdist-rpm-config",
    "testdist-service",
    "unzip",
    "util-linux",
    "xz-utils",
    "zstd",
];

/// A group with members of every kind, for tests of `@group`.
pub const C_DEVELOPMENT_GROUP: &[(&str, &str)] = &[
    ("mandatory", "gcc"),
    ("mandatory", "make"),
    ("default", "g++"),
    ("default", "pkgconf"),
    ("optional", "cmake"),
];

/// Fedora-like provides of a package by name.
pub fn aliases(package: &str) -> Vec<String> {
    let mut names: Vec<String> = ALIASES
        .iter()
        .filter(|(name, _)| *name == package)
        .flat_map(|(_, provides)| provides.iter().map(|&text| text.to_owned()))
        .collect();
    if let Some(stem) = package.strip_suffix("-dev") {
        // `libpython3-dev` is not what anybody means by `python3-devel`: a name in the table is nobody else's.
        let taken = |name: &String| {
            ALIASES
                .iter()
                .any(|(owner, all)| *owner != package && all.contains(&name.as_str()))
        };
        let short = stem
            .strip_prefix("lib")
            .map(|short| format!("{short}-devel"));
        names.extend(
            [Some(format!("{stem}-devel")), short]
                .into_iter()
                .flatten()
                .filter(|name| !taken(name)),
        );
    }
    names
}
