//! Packages written by a suite's own rpmbuild: a [`Spec`] becomes a directory of files and a spec that packs them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use rpm::{Dependency, DependencyFlags, Scriptlet};

use super::deb::DebKind;
use super::root::Root;
use super::rpmwrite::{File, Nature, Script, Spec};
use super::variants::Build;

/// Where a build's directory is seen in the root.
const PLACE: &str = "/build";

/// Settings of every build, in rpm's words: nothing is changed in the files, and the same files give the same bytes.
const MACROS: &[&str] = &[
    "_topdir /build/top",
    "_rpmdir /build/out",
    "_srcrpmdir /build/out",
    "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
    "_buildhost localhost",
    "_build_id_links none",
    "_binary_payload w6.zstdio",
    "debug_package %{nil}",
    "__os_install_post %{nil}",
    "__check_files %{nil}",
    "_unpackaged_files_terminate_build 0",
    "source_date_epoch_from_changelog 0",
    "use_source_date_epoch_as_buildtime 1",
    "clamp_mtime_to_source_date_epoch 0",
];

/// Writes packages in a root.
#[derive(Debug)]
pub struct Native<'a> {
    /// Whose rpmbuild.
    pub root: &'a Root,
    /// Where builds have their directories; must exist.
    pub work: &'a Path,
}

impl Native<'_> {
    /// Writes one package into `target`; `format` is rpm's, or its default.
    pub fn write(&self, spec: Spec, format: Option<u8>, target: &Path) -> Result<()> {
        let label = spec.file_name();
        self.assemble(spec, format, target)
            .with_context(|| format!("cannot make `{label}` with the suite's rpmbuild"))
    }

    /// Builds a spec of ours into `target`.
    pub fn build(&self, build: &Build, format: Option<u8>, target: &Path) -> Result<()> {
        self.build_in_place(build, format, target).with_context(|| {
            format!(
                "cannot build `{}.spec` with the suite's rpmbuild",
                build.name
            )
        })
    }

    fn build_in_place(&self, build: &Build, format: Option<u8>, target: &Path) -> Result<()> {
        let place = tempfile::tempdir_in(self.work)?;
        let of = build
            .of
            .map_or_else(String::new, |of| format!("%global of {of}\n"));
        fs::write(
            place.path().join("package.spec"),
            format!("{of}{}", build.text),
        )?;
        let arch = build.arch.unwrap_or("noarch");
        self.rpmbuild(place.path(), arch, format, super::EPOCH)?;
        take(&place.path().join("out"), target)
    }

    fn assemble(&self, spec: Spec, format: Option<u8>, target: &Path) -> Result<()> {
        let place = tempfile::tempdir_in(self.work)?;
        let tree = place.path().join("tree");
        fs::create_dir(&tree)?;
        let newest = newest(&spec.files);
        let arch = spec.arch.clone();
        let text = text(&spec);
        lay_out(spec.files, &tree)?;
        fs::write(place.path().join("package.spec"), text)?;
        self.rpmbuild(place.path(), &arch, format, newest)?;
        take(&place.path().join("out"), target)
    }

    /// Builds `package.spec` of `place` with the files of its `tree`, into its `out`.
    fn rpmbuild(&self, place: &Path, arch: &str, format: Option<u8>, time: u32) -> Result<()> {
        let mut words: Vec<String> = ["rpmbuild", "-bb", "--quiet", "--noclean", "--nodeps"]
            .map(str::to_owned)
            .into();
        if arch != "noarch" {
            words.extend(["--target".to_owned(), arch.to_owned()]);
        }
        let format = format.map(|format| format!("_rpmformat {format}"));
        for one in MACROS.iter().copied().chain(format.as_deref()) {
            words.extend(["--define".to_owned(), one.to_owned()]);
        }
        words.extend(["--buildroot", "/build/tree", "/build/package.spec"].map(str::to_owned));
        let epoch = format!("SOURCE_DATE_EPOCH={time}");
        let mut all = vec!["env".to_owned(), epoch];
        all.extend(words);
        self.root.run(&[(place, PLACE)], &all).map(drop)
    }
}

/// Moves the packages below `dir` to `target`.
fn take(dir: &Path, target: &Path) -> Result<()> {
    let mut count = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry?;
        if entry.file_type().is_file() {
            fs::rename(entry.path(), target.join(entry.file_name()))
                .with_context(|| format!("cannot move `{}`", entry.path().display()))?;
            count += 1;
        }
    }
    anyhow::ensure!(count > 0, "rpmbuild wrote no package");
    Ok(())
}

