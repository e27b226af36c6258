#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn add(pool: &mut Pool, repo: RepoId, name: &str, evr: &str, deps: &[(DepKind, Id)]) -> SolvId {
    let files = [format!("/usr/bin/{name}")];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    pool.add_package(
        repo,
        &PackageData {
            name,
            evr,
            arch: "noarch",
            vendor: "us",
            href: &format!("p/{name}-{evr}.noarch.rpm"),
            checksum: Some(("sha256", &"ab".repeat(32))),
            source_rpm: "src-1-1.src.rpm",
            size: 7,
            installed_size: 70,
            build_time: 700,
            deps,
            files: &files,
            ..PackageData::default()
        },
    )
    .unwrap()
}

fn install(one_of: Vec<SolvId>) -> Job {
    Job {
        action: JobAction::Install,
        select: JobSelect::OneOf(one_of),
        weak: false,
        best: true,
    }
}

fn names(pool: &Pool, solved: &Solved) -> Vec<String> {
    let SolverOutcome::Steps(steps) = &solved.outcome else {
        panic!("no solution: {:?}", solved.outcome)
    };
    steps
        .iter()
        .map(|step| match step {
            Step::Install { package, .. } | Step::Erase { package, .. } => {
                pool.nevra(*package).0.to_owned()
            }
        })
        .collect()
}

fn sample() -> (Pool, RepoId, SolvId) {
    let mut pool = Pool::new("x86_64").unwrap();
    let repo = pool.add_repo("main", 99, 1000).unwrap();
    pool.begin(repo);
    let file = pool.intern("/usr/bin/tool");
    let rare = pool.intern("/usr/share/rare");
    let app = add(
        &mut pool,
        repo,
        "app",
        "1-1",
        &[(DepKind::PreRequires, file), (DepKind::Requires, rare)],
    );
    add(&mut pool, repo, "tool", "2-1", &[]);
    let holder = add(&mut pool, repo, "holder", "3-1", &[]);
    pool.finish(repo);
    pool.add_file_provide(holder, "/usr/share/rare");
    (pool, repo, app)
}

#[test]
fn files_pull_packages_in() {
    let (mut pool, _, app) = sample();
    let solved = pool.solve(&[install(vec![app])], SolverFlags::default());
    let mut got = names(&pool, &solved);
    got.sort();
    assert_eq!(got, ["app", "holder", "tool"]);
    assert_eq!(pool.deps(app, DepKind::Requires).len(), 1);
    let pre = pool.deps(app, DepKind::PreRequires);
    assert_eq!(pool.text(pre[0]), "/usr/bin/tool");
}

#[test]
fn excluded_packages_are_named_in_the_problem() {
    let (mut pool, _, app) = sample();
    let tool = pool.with_file("/usr/bin/tool");
    let mut allowed = vec![true; pool.slots()];
    allowed[tool[0].number()] = false;
    pool.set_considered(&allowed);
    assert!(!pool.is_considered(tool[0]) && pool.is_considered(app));
    let solved = pool.solve(&[install(vec![app])], SolverFlags::default());
    let SolverOutcome::Problems(problems) = solved.outcome else {
        panic!("solved although the tool is excluded")
    };
    let kinds: Vec<RuleKind> = problems[0].rules.iter().map(|r| r.kind).collect();
    assert!(kinds.contains(&RuleKind::NotInstallable), "{kinds:?}");
}

#[test]
fn a_cache_gives_everything_back() {
    let (mut pool, repo, _) = sample();
    let dir = std::env::temp_dir().join(format!("rpmkit-solv-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("x.solv");
    pool.write_solv(repo, std::fs::File::create(&path).unwrap())
        .unwrap();
    let mut again = Pool::new("x86_64").unwrap();
    let repo2 = again.add_repo("main", 99, 1000).unwrap();
    again.read_solv(repo2, &path).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let (a, b) = (pool.packages_of(repo), again.packages_of(repo2));
    assert_eq!(a.len(), b.len());
    for (&a, &b) in a.iter().zip(&b) {
        assert_eq!(pool.nevra(a), again.nevra(b));
        assert_eq!(pool.href(a), again.href(b));
        assert_eq!(again.href(b).split('/').next(), Some("p"));
        assert_eq!(pool.checksum(a), again.checksum(b));
        assert_eq!(again.checksum(b).unwrap().1, "ab".repeat(32));
        assert_eq!(again.numbers(b), (7, 70, 700));
        assert_eq!(again.source_rpm(b), "src-1-1.src.rpm");
        assert_eq!(again.vendor(b), "us");
        assert_eq!(pool.files(a), again.files(b));
        for kind in [DepKind::Provides, DepKind::Requires, DepKind::PreRequires] {
            let texts = |p: &Pool, s| -> Vec<String> {
                p.deps(s, kind).iter().map(|&d| p.text(d)).collect()
            };
            assert_eq!(texts(&pool, a), texts(&again, b));
        }
    }
}

#[test]
fn evrs_and_relations() {
    let mut pool = Pool::new("x86_64").unwrap();
    let (a, b) = (pool.intern("1.9-1"), pool.intern("1.10-1"));
    assert!(pool.evr_cmp(a, b).is_lt());
    let name = pool.intern("gcc");
    let dep = pool.rel(name, RelOp::Ge, a);
    assert_eq!(pool.parts(dep), Some((name, RelOp::Ge, a)));
    assert_eq!(pool.text(dep), "gcc >= 1.9-1");
    assert!(pool.find("never seen").is_none());
}
