//! Reading scenarios: repositories, then cases.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use rpmkit_solve::{Filelists, HandOver, SolveError, SolveRepo, SolveRequest, Solver, Update};
use rpmkit_types::{Dep, DepFlag, Evr, Location, Nevra, Package, Requirement};

#[derive(Debug, Clone, Default)]
pub struct Pkg {
    name: String,
    evr: String,
    arch: String,
    /// `requires`, `provides` … and their text.
    deps: Vec<(String, String)>,
    files: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Repo {
    id: String,
    options: BTreeMap<String, String>,
    packages: Vec<Pkg>,
    comps: String,
    modules: String,
}

#[derive(Debug, Default)]
pub struct Case {
    pub name: String,
    lines: Vec<(String, String)>,
}

pub struct Scenario {
    dir: tempfile::TempDir,
    repos: Vec<Repo>,
    pub cases: Vec<Case>,
}

fn split(line: &str) -> (String, String) {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    (word.to_owned(), rest.trim().to_owned())
}

impl Scenario {
    pub fn read(name: &str, text: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let mut repos: Vec<Repo> = Vec::new();
        let mut cases: Vec<Case> = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = split(line);
            if line.starts_with(' ') {
                if let Some(case) = cases.last_mut() {
                    case.lines.push((word, rest));
                    continue;
                }
                let package = repos.last_mut().unwrap().packages.last_mut().unwrap();
                match &*word {
                    "file" => package.files.push(rest),
                    _ => package.deps.push((word, rest)),
                }
                continue;
            }
            match &*word {
                "repo" => {
                    let (id, options) = split(&rest);
                    let options = options
                        .split(';')
                        .filter_map(|o| o.split_once('='))
                        .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
                        .collect();
                    repos.push(Repo {
                        id,
                        options,
                        ..Repo::default()
                    });
                }
                "pkg" => {
                    let parts: Vec<&str> = rest.split(' ').collect();
                    repos.last_mut().unwrap().packages.push(Pkg {
                        name: parts[0].to_owned(),
                        evr: parts[1].to_owned(),
                        arch: parts[2].to_owned(),
                        ..Pkg::default()
                    });
                }
                "case" => cases.push(Case {
                    name: rest,
                    lines: Vec::new(),
                }),
                "comps" | "modules" => {
                    let body: String = lines
                        .by_ref()
                        .take_while(|l| *l != "end")
                        .flat_map(|l| [l, "\n"])
                        .collect();
                    let repo = repos.last_mut().unwrap();
                    if word == "comps" {
                        repo.comps = body;
                    } else {
                        repo.modules = body;
                    }
                }
                other => panic!("{name}: what is `{other}`?"),
            }
        }
        assert!(!cases.is_empty(), "{name} has no cases");
        Self { dir, repos, cases }
    }

    fn solve_repos(&self) -> Vec<SolveRepo> {
        self.repos
            .iter()
            .map(|repo| {
                let base = self.dir.path();
                let write = |kind: &str, text: &str| {
                    let path = base.join(format!("{}-{kind}", repo.id));
                    std::fs::write(&path, text).unwrap();
                    path
                };
                let mut out = SolveRepo::new(&repo.id, format!("key-{}", repo.id));
                out.primary = Some(write("primary.xml", &repo.primary()).into());
                out.filelists = Filelists::Path(write("filelists.xml", &repo.filelists()).into());
                if !repo.comps.is_empty() {
                    out.comps = Some(write("comps.xml", &repo.comps).into());
                }
                if !repo.modules.is_empty() {
                    out.modules = Some(write("modules.yaml", &repo.modules).into());
                }
                for (key, value) in &repo.options {
                    let list = || value.split(',').map(str::to_owned).collect();
                    match &**key {
                        "priority" => out.priority = value.parse().unwrap(),
                        "cost" => out.cost = value.parse().unwrap(),
                        "excludepkgs" => out.excludepkgs = list(),
                        "includepkgs" => out.includepkgs = list(),
                        "module_hotfixes" => out.module_hotfixes = value == "1",
                        other => panic!("what is `{other}`?"),
                    }
                }
                out
            })
            .collect()
    }

    fn find(&self, nevra: &str) -> Package {
        self.repos
            .iter()
            .flat_map(|r| &r.packages)
            .find(|p| p.nevra() == nevra)
            .unwrap_or_else(|| panic!("no package `{nevra}`"))
            .record()
    }

