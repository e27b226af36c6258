//! What a spec says of requirements and provides, asked of the target's own rpm.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rpmkit_results::record::Artifact;
use rpmkit_rpmfile::{UnpackedSrpm, unpack_source};
use rpmkit_types::{Dep, DepFlag, Evr, Nevra, event::Phase};
use serde::{Deserialize, Serialize};

use super::{BuildError, Buildroot, CopyItem, Engine, Follow, rpmbuild::check, tree::DirContents};

/// Most bytes of an answer that are looked at.
const LIMIT: usize = 16 << 20;

/// What separates the three answers. No tag of a spec begins with it.
const MARK: &str = "\u{1}rpmkit";

const SCRIPT: &str = "rpmspec -q --qf \"$1\" --target \"$3\" \"${@:4}\" && printf '%s\\n' \"$2\" && \
                      rpmspec -q --srpm --qf \"$1\" --target \"$3\" \"${@:4}\" && printf '%s\\n' \"$2\" && \
                      rpmspec -P --target \"$3\" \"${@:4}\"";

/// A spec to be asked, in a source package.
#[derive(Debug, Clone)]
pub struct SpecQuestion {
    /// The source package.
    pub srpm: PathBuf,
    /// Build conditions that are on besides the configuration's.
    pub with: Vec<String>,
    /// Build conditions that are off.
    pub without: Vec<String>,
    /// Macros, as `NAME VALUE`.
    pub define: Vec<String>,
}

/// What a spec says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecDeps {
    /// The source package.
    pub package: Nevra,
    /// What has to be installed to build it.
    pub build_requires: Vec<Dep>,
    /// What its packages provide: names, what is written, and paths listed without patterns, with
    /// `pkgconfig(…)` of those among them.
    pub provides: Vec<Dep>,
    /// What is written that its packages need.
    pub requires: Vec<Dep>,
    /// Whether it generates more requirements while it is built.
    pub dynamic: bool,
    /// Spec and sources: name and SHA-256 of each.
    pub sources: BTreeMap<String, String>,
}

/// Spec and sources of a source package: name and SHA-256 of each. What they are does not depend on when and
/// where they were put together.
///
/// # Errors
/// When it is no source package.
pub fn source_digests(
    engine: &Engine,
    srpm: &Path,
) -> Result<BTreeMap<String, String>, BuildError> {
    let staging = engine.scratch()?;
    digests(&unpacked(srpm, staging.path())?)
}

fn unpacked(srpm: &Path, staging: &Path) -> Result<UnpackedSrpm, BuildError> {
    let make = |name: &str| {
        let path = staging.join(name);
        #[allow(clippy::disallowed_methods, reason = "a scratch directory of ours")]
        let made = std::fs::create_dir(&path);
        made.map(|()| path.clone())
            .map_err(|source| BuildError::Io {
                action: "create",
                path,
                source,
            })
    };
    Ok(unpack_source(srpm, &make("specs")?, &make("sources")?)?)
}

impl Buildroot {
    /// Asks.
    ///
    /// # Errors
    /// When the spec cannot be read.
    pub fn query_spec(&mut self, question: &SpecQuestion) -> Result<SpecDeps, BuildError> {
        let staging = self.engine().scratch()?;
        let tree = unpacked(&question.srpm, staging.path())?;
        let sources = digests(&tree)?;
        let name = tree.spec.file_name().unwrap_or_default().to_owned();
        let mut items = vec![CopyItem {
            from: tree.spec.clone(),
            to: Path::new("SPECS").join(&name),
        }];
        items.extend(tree.sources.iter().map(|path| CopyItem {
            from: path.clone(),
            to: Path::new("SOURCES").join(path.file_name().unwrap_or_default()),
        }));
        self.fill_home(DirContents {
            items,
            fresh: true,
            replace_sources: true,
            follow: Follow::Nothing,
        })?;
        let inside = self.in_tree(Path::new("SPECS").join(&name));
        let tag = |letter: char, tag: &str| {
            format!("[{letter}\\t%{{{tag}NAME}}\\t%{{{tag}FLAGS}}\\t%{{{tag}VERSION}}\\n]")
        };
        let format = format!(
            "N\\t%{{NAME}}\\t%{{EPOCHNUM}}\\t%{{VERSION}}\\t%{{RELEASE}}\\n{}{}",
            tag('P', "PROVIDE"),
            tag('R', "REQUIRE")
        );
        let mut argv: Vec<String> = ["bash", "-c", SCRIPT, "query", &format, MARK]
            .map(str::to_owned)
            .to_vec();
        argv.push(self.settings().build.rpmbuild_arch.clone());
        for (option, words) in [
            ("--with", &question.with),
            ("--without", &question.without),
            ("--define", &question.define),
        ] {
            for word in words {
                argv.extend([option.to_owned(), word.clone()]);
            }
        }
        argv.push(inside.to_string());
        let mut run = self.command(argv, self.build_user());
        run.log = None;
        let ran = self.run(&run)?;
        let ran = check(ran, "reading the spec", Phase::Srpm)?;
        let text = &ran.output[..ran.output.len().min(LIMIT)];
        parse(&String::from_utf8_lossy(text))
            .map(|deps| SpecDeps { sources, ..deps })
            .ok_or_else(|| BuildError::Unprepared("rpmspec gave no answer".to_owned()))
    }
}

fn digests(tree: &UnpackedSrpm) -> Result<BTreeMap<String, String>, BuildError> {
    let digest = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let artifact = Artifact::of(path).map_err(|source| BuildError::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        Ok((name.into_owned(), artifact.sha256))
    };
    let mut files = std::iter::once(&tree.spec).chain(&tree.sources);
    files.by_ref().map(digest).collect()
}

