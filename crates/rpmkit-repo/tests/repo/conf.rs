//! `dnf.conf` as mock's templates, Koji and Copr write it.

use std::time::Duration;

use rpmkit_fetch::IpVersion;
use rpmkit_repo::{RepoSet, Repository, Vars, conf::Expire};

use crate::fixture::conf;

#[test]
fn a_template_of_fedoras_is_read() {
    let set = conf(
        "[main]\nkeepcache=1\nsystem_cachedir=/var/cache/dnf\ndebuglevel=2\nreposdir=/dev/null\n\
         retries=20\nobsoletes=1\ngpgcheck=0\nassumeyes=1\nsyslog_ident=mock\nsyslog_device=\n\
         install_weak_deps=0\nmetadata_expire=0\nbest=1\nmodule_platform_id=platform:f40\n\
         protected_packages=\nuser_agent=Mock (x)\n\n# repos\n\n\
         [local]\nname=local\nbaseurl=https://koji.example.com/f40/latest/$basearch/\ncost=2000\n\
         enabled=False\nskip_if_unavailable=False\n\n\
         [fedora]\nname=fedora\n\
         metalink=https://m.example.com/metalink?repo=fedora-$releasever&arch=$basearch\n\
         gpgkey=file:///k/a file:///k/b\ngpgcheck=1\nskip_if_unavailable=False\n\
         type=rpm-md\nmdpolicy=group:main\n",
    );
    let main = &set.main;
    assert_eq!(main.best, Some(true));
    assert!(!main.install_weak_deps && main.assumeyes && main.obsoletes);
    assert_eq!(main.module_platform_id.as_deref(), Some("platform:f40"));
    let [local, fedora] = &set.repos[..] else {
        panic!("{:?}", set.repos)
    };
    assert!(!local.enabled && local.cost == 2000 && !local.common.gpgcheck);
    assert_eq!(
        local.baseurl,
        ["https://koji.example.com/f40/latest/x86_64/"]
    );
    assert_eq!(
        fedora.metalink.as_deref(),
        Some("https://m.example.com/metalink?repo=fedora-40&arch=x86_64")
    );
    assert_eq!(fedora.gpgkey, ["file:///k/a", "file:///k/b"]);
    assert!(fedora.enabled && fedora.common.gpgcheck);
    assert_eq!(fedora.common.metadata_expire, Expire::After(Duration::ZERO));
    assert_eq!(fedora.common.transport.retries, 20);
    assert_eq!(
        fedora.common.transport.user_agent.as_deref(),
        Some("Mock (x)")
    );
    assert_eq!((fedora.priority, fedora.cost), (99, 1000));
    // Nothing is dropped without a trace, and all of it is known to dnf.
    let unused: Vec<&str> = set.unused.iter().map(|o| o.key.as_str()).collect();
    for key in [
        "keepcache",
        "reposdir",
        "protected_packages",
        "type",
        "mdpolicy",
    ] {
        assert!(unused.contains(&key), "{key} in {unused:?}");
    }
    assert!(set.unused.iter().all(|option| option.known));
}

#[test]
fn what_copr_and_koji_write_is_read() {
    let set = conf(
        "[main]\nexclude=kernel*, foo\n\n['copr_base']\nname='Copr repository'\n\
         baseurl=\"https://d.example.com/results/a/b/f-40-$basearch/\"\npriority=98\n\
         module_hotfixes = true\n\n\
         [build]\nname=build\nbaseurl=http://a/one\n\thttp://a/two,http://a/three\n\n   http://a/four\n\
         excludepkgs=old\nexcludepkgs=x y\nincludepkgs=z*\nexclude=w\n",
    );
    assert_eq!(set.main.excludepkgs, ["kernel*", "foo"]);
    let copr = set.find("copr_base").unwrap();
    assert_eq!(copr.name, "Copr repository");
    assert_eq!(
        copr.baseurl,
        ["https://d.example.com/results/a/b/f-40-x86_64/"]
    );
    assert!(copr.module_hotfixes && copr.priority == 98);
    let build = set.find("build").unwrap();
    assert_eq!(
        build.baseurl,
        [
            "http://a/one",
            "http://a/two",
            "http://a/three",
            "http://a/four"
        ]
    );
    assert_eq!(build.excludepkgs, ["x", "y", "w"]);
    assert_eq!(build.includepkgs, ["z*"]);
}