    /// Runs one case twice, the second time from the caches.
    pub fn check(&self, case: &Case) -> Result<(), String> {
        let mut request = SolveRequest {
            weak_deps: false,
            ..SolveRequest::default()
        };
        let mut arch = "x86_64".to_owned();
        let (mut expect, mut expect_removed) = (None, None);
        let mut order = None;
        let (mut unsolvable, mut says) = (false, Vec::new());
        let mut installed = Vec::new();
        let nevras =
            |rest: &str| -> Vec<String> { rest.split_whitespace().map(str::to_owned).collect() };
        for (word, rest) in &case.lines {
            let rest = rest.clone();
            match &**word {
                "install" => request.install.push(rest),
                "builddep" => request.builddeps.push(dep(&rest)),
                "remove" => request.remove.push(rest),
                "update" if rest.is_empty() => request.update = Update::All,
                "update" => request.update = Update::Specs(nevras(&rest)),
                "installed" => installed = nevras(&rest),
                "weak" => request.weak_deps = true,
                "nobest" => request.best = false,
                "keep-vendor" => request.vendor_change = false,
                "skip-unavailable" => request.skip_unavailable = true,
                "exclude-group" => request.exclude_groups.push(rest),
                "exclude-environment" => request.exclude_environments.push(rest),
                "nostrict" => request.strict = false,
                "allowerasing" => request.allow_erasing = true,
                "exclude" => request.excludes.push(rest),
                "include" => request.includes.push(rest),
                "module-enable" => request.module_enable.push(rest),
                "module-disable" => request.module_disable.push(rest),
                "multilib-all" => request.multilib_all = true,
                "unneeded" => request.unneeded_candidates = nevras(&rest),
                "arch" => arch = rest,
                "expect" => expect = Some(nevras(&rest)),
                "remove-expect" => expect_removed = Some(nevras(&rest)),
                "unsolvable" => unsolvable = true,
                "says" => says.push(rest),
                "as-dnf5" => request.hand_over = HandOver::Decisions,
                "order" => order = Some(nevras(&rest)),
                other => panic!("what is `{other}`?"),
            }
        }
        let installed: Vec<Package> = installed.iter().map(|n| self.find(n)).collect();
        let repos = self.solve_repos();
        let mut first = None;
        for round in 0..2 {
            let mut solver = Solver::new(&arch, &repos, &installed, &self.dir.path().join("cache"));
            let got = match solver.solve(&request) {
                Ok(solution) => {
                    let show = |list: &[Package]| -> Vec<String> {
                        list.iter().map(|p| p.nevra.to_string()).collect()
                    };
                    let removed = show(&solution.remove);
                    let ordered = solution.ordered(&solution.install);
                    let ordered: Vec<String> =
                        ordered.iter().map(|p| p.nevra.to_string()).collect();
                    if let Some(order) = order.as_ref().filter(|order| **order != ordered) {
                        return Err(format!("rpm gets {ordered:?}, not {order:?}"));
                    }
                    Ok((show(&solution.install), removed))
                }
                Err(SolveError::Unsolvable(why)) => {
                    let mut text = why.to_string();
                    for hint in why.hints() {
                        write!(text, "\nhint: {}", hint.0).unwrap();
                    }
                    Err(text)
                }
                Err(error @ SolveError::NoModule { .. }) => Err(error.to_string()),
                Err(other) => panic!("{other}"),
            };
            match &first {
                None => first = Some(got),
                Some(first) if *first != got => {
                    return Err(format!(
                        "round {round} says {got:?}, before it was {first:?}"
                    ));
                }
                Some(_) => {}
            }
        }
        match first.unwrap() {
            Ok(_) if unsolvable => Err("solved, but dnf finds no solution".to_owned()),
            Ok((install, removed)) => {
                let (mut install, mut removed) = (install, removed);
                install.sort();
                removed.sort();
                if expect.is_some() || expect_removed.is_none() {
                    let mut want = expect.unwrap_or_default();
                    want.sort();
                    if install != want {
                        return Err(format!("installs {install:?}, dnf {want:?}"));
                    }
                }
                let mut want = expect_removed.unwrap_or_default();
                want.sort();
                if removed != want {
                    return Err(format!("removes {removed:?}, dnf {want:?}"));
                }
                Ok(())
            }
            Err(text) if !unsolvable => Err(format!("no solution, but dnf has one:\n{text}")),
            Err(text) => match says.iter().find(|s| !text.contains(s.as_str())) {
                Some(missing) => Err(format!("does not say `{missing}` but:\n{text}")),
                None => Ok(()),
            },
        }
    }
}

