//! A Debian package in, RPM packages out.

use std::collections::BTreeSet;

use rpm::{Dependency, Scriptlet};

use super::deb::{Deb, DebKind, Entry};
use super::depmap::{self, Evr};
use super::rpmwrite::{Deps, File, Nature, Script, Spec};
use super::suites::Profile;
use super::{own, provides, recipe};

/// Architecture names: Debian's and RPM's.
pub fn rpm_arch(debian: &str) -> &str {
    match debian {
        "all" => "noarch",
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "i386" => "i686",
        "armhf" => "armv7hl",
        "ppc64el" => "ppc64le",
        other => other,
    }
}

/// Converts one package; `names` are all packages of the set, `python` is such as `3.11`. Debian's `rpm` comes out as
/// `rpm` and `rpm-build`.
pub fn convert(deb: Deb, names: &BTreeSet<String>, python: &str, profile: &Profile) -> Vec<Spec> {
    let control = &deb.control;
    let name = control.get("package").to_owned();
    let found = provides::find(&deb.entries, python);
    let mapped = depmap::map(control, names, profile);
    let mut deps = Deps {
        provides: mapped.provides,
        requires: mapped.requires,
        conflicts: mapped.conflicts,
        obsoletes: mapped.obsoletes,
        recommends: mapped.recommends,
        suggests: mapped.suggests,
        enhances: mapped.enhances,
        supplements: Vec::new(),
    };
    let evr = Evr::from_debian(control.get("version"));
    deps.provides.extend(found);
    deps.provides.extend(
        recipe::aliases(profile.base(&name))
            .into_iter()
            .map(|alias| {
                // Names only, with the package's version; capabilities and paths have none.
                if alias == "python(abi)" {
                    Dependency::eq(alias, python)
                } else if alias == recipe::PERL_COMPAT {
                    let (version, _) = evr.version.split_once('+').unwrap_or((&evr.version, ""));
                    Dependency::any(alias.replace('@', version))
                } else if alias.contains(['(', '/']) {
                    Dependency::any(alias)
                } else {
                    Dependency::eq(alias, evr.to_string())
                }
            }),
    );
    // Everything lies on the merged layout, and libc (as on Fedora) is what orders it first.
    deps.requires.push(Dependency::script_pre("filesystem"));
    let extra = recipe::EXTRA_REQUIRES
        .iter()
        .filter(|(package, _)| *package == name);
    deps.requires
        .extend(extra.map(|(_, wanted)| Dependency::any(*wanted)));
    let (summary, description) = control
        .get("description")
        .split_once('\n')
        .unwrap_or((control.get("description"), ""));
    let mut spec = Spec {
        arch: rpm_arch(control.get("architecture")).to_owned(),
        summary: summary.to_owned(),
        description: unfold(description),
        url: control.get("homepage").to_owned(),
        license: "Redistributable".to_owned(),
        deps,
        scripts: scripts(&name),
        files: Vec::new(),
        name,
        evr,
    };
    let skeleton = own::skeleton();
    spec.files = deb
        .entries
        .into_iter()
        .filter(|entry| !recipe::dropped(&spec.name, &entry.path))
        .filter(|entry| {
            !(matches!(entry.kind, DebKind::Dir) && skeleton.contains(entry.path.as_str()))
        })
        .map(|entry| file(entry, &deb.conffiles))
        .collect();
    extras(&mut spec);
    if spec.name == "rpm" {
        split_rpm(spec, profile)
    } else {
        vec![spec]
    }
}

