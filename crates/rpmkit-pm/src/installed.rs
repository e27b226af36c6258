//! What is installed in a root, asked of the root's own rpm.
//!
//! Only roots somebody changed by hand need asking; for layers made by us the packages are known.

use rpmkit_types::{Dep, DepFlag, Evr, Location, Nevra, Package, Requirement};

/// Query format: records end with `\x1e`, sections with `\x1d`, fields with `\x1f`. The array
/// sections hold name, flags (a number) and version of each dependency.
pub const QUERY_FORMAT: &str = concat!(
    r"%{NAME}\x1f%|EPOCH?{%{EPOCH}}:{0}|\x1f%{VERSION}\x1f%{RELEASE}\x1f%|ARCH?{%{ARCH}}:{noarch}|",
    r"\x1f%{BUILDTIME}\x1f%{LONGSIZE}\x1f%{SOURCERPM}\x1f%{VENDOR}\x1d",
    r"[%{PROVIDENAME}\x1f%{PROVIDEFLAGS}\x1f%{PROVIDEVERSION}\x1f]\x1d",
    r"[%{REQUIRENAME}\x1f%{REQUIREFLAGS}\x1f%{REQUIREVERSION}\x1f]\x1d",
    r"[%{CONFLICTNAME}\x1f%{CONFLICTFLAGS}\x1f%{CONFLICTVERSION}\x1f]\x1d",
    r"[%{OBSOLETENAME}\x1f%{OBSOLETEFLAGS}\x1f%{OBSOLETEVERSION}\x1f]\x1d",
    r"[%{RECOMMENDNAME}\x1f%{RECOMMENDFLAGS}\x1f%{RECOMMENDVERSION}\x1f]\x1d",
    r"[%{FILENAMES}\x1f]\x1e",
);

/// The query format as the argument of `--qf`: rpm knows no `\x` escapes, so the bytes themselves.
pub fn query_format() -> String {
    QUERY_FORMAT
        .replace(r"\x1f", "\x1f")
        .replace(r"\x1e", "\x1e")
        .replace(r"\x1d", "\x1d")
}

/// Bits of rpm's dependency flags (rpmds.h).
const LESS: u32 = 1 << 1;
const GREATER: u32 = 1 << 2;
const EQUAL: u32 = 1 << 3;
const PREREQ: u32 = 1 << 6;
const SCRIPT_PRE: u32 = 1 << 9;

fn flagged(flags: u32) -> Option<DepFlag> {
    Some(match flags & (LESS | GREATER | EQUAL) {
        LESS => DepFlag::Lt,
        GREATER => DepFlag::Gt,
        EQUAL => DepFlag::Eq,
        f if f == LESS | EQUAL => DepFlag::Le,
        f if f == GREATER | EQUAL => DepFlag::Ge,
        _ => return None,
    })
}

fn dependencies(section: &str) -> Vec<(Dep, u32)> {
    if section.starts_with("(none)") {
        return Vec::new();
    }
    let fields: Vec<&str> = section.split('\x1f').collect();
    fields
        .chunks_exact(3)
        .map(|field| {
            let flags = field[1].parse().unwrap_or(0);
            let version = (!field[2].is_empty())
                .then(|| flagged(flags).map(|flag| (flag, Evr::parse(field[2]))))
                .flatten();
            let dep = Dep {
                name: field[0].to_owned(),
                version,
            };
            (dep, flags)
        })
        .collect()
}

fn plain(section: &str) -> Vec<Dep> {
    dependencies(section)
        .into_iter()
        .map(|(dep, _)| dep)
        .collect()
}

/// Reads the output of `rpm -qa --qf` with [`query_format`]. Public keys (`gpg-pubkey`) are no
/// packages and are left out; a record that is not understood is skipped.
pub fn parse(output: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = output
        .split('\x1e')
        .filter_map(|record| {
            let sections: Vec<&str> = record.trim_start_matches('\n').split('\x1d').collect();
            let [
                head,
                provides,
                requires,
                conflicts,
                obsoletes,
                recommends,
                files,
            ] = sections.as_slice()
            else {
                return None;
            };
            let head: Vec<&str> = head.split('\x1f').collect();
            let [
                name,
                epoch,
                version,
                release,
                arch,
                build_time,
                size,
                source,
                vendor,
            ] = head.as_slice()
            else {
                return None;
            };
            if *name == "gpg-pubkey" {
                return None;
            }
            let text = |value: &str| {
                if value == "(none)" {
                    String::new()
                } else {
                    value.to_owned()
                }
            };
            Some(Package {
                nevra: Nevra::new(
                    *name,
                    Evr::new(epoch.parse().unwrap_or(0), *version, *release),
                    *arch,
                ),
                repo: String::new(),
                checksum: None,
                location: Location {
                    href: String::new(),
                    base: None,
                },
                size: 0,
                installed_size: size.parse().unwrap_or(0),
                build_time: build_time.parse().unwrap_or(0),
                source_rpm: text(source),
                vendor: text(vendor),
                provides: plain(provides),
                requires: dependencies(requires)
                    .into_iter()
                    .map(|(dep, flags)| Requirement {
                        dep,
                        pre: flags & (PREREQ | SCRIPT_PRE) != 0,
                    })
                    .collect(),
                conflicts: plain(conflicts),
                obsoletes: plain(obsoletes),
                recommends: plain(recommends),
                suggests: Vec::new(),
                supplements: Vec::new(),
                enhances: Vec::new(),
                files: if files.starts_with("(none)") {
                    Vec::new()
                } else {
                    files
                        .split('\x1f')
                        .filter(|f| !f.is_empty())
                        .map(str::to_owned)
                        .collect()
                },
            })
        })
        .collect();
    packages.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_packages() {
        let text = "bash\x1f0\x1f5.2\x1f1\x1fx86_64\x1f12\x1f99\x1fbash-5.2-1.src.rpm\x1f(none)\x1d\
                    bash\x1f8\x1f5.2-1\x1f/bin/sh\x1f0\x1f\x1f\x1d\
                    libc.so.6\x1f16384\x1f\x1ffilesystem\x1f524\x1f3\x1f\x1d\
                    (none)\x1f(none)\x1f(none)\x1f\x1dsh-utils\x1f2\x1f2.0\x1f\x1d(none)\x1f(none)\x1f(none)\x1f\x1d\
                    /usr/bin/bash\x1f\x1e\
                    gpg-pubkey\x1f0\x1fa\x1fb\x1f(none)\x1f1\x1f0\x1f(none)\x1f(none)\x1d\x1d\x1d\x1d\x1d\x1d\x1e";
        let packages = parse(text);
        assert_eq!(packages.len(), 1);
        let bash = &packages[0];
        assert_eq!(bash.nevra.to_string(), "bash-5.2-1.x86_64");
        assert_eq!(bash.provides[0].to_string(), "bash = 5.2-1");
        assert_eq!(bash.requires[1].dep.to_string(), "filesystem >= 3");
        assert!(bash.requires[1].pre && !bash.requires[0].pre);
        assert!(bash.conflicts.is_empty() && bash.recommends.is_empty());
        assert_eq!(bash.obsoletes[0].to_string(), "sh-utils < 2.0");
        assert_eq!(bash.files, ["/usr/bin/bash"]);
    }
}