fn newest(files: &[File]) -> u32 {
    files
        .iter()
        .map(|file| file.mtime)
        .max()
        .unwrap_or(super::EPOCH)
}

/// The files of a package below `tree`; a later one of the same path is left out.
fn lay_out(files: Vec<File>, tree: &Path) -> Result<()> {
    let mut links = Vec::new();
    let mut times = Vec::new();
    for file in files {
        let path = tree.join(file.path.trim_start_matches('/'));
        if fs::symlink_metadata(&path).is_ok() && !matches!(file.kind, DebKind::Dir) {
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match file.kind {
            DebKind::Dir => fs::create_dir_all(&path)?,
            DebKind::File(bytes) => {
                fs::write(&path, bytes)?;
                // The spec has the modes; what is executable here only helps rpm to tell what a file is.
                let mode = 0o644 | (u32::from(file.mode) & 0o111);
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            }
            DebKind::Symlink(target) => symlink(target, &path)?,
            DebKind::Hardlink(target) => {
                links.push((tree.join(target.trim_start_matches('/')), path));
                continue;
            }
        }
        times.push((path, file.mtime));
    }
    for (target, path) in links {
        fs::hard_link(&target, &path)
            .with_context(|| format!("cannot link `{}`", path.display()))?;
    }
    // After everything is there: a file made in a directory changes the directory's time.
    for (path, mtime) in &times {
        let time = TimeSpec::new(i64::from(*mtime), 0);
        utimensat(
            nix::fcntl::AT_FDCWD,
            path,
            &time,
            &time,
            UtimensatFlags::NoFollowSymlink,
        )?;
    }
    Ok(())
}

/// A value in a spec, where `%` begins a macro.
fn plain(text: &str) -> String {
    text.replace('%', "%%")
}

/// The whole spec.
fn text(spec: &Spec) -> String {
    let mut out = String::new();
    let mut tag = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name}: {}", plain(value));
        }
    };
    tag("Name", &spec.name);
    if let Some(epoch) = spec.evr.epoch {
        tag("Epoch", &epoch.to_string());
    }
    tag("Version", &spec.evr.version);
    tag("Release", &spec.evr.release);
    tag("Summary", &spec.summary);
    tag("License", &spec.license);
    tag("URL", &spec.url);
    tag("Group", "Unspecified");
    tag("Vendor", "rpmkit test distribution");
    tag("Packager", "rpmkit");
    if spec.arch == "noarch" {
        tag("BuildArch", "noarch");
    }
    tag("AutoReqProv", "no");
    for (name, all) in [
        ("Provides", &spec.deps.provides),
        ("Requires", &spec.deps.requires),
        ("Conflicts", &spec.deps.conflicts),
        ("Obsoletes", &spec.deps.obsoletes),
        ("Recommends", &spec.deps.recommends),
        ("Suggests", &spec.deps.suggests),
        ("Enhances", &spec.deps.enhances),
        ("Supplements", &spec.deps.supplements),
    ] {
        // Lua is part of rpm, and no package need provide it.
        for one in all.iter().filter(|one| one.name != "<lua>") {
            tag(&format!("{name}{}", when(one)), &relation(one));
        }
    }
    let _ = write!(out, "\n%description\n{}\n", plain(&spec.description));
    for script in &spec.scripts {
        section(&mut out, script);
    }
    out += "\n%files\n";
    out += &listing(&spec.files);
    let _ = write!(
        out,
        "\n%changelog\n* Sun Jun 15 2025 rpmkit <rpmkit@localhost> - {}\n- Made for the test distribution\n",
        spec.evr
    );
    out
}

fn when(dependency: &Dependency) -> &'static str {
    if dependency.flags.contains(DependencyFlags::SCRIPT_PRE) {
        "(pre)"
    } else if dependency.flags.contains(DependencyFlags::SCRIPT_POST) {
        "(post)"
    } else {
        ""
    }
}

fn relation(dependency: &Dependency) -> String {
    let has = |flag| dependency.flags.contains(flag);
    let mut sign = String::new();
    for (flag, text) in [
        (DependencyFlags::LESS, "<"),
        (DependencyFlags::GREATER, ">"),
        (DependencyFlags::EQUAL, "="),
    ] {
        if has(flag) {
            sign += text;
        }
    }
    if sign.is_empty() {
        dependency.name.clone()
    } else {
        format!("{} {sign} {}", dependency.name, dependency.version)
    }
}

