//! The generations of rpm that are tested, and everything in which their distributions differ.
//!
//! | suite | rpm | package manager | packages written by |
//! |---|---|---|---|
//! | bookworm | 4.18 | dnf 4 | the `rpm` crate |
//! | trixie | 4.20 | dnf 4 | the suite's own rpmbuild |
//! | sid | 6 | dnf 5 | the suite's own rpmbuild, two thirds in format 6 |

use clap::ValueEnum;

/// A suite of Debian that a distribution is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
    /// What becomes the next Debian. It moves, and on some days it cannot be installed.
    Sid,
}

/// What one suite has otherwise than the others.
#[derive(Debug)]
pub struct Profile {
    /// Name of the suite, as apt has it.
    pub name: &'static str,
    /// Prefix of the chroot's name.
    pub chroot: &'static str,
    /// The package manager of the chroot's definition.
    pub manager: &'static str,
    /// Asked of apt besides [`super::recipe::WANTED`].
    pub also: &'static [&'static str],
    /// Names in the recipe and what the suite calls them.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Debian packages of the root whose rpmbuild writes the packages; empty where the `rpm` crate does.
    pub tools: &'static [&'static str],
    /// Formats of the packages, taken in turn; empty where there is no choice.
    pub formats: &'static [u8],
    /// Lines for the distribution's macros.
    pub macros: &'static str,
    /// Whether rpmbuild adds debug packages by itself (4.20 and later).
    pub own_debug_packages: bool,
    /// The versions the tests were last seen to pass with, see [`super::pins`].
    pub recorded: &'static str,
    /// Whether apt may refuse it without that being a failure of ours.
    pub moving: bool,
}

/// What a root needs besides its package manager to build packages, sign them and describe them.
macro_rules! tools {
    ($($more:literal),*) => {
        &[
            "base-files", "base-passwd", "bash", "coreutils", "cpio", "createrepo-c", "diffutils", "findutils",
            "gawk", "gpg", "gpg-agent", "grep", "gzip", "libc-bin", "login", "passwd", "rpm", "sed", "sq",
            "systemd-standalone-sysusers", "tar", $($more),*
        ]
    };
}

const BOOKWORM: Profile = Profile {
    name: "bookworm",
    chroot: "testdist-1",
    manager: "dnf4",
    also: &[],
    renamed: &[],
    tools: &[],
    formats: &[],
    macros: "",
    own_debug_packages: false,
    recorded: include_str!("../../data/versions/bookworm"),
    moving: false,
};

const TRIXIE: Profile = Profile {
    name: "trixie",
    chroot: "testdist-trixie",
    manager: "dnf4",
    also: &["systemd-standalone-sysusers", "util-linux-extra"],
    renamed: &[
        ("libelf1", "libelf1t64"),
        ("libreadline8", "libreadline8t64"),
        ("librpm9", "librpm10"),
        ("librpmbuild9", "librpmbuild10"),
        ("librpmio9", "librpmio10"),
        ("librpmsign9", "librpmsign10"),
        ("libssl3", "libssl3t64"),
        ("libstdc++-12-dev", "libstdc++-14-dev"),
    ],
    tools: tools!("dnf"),
    formats: &[],
    macros: "%perl_vendorarch        %{_libdir}/perl5/5.40\n",
    own_debug_packages: true,
    recorded: include_str!("../../data/versions/trixie"),
    moving: false,
};

const SID: Profile = Profile {
    name: "sid",
    chroot: "testdist-sid",
    manager: "dnf5",
    also: &["systemd-standalone-sysusers", "util-linux-extra"],
    renamed: &[
        ("cargo-web", "cargo"),
        ("libelf1", "libelf1t64"),
        ("libreadline8", "libreadline8t64"),
        ("librpm9", "librpm10"),
        ("librpmbuild9", "librpmbuild10"),
        ("librpmio9", "librpmio10"),
        ("librpmsign9", "librpmsign10"),
        ("libssl3", "libssl3t64"),
        ("libstdc++-12-dev", "libstdc++-16-dev"),
        ("rustc-web", "rustc"),
    ],
    tools: tools!("dnf5"),
    formats: &[6, 4, 6],
    macros: "\n# Users of sysusers.d: by the program itself, not by rpm's script.\n\
             %__systemd_sysusers     /usr/bin/systemd-sysusers\n\
             # CMake 4 refuses projects that ask for what came before 3.5.\n\
             %__cmake                CMAKE_POLICY_VERSION_MINIMUM=3.5 /usr/bin/cmake\n\
             %perl_vendorarch        %{_libdir}/perl5/5.42\n",
    own_debug_packages: true,
    recorded: include_str!("../../data/versions/sid"),
    moving: true,
};

impl Suite {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::Bookworm, Self::Trixie, Self::Sid];

    /// Its row in the table.
    pub fn profile(self) -> &'static Profile {
        match self {
            Self::Bookworm => &BOOKWORM,
            Self::Trixie => &TRIXIE,
            Self::Sid => &SID,
        }
    }

    /// The suite a stamp names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.profile().name == name)
    }

    /// Name of the directory of its distribution below the working directory, and `SUFFIX` of its private state.
    pub fn dir(self) -> &'static str {
        match self {
            Self::Bookworm => "dist",
            other => other.profile().name,
        }
    }

    /// A name of private state below the working directory: `apt`, `apt-trixie`.
    pub fn private(self, what: &str) -> String {
        match self {
            Self::Bookworm => what.to_owned(),
            other => format!("{what}-{}", other.profile().name),
        }
    }
}

impl Profile {
    /// What the suite calls a name of the recipe.
    pub fn here<'a>(&self, name: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.renamed
            .iter()
            .find(|(base, _)| *base == name)
            .map_or(name, |(_, here)| here)
    }

    /// What the recipe calls a name of the suite.
    pub fn base<'a>(&self, name: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.renamed
            .iter()
            .find(|(_, here)| *here == name)
            .map_or(name, |(base, _)| base)
    }

    /// Names of the recipe as the suite has them.
    pub fn names(&self, base: &[&'static str]) -> Vec<&'static str> {
        base.iter().map(|name| self.here(name)).collect()
    }

    /// Everything asked of apt for the distribution.
    pub fn wanted(&self) -> Vec<&'static str> {
        let mut all = self.names(super::recipe::WANTED);
        all.extend(self.also);
        all
    }

    /// The format of the package at this place in the list.
    pub fn format(&self, index: usize) -> Option<u8> {
        self.formats
            .get(index.checked_rem(self.formats.len())?)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        let sid = Suite::Sid.profile();
        assert_eq!(sid.here("libssl3"), "libssl3t64");
        assert_eq!(sid.base("libssl3t64"), "libssl3");
        assert_eq!(sid.here("bash"), "bash");
        for suite in Suite::ALL {
            assert_eq!(Suite::named(suite.profile().name), Some(suite));
        }
    }

    #[test]
    fn two_thirds_of_sid_are_in_format_6() {
        let sid = Suite::Sid.profile();
        let six = (0..300)
            .filter(|index| sid.format(*index) == Some(6))
            .count();
        assert_eq!(six, 200);
        assert_eq!(Suite::Trixie.profile().format(0), None);
    }
}
