//! What building and running the suite needs from the host.

use std::os::unix::fs::MetadataExt;

/// A program and the Debian package that has it.
pub struct Need {
    /// Its name on `PATH`.
    pub program: &'static str,
    /// Where Debian has it.
    pub package: &'static str,
    /// What it is wanted for; a verb in the third person comes first.
    pub why: &'static str,
}

/// Without these nothing goes on.
pub const NEEDED: &[Need] = &[
    Need {
        program: "cmake",
        package: "cmake",
        why: "builds the vendored solver",
    },
    Need {
        program: "cc",
        package: "gcc",
        why: "compiles the C parts",
    },
    Need {
        program: "c++",
        package: "g++",
        why: "is asked for by cmake",
    },
    Need {
        program: "make",
        package: "make",
        why: "is driven by cmake",
    },
    Need {
        program: "git",
        package: "git",
        why: "lays out checkouts",
    },
];

/// The tests call these: the clients whose checkouts are tested, and a server for one of them.
pub const TESTED: &[Need] = &[
    Need {
        program: "svnadmin",
        package: "subversion",
        why: "makes repositories to test with",
    },
    Need {
        program: "cvs",
        package: "cvs",
        why: "makes repositories to test with",
    },
    Need {
        program: "ssh",
        package: "openssh-client",
        why: "fetches in tests",
    },
    Need {
        program: "sshd",
        package: "openssh-server",
        why: "serves fetches in tests",
    },
];

/// Better with it; without it an ordinary user builds in the mode of one id.
pub const USEFUL: &[Need] = &[Need {
    program: "newuidmap",
    package: "uidmap",
    why: "lets an ordinary user keep file owners exact",
}];

/// Those of `needs` that are neither on `PATH` nor where programs for root are.
pub fn missing(needs: &'static [Need]) -> Vec<&'static Need> {
    let beyond = |program: &str| {
        ["/usr/sbin", "/sbin"]
            .iter()
            .any(|dir| std::path::Path::new(dir).join(program).is_file())
    };
    needs
        .iter()
        .filter(|need| which::which(need.program).is_err() && !beyond(need.program))
        .collect()
}

/// One sentence a missing program.
pub fn sentences(needs: &[&Need]) -> String {
    needs
        .iter()
        .map(|need| format!("`{}` is missing: it {}\n", need.program, need.why))
        .collect()
}

/// What to paste, where we may not install it ourselves: all that is needed, and what is useful
/// besides, in one line.
pub fn advice(needs: &[&Need]) -> String {
    let packages: Vec<&str> = needs
        .iter()
        .copied()
        .chain(missing(USEFUL))
        .map(|need| need.package)
        .collect();
    format!(
        "install what is missing and start again:\n  sudo sh -c 'apt-get update && apt-get install -y {}'",
        packages.join(" ")
    )
}

/// Whether this process may install packages.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