fn section(out: &mut String, script: &Script) {
    let (name, target, body) = match script {
        Script::Pre(body) => ("pre", None, body),
        Script::Post(body) => ("post", None, body),
        Script::PreUn(body) => ("preun", None, body),
        Script::PostTrans(body) => ("posttrans", None, body),
        Script::TransFileIn(path, body) => ("transfiletriggerin", Some(*path), body),
    };
    let _ = write!(out, "\n%{name}");
    if let Some(program) = program(body) {
        let _ = write!(out, " -p {program}");
    }
    if let Some(path) = target {
        let _ = write!(out, " -- {path}");
    }
    let _ = write!(out, "\n{}", plain(&body.script));
}

fn program(body: &Scriptlet) -> Option<&str> {
    body.program.as_ref()?.first().map(String::as_str)
}

/// The lines of `%files`, each path once.
fn listing(files: &[File]) -> String {
    let mut first: BTreeMap<&str, &File> = BTreeMap::new();
    for file in files {
        first.entry(&file.path).or_insert(file);
    }
    let by_path = first.clone();
    let mut out = String::new();
    for (path, file) in first {
        // A hard link has the attributes of what it links to.
        let file = match &file.kind {
            DebKind::Hardlink(target) => by_path.get(target.as_str()).copied().unwrap_or(file),
            _ => file,
        };
        let link = matches!(file.kind, DebKind::Symlink(_));
        if matches!(file.kind, DebKind::Dir) {
            out += "%dir ";
        }
        out += match file.nature {
            Nature::Config if !link => "%config(noreplace) ",
            Nature::State => "%config(noreplace) %verify(not md5 size mtime) ",
            Nature::Doc => "%doc ",
            Nature::License => "%license ",
            Nature::Ghost => "%ghost ",
            Nature::Plain | Nature::Config => "",
        };
        if !file.language.is_empty() {
            let _ = write!(out, "%lang({}) ", file.language);
        }
        if let Some(caps) = file.caps {
            let _ = write!(out, "%caps({caps}) ");
        }
        let mode = if link {
            "-".to_owned()
        } else {
            format!("{:04o}", file.mode)
        };
        let _ = writeln!(
            out,
            "%attr({mode},{},{}) {}",
            file.user,
            file.group,
            quoted(path)
        );
    }
    out
}

/// A path in `%files`: quoted, so that nothing in it is a pattern.
fn quoted(path: &str) -> String {
    format!("\"{}\"", plain(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        let mut spec = Spec::own("demo", "1", "noarch", "100 % plain");
        spec.deps.requires = vec![
            Dependency::script_pre("setup"),
            Dependency::greater_eq("lib", "1:2-3"),
            Dependency::any("(a >= 1 or b)"),
        ];
        spec.scripts = vec![Script::Pre(
            Scriptlet::new("print(\"%\")\n").prog(vec!["<lua>"]),
        )];
        let mut capable = File::text("/usr/bin/a b", "x", 0o4755).owned("root", "mail");
        capable.caps = Some("cap_net_raw=ep");
        spec.files = vec![
            capable,
            File::new(
                "/usr/bin/z",
                DebKind::Hardlink("/usr/bin/a b".into()),
                0o644,
            ),
            File::link("/etc/x", "y").nature(Nature::Config),
        ];
        spec
    }

    #[test]
    fn a_spec_says_everything_the_description_says() {
        let text = text(&spec());
        for line in [
            "Summary: 100 %% plain",
            "Requires(pre): setup",
            "Requires: lib >= 1:2-3",
            "Requires: (a >= 1 or b)",
            "%pre -p <lua>\nprint(\"%%\")",
            "%caps(cap_net_raw=ep) %attr(4755,root,mail) \"/usr/bin/a b\"",
            "%caps(cap_net_raw=ep) %attr(4755,root,mail) \"/usr/bin/z\"",
            "%attr(-,root,root) \"/etc/x\"",
        ] {
            assert!(text.contains(line), "`{line}` is not in\n{text}");
        }
    }

    #[test]
    fn hard_links_and_times_are_laid_out() -> Result<()> {
        use std::os::unix::fs::MetadataExt;
        let place = tempfile::tempdir()?;
        lay_out(spec().files, place.path())?;
        let meta = fs::metadata(place.path().join("usr/bin/z"))?;
        assert_eq!(meta.nlink(), 2);
        assert_eq!(meta.mtime(), i64::from(super::super::EPOCH));
        Ok(())
    }
}