#[test]
fn connections_are_inherited_and_overridden() {
    let set = conf(
        "[a]\nproxy=_none_\nsslverify=0\nmetadata_expire=6h\nmax_parallel_downloads=50\n\
         [b]\nusername=u\npassword=\"p w\"\nsslcacert=/ca\nsslclientcert=/c\nsslclientkey=/k\n\
         [main]\nproxy=http://proxy:3128\ntimeout=90\nminrate=2k\nip_resolve=4\n\
         skip_if_unavailable=1\nrepo_gpgcheck=yes\nmetadata_expire=never\n",
    );
    // `[main]` holds wherever it stands.
    let (a, b) = (&set.repos[0], &set.repos[1]);
    assert_eq!(a.common.transport.proxy, Some(None));
    assert_eq!(
        b.common.transport.proxy,
        Some(Some("http://proxy:3128".to_owned()))
    );
    assert_eq!(
        a.common.metadata_expire,
        Expire::After(Duration::from_secs(21600))
    );
    assert_eq!(b.common.metadata_expire, Expire::Never);
    assert!(!a.common.transport.sslverify && b.common.transport.sslverify);
    assert_eq!(a.common.transport.max_parallel_downloads, Some(20));
    assert_eq!(b.common.transport.timeout, Duration::from_secs(90));
    assert_eq!(b.common.transport.minrate, 2048);
    assert_eq!(b.common.transport.ip_version, IpVersion::V4);
    assert_eq!(b.common.transport.password.as_deref(), Some("p w"));
    assert_eq!(
        b.common.transport.sslclientkey.as_deref(),
        Some("/k".as_ref())
    );
    assert!(a.common.skip_if_unavailable && a.common.repo_gpgcheck);
}

#[test]
fn mistakes_name_line_and_option() {
    let vars = Vars::new();
    for (text, line, part) in [
        ("[r]\nenabled=perhaps\n", 2, "`enabled = perhaps`"),
        ("[main]\n\nbest=7\n", 3, "`best = 7`"),
        ("[r]\ncost=cheap\n", 2, "whole number"),
        ("[r]\nmetadata_expire=soon\n", 2, "span of time"),
        ("[a b]\n", 1, "must not contain ` `"),
        ("[r\n", 1, "no `]`"),
    ] {
        let error = RepoSet::parse(text, &vars).unwrap_err();
        assert_eq!(error.line, line, "{text}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let set = RepoSet::parse("[r]\nenabeld=1\nkeepcache=1\n", &vars).unwrap();
    let odd: Vec<(&str, usize, bool)> = set
        .unused
        .iter()
        .map(|o| (o.key.as_str(), o.line, o.known))
        .collect();
    assert_eq!(odd, [("enabeld", 2, false), ("keepcache", 3, true)]);
    assert_eq!(
        set.unused[0].to_string(),
        "line 2 of `dnf.conf`, section `r`: `enabeld = 1` is not an option dnf knows"
    );
}

#[test]
fn repositories_are_switched_and_added() {
    let mut set = conf("[a-debug]\nenabled=0\n[a]\n[b-debug]\nenabled=0\n[a]\nname=again\n");
    assert_eq!(set.repos.len(), 3);
    assert_eq!(set.find("a").unwrap().name, "again");
    assert_eq!(set.switch("*-debug,nope", true), ["nope"]);
    assert_eq!(set.enabled().count(), 3);
    assert!(set.switch("a", false).is_empty());
    assert!(set.switch("*", false).is_empty());
    assert_eq!(set.enabled().count(), 0);
    set.add(Repository::at("local", "/srv/repo"));
    let local = set.find("local").unwrap();
    assert!(local.enabled && !local.common.gpgcheck && local.module_hotfixes && local.cost == 1);
}

#[test]
fn variables_of_the_user_are_filled_in() {
    let mut vars = Vars::for_target("i686", "9.3");
    vars.set("stream", "9-stream");
    let set = RepoSet::parse(
        "[r-$basearch]\nbaseurl=http://h/$stream/${releasever_major}/$arch/$other\n",
        &vars,
    )
    .unwrap();
    assert_eq!(set.repos[0].id, "r-i386");
    assert_eq!(set.repos[0].baseurl, ["http://h/9-stream/9/i686/$other"]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]a-z=$\\{\\}:+\\- \\n\\t#'\"é0-9]{0,80}") {
        let mut vars = Vars::for_target("x86_64", "40");
        vars.set("a", "$b${c");
        // Neither may panic; a refusal names a line of the text.
        if let Err(error) = RepoSet::parse(&text, &vars) {
            assert!((1..=text.lines().count()).contains(&error.line));
        }
        vars.substitute(&text);
        let _ = RepoSet::parse(&format!("[a]\ncost=1\n{text}"), &vars);
    }
}

#[test]
fn options_of_dnf5() {
    let set = conf(
        "[main]\nexcludegroups=a,b\nexcludeenvgroups=x-*\nskip_unavailable=1\n\
         allow_vendor_change=0\nallow_downgrade=0\nuse_host_config=1\n[r]\nbaseurl=file:///r\n",
    );
    let main = &set.main;
    assert_eq!(main.excludegroups, ["a", "b"]);
    assert_eq!(main.excludeenvgroups, ["x-*"]);
    assert!(main.skip_unavailable && !main.allow_vendor_change);
    assert!(set.unused.len() == 2 && set.unused.iter().all(|option| option.known));
}