fn parse(text: &str) -> Option<SpecDeps> {
    let end = format!("{MARK}\n");
    let mut parts = text.splitn(3, &end);
    let (binary, source, expanded) = (parts.next()?, parts.next()?, parts.next()?);
    let package = source.lines().find_map(|line| {
        let mut fields = line.strip_prefix("N\t")?.split('\t');
        let name = fields.next()?;
        let epoch = fields.next()?.parse().unwrap_or(0);
        let evr = Evr::new(epoch, fields.next()?, fields.next()?);
        Some(Nevra::new(name, evr, "src"))
    })?;
    let mut provides: Vec<Dep> = listed(binary, "P\t").collect();
    // rpm of 4.14 and before lists no package's own name.
    for line in binary.lines() {
        let mut fields = line.strip_prefix("N\t").unwrap_or_default().split('\t');
        if let (Some(name), Some(epoch), Some(version), Some(release)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        {
            let evr = Evr::new(epoch.parse().unwrap_or(0), version, release);
            provides.push(Dep {
                name: name.to_owned(),
                version: Some((DepFlag::Eq, evr)),
            });
        }
    }
    provides.extend(paths(expanded).into_iter().map(Dep::any));
    let unique = |deps: Vec<Dep>| {
        let mut out: Vec<Dep> = Vec::new();
        for dep in deps {
            if !dep.is_rpmlib() && !out.contains(&dep) {
                out.push(dep);
            }
        }
        out
    };
    Some(SpecDeps {
        package,
        build_requires: unique(listed(source, "R\t").collect()),
        provides: {
            provides.sort_by_key(ToString::to_string);
            provides.dedup();
            provides
        },
        requires: unique(listed(binary, "R\t").collect()),
        dynamic: expanded
            .lines()
            .any(|line| line.trim_end() == "%generate_buildrequires"),
        sources: BTreeMap::new(),
    })
}

/// Dependencies of lines `LETTER NAME FLAGS VERSION`; the flags are rpm's bits.
fn listed<'a>(text: &'a str, letter: &'a str) -> impl Iterator<Item = Dep> + 'a {
    text.lines().filter_map(move |line| {
        let mut fields = line.strip_prefix(letter)?.split('\t');
        let name = fields.next().filter(|name| *name != "(none)")?;
        let bits: u32 = fields.next()?.parse().ok()?;
        let version = fields.next().unwrap_or_default();
        let flag = match bits & 0xe {
            2 => Some(DepFlag::Lt),
            4 => Some(DepFlag::Gt),
            8 => Some(DepFlag::Eq),
            10 => Some(DepFlag::Le),
            12 => Some(DepFlag::Ge),
            _ => None,
        };
        Some(Dep {
            name: name.to_owned(),
            version: flag
                .filter(|_| !version.is_empty() && version != "(none)")
                .map(|flag| (flag, Evr::parse(version))),
        })
    })
}

/// Paths that `%files` lists without a pattern, and what rpm will make of those that are `.pc` files.
fn paths(expanded: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut in_files = false;
    for line in expanded.lines() {
        let word = line.split_whitespace().next().unwrap_or_default();
        if word == "%files" {
            in_files = true;
            continue;
        }
        let of_section = [
            "%attr", "%config", "%dir", "%doc", "%ghost", "%license", "%lang", "%verify", "%caps",
        ];
        if word.starts_with('%') && !of_section.iter().any(|known| word.starts_with(known)) {
            in_files &= word.starts_with("%define") || word.starts_with("%artifact");
            continue;
        }
        if !in_files || ["%ghost", "%dir"].iter().any(|gone| line.contains(gone)) {
            continue;
        }
        let Some(path) = line
            .split_whitespace()
            .last()
            .filter(|p| p.starts_with('/'))
        else {
            continue;
        };
        let file = path.rsplit('/').next().unwrap_or_default();
        if let Some(name) = file.strip_suffix(".pc")
            && path.contains("/pkgconfig/")
            && !name.contains(['*', '?', '['])
        {
            out.insert(format!("pkgconfig({name})"));
        }
        if !path.contains(['*', '?', '[', '{', '%']) {
            out.insert(path.to_owned());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_answer_of_rpmspec_is_read() {
        let text = format!(
            "N\ta\t0\t1\t2\nP\ta\t8\t1-2\nP\ta(x)\t0\t\nR\tlib\t12\t3\nR\trpmlib(X)\t16777226\t1\n\
             N\ta-devel\t1\t1\t2\nR\ta\t8\t1-2\nR\t(none)\t(none)\t(none)\n{MARK}\n\
             N\ta\t0\t1\t2\nR\tgcc\t0\t\nR\t(b or c)\t0\t\nR\tgcc\t0\t\n{MARK}\n\
             Name: a\n%build\n/not/a/file\n%files\n%attr(755,root,root) /usr/bin/a\n%dir /usr/lib/a\n\
             /usr/share/a/*\n%files devel\n/usr/lib64/pkgconfig/a-*.pc\n/usr/lib64/pkgconfig/a.pc\n\
             %changelog\n/usr/bin/no\n"
        );
        let found = parse(&text).unwrap();
        let shown = |deps: &[Dep]| deps.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found.package.to_string(), "a-1-2.src");
        assert_eq!(shown(&found.build_requires), ["gcc", "(b or c)"]);
        assert_eq!(shown(&found.requires), ["lib >= 3", "a = 1-2"]);
        assert_eq!(
            shown(&found.provides),
            [
                "/usr/bin/a",
                "/usr/lib64/pkgconfig/a.pc",
                "a = 1-2",
                "a(x)",
                "a-devel = 1:1-2",
                "pkgconfig(a)"
            ]
        );
        assert_eq!(parse("nothing"), None);
    }
}