fn dep(text: &str) -> Dep {
    let parts: Vec<&str> = text.split(' ').collect();
    if text.starts_with('(') || parts.len() != 3 {
        return Dep::any(text);
    }
    let flag = match parts[1] {
        "<" => DepFlag::Lt,
        "<=" => DepFlag::Le,
        "=" => DepFlag::Eq,
        ">=" => DepFlag::Ge,
        ">" => DepFlag::Gt,
        _ => return Dep::any(text),
    };
    Dep {
        name: parts[0].to_owned(),
        version: Some((flag, Evr::parse(parts[2]))),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn evr_attributes(evr: &Evr) -> String {
    let mut out = format!(r#"epoch="{}" ver="{}""#, evr.epoch, evr.version);
    if !evr.release.is_empty() {
        write!(out, r#" rel="{}""#, evr.release).unwrap();
    }
    out
}

impl Pkg {
    fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr, self.arch)
    }

    fn checksum(&self) -> String {
        rpmkit_types::Checksum::sha256(self.nevra().as_bytes()).hex
    }

    fn vendor(&self) -> String {
        let named = self.deps.iter().find(|(kind, _)| kind == "vendor");
        named.map_or_else(String::new, |(_, name)| name.clone())
    }

    fn record(&self) -> Package {
        let list = |kind: &str| -> Vec<Dep> {
            self.deps
                .iter()
                .filter(|(k, _)| k == kind)
                .map(|(_, text)| dep(text))
                .collect()
        };
        Package {
            nevra: Nevra::new(&*self.name, Evr::parse(&self.evr), &*self.arch),
            repo: String::new(),
            checksum: None,
            location: Location {
                href: String::new(),
                base: None,
            },
            size: 0,
            installed_size: 0,
            build_time: 0,
            source_rpm: String::new(),
            vendor: self.vendor(),
            provides: list("provides"),
            requires: list("requires")
                .into_iter()
                .map(|dep| Requirement { dep, pre: false })
                .collect(),
            conflicts: list("conflicts"),
            obsoletes: list("obsoletes"),
            recommends: list("recommends"),
            suggests: list("suggests"),
            supplements: list("supplements"),
            enhances: list("enhances"),
            files: self.files.clone(),
        }
    }
}

impl Repo {
    fn primary(&self) -> String {
        let mut out = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{}">
"#,
            self.packages.len()
        );
        for p in &self.packages {
            let evr = Evr::parse(&p.evr);
            let file = format!("{}-{}-{}.{}.rpm", p.name, evr.version, evr.release, p.arch);
            writeln!(
                out,
                r#"<package type="rpm"><name>{}</name><arch>{}</arch><version {}/>
<checksum type="sha256" pkgid="YES">{}</checksum><summary/><description/><packager/><url/>
<time file="1" build="1"/><size package="1" installed="1" archive="1"/><location href="{file}"/>
<format><rpm:license/><rpm:vendor>{}</rpm:vendor><rpm:sourcerpm/>"#,
                p.name,
                p.arch,
                evr_attributes(&evr),
                p.checksum(),
                p.vendor(),
            )
            .unwrap();
            for kind in [
                "provides",
                "requires",
                "conflicts",
                "obsoletes",
                "recommends",
                "suggests",
                "supplements",
                "enhances",
            ] {
                write!(out, "<rpm:{kind}>").unwrap();
                if kind == "provides" {
                    let attributes = evr_attributes(&evr);
                    let name = &p.name;
                    write!(out, r#"<rpm:entry name="{name}" flags="EQ" {attributes}/>"#).unwrap();
                }
                for (_, text) in p.deps.iter().filter(|(k, _)| k == kind) {
                    let dep = dep(text);
                    write!(out, r#"<rpm:entry name="{}""#, escape(&dep.name)).unwrap();
                    if let Some((flag, evr)) = &dep.version {
                        let flag = serde_json::to_string(flag).unwrap();
                        write!(out, " flags={flag} {}", evr_attributes(evr)).unwrap();
                    }
                    out.push_str("/>");
                }
                writeln!(out, "</rpm:{kind}>").unwrap();
            }
            for path in p.files.iter().filter(|p| in_primary(p)) {
                writeln!(out, "<file>{}</file>", escape(path)).unwrap();
            }
            out.push_str("</format></package>\n");
        }
        out + "</metadata>\n"
    }

    fn filelists(&self) -> String {
        let mut out = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="{}">
"#,
            self.packages.len()
        );
        for p in &self.packages {
            writeln!(
                out,
                r#"<package pkgid="{}" name="{}" arch="{}"><version {}/>"#,
                p.checksum(),
                p.name,
                p.arch,
                evr_attributes(&Evr::parse(&p.evr)),
            )
            .unwrap();
            for path in &p.files {
                writeln!(out, "<file>{}</file>", escape(path)).unwrap();
            }
            out.push_str("</package>\n");
        }
        out + "</filelists>\n"
    }
}

fn in_primary(path: &str) -> bool {
    path.starts_with("/etc/")
        || path.contains("bin/")
        || Path::new(path) == Path::new("/usr/lib/sendmail")
}