fn file(entry: Entry, conffiles: &[String]) -> File {
    let path = entry.path.as_str();
    let nature = if conffiles.iter().any(|one| one == path) {
        Nature::Config
    } else if path.starts_with("/usr/share/doc/") && path.ends_with("/copyright") {
        Nature::License
    } else if ["/usr/share/doc/", "/usr/share/man/", "/usr/share/info/"]
        .iter()
        .any(|dir| path.starts_with(dir))
    {
        Nature::Doc
    } else {
        Nature::Plain
    };
    let language = path
        .strip_prefix("/usr/share/locale/")
        .and_then(|rest| rest.split_once("/LC_"))
        .map(|(language, _)| language.to_owned())
        .unwrap_or_default();
    let caps = recipe::CAPABILITIES
        .iter()
        .find(|(file, _)| *file == path)
        .map(|(_, caps)| *caps);
    File {
        nature,
        language,
        caps,
        kind: entry.kind,
        mode: entry.mode,
        user: entry.user,
        group: entry.group,
        mtime: entry.mtime,
        path: entry.path,
    }
}

/// The name in `/usr/bin` that begins with `start` and goes on with a version.
fn versioned(files: &[File], start: &str) -> String {
    files
        .iter()
        .filter_map(|file| file.path.strip_prefix("/usr/bin/"))
        .find(|name| {
            name.strip_prefix(start)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .unwrap_or(start)
        .to_owned()
}

fn extras(spec: &mut Spec) {
    for (package, path, target) in recipe::LINKS {
        if *package == spec.name {
            let target = match target.strip_suffix('*') {
                None => (*target).to_owned(),
                Some(start) => versioned(&spec.files, start),
            };
            spec.files.push(File::link(path, &target));
        }
    }
    for (package, path, content) in recipe::FILES {
        if *package == spec.name {
            spec.files
                .push(File::text(path, content, 0o644).nature(Nature::Config));
        }
    }
    let ghosts: &[&str] = match spec.name.as_str() {
        "libc-bin" => &["/etc/ld.so.cache", "/var/cache/ldconfig/aux-cache"],
        "install-info" => &["/usr/share/info/dir"],
        _ => &[],
    };
    for path in ghosts {
        let mode = if path.ends_with("aux-cache") {
            0o600
        } else {
            0o644
        };
        spec.files
            .push(File::new(path, DebKind::File(Vec::new()), mode).nature(Nature::Ghost));
    }
}

/// What the distribution does once per transaction for everybody.
fn scripts(package: &str) -> Vec<Script> {
    match package {
        "libc-bin" => vec![
            Script::TransFileIn("/usr/lib", Scriptlet::new("/sbin/ldconfig\n")),
            Script::PostTrans(Scriptlet::new("/sbin/ldconfig\n")),
        ],
        "install-info" => vec![Script::TransFileIn(
            "/usr/share/info",
            Scriptlet::new(
                "while read -r page; do\n  case \"$page\" in\n    */dir|*/dir.old) ;;\n    *.info|*.info.gz) \
                 install-info --quiet \"$page\" /usr/share/info/dir || : ;;\n  esac\ndone\n",
            ),
        )],
        _ => Vec::new(),
    }
}

/// The part of Debian's `rpm` that builds packages, as its own package, as distributions made of RPMs have it.
fn split_rpm(mut rpm: Spec, profile: &Profile) -> Vec<Spec> {
    let (build, run): (Vec<File>, Vec<File>) = std::mem::take(&mut rpm.files)
        .into_iter()
        .partition(|file| recipe::belongs_to_rpm_build(&file.path));
    let mut part = Spec {
        name: "rpm-build".into(),
        summary: "Tools that build RPM packages".into(),
        ..rpm.clone()
    };
    rpm.files = run;
    part.files = build;
    let same = Dependency::eq("rpm", rpm.evr.to_string());
    part.deps = Deps {
        requires: recipe::RPM_BUILD_REQUIRES
            .iter()
            .map(|name| Dependency::any(profile.here(name)))
            .chain([same])
            .collect(),
        ..Deps::default()
    };
    vec![rpm, part]
}

fn unfold(text: &str) -> String {
    text.lines()
        .map(|line| if line.trim() == "." { "" } else { line.trim() })
        .collect::<Vec<_>>()
        .join("\n")
}
