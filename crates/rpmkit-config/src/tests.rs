//! The cases of the comparison with mock's own loader, and properties of any input. The expected values
//! in `testdata` are what Python, mock's loader and Jinja gave.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn host() -> HostFacts {
    let home = "/nonexistent/home";
    HostFacts {
        arch: "x86_64".into(),
        uname: ["Linux", "node", "6.0", "#1", "x86_64"].map(str::to_owned),
        hostname: "host".into(),
        fqdn: "host.example.org".into(),
        uid: 1234,
        gid: 1234,
        user: "tester".into(),
        home: home.into(),
        xdg_config_home: format!("{home}/.config").into(),
        env: [("HOME", home), ("FOO", "bar")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        groups: [("mock".to_owned(), 135)].into(),
        users: HostFacts::parse_users(&format!("tester:x:1234:1234:T:{home}:/bin/sh\n")),
        today: String::new(),
        run_id: "uuid".into(),
        cwd: "/".into(),
    }
}

fn request(dir: &Path, root: &str) -> LoadRequest {
    let mut request = LoadRequest::mock(root, host());
    request.configdir = Some(dir.to_owned());
    request.builtin = false;
    request
}

fn load_text(name: &str, text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), text).unwrap();
    let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
    load(&request(dir.path(), stem))
}

fn cases(text: &str) -> Vec<serde_json::Value> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn python_gives_the_same_values() {
    for case in cases(include_str!("testdata/python.json")) {
        let cfg = case["cfg"].as_str().unwrap();
        let loaded = load_text("t.cfg", &format!("{cfg}\n"));
        if let Some(value) = case["r"].as_str() {
            let config = loaded.unwrap_or_else(|error| panic!("{cfg}\n{error}"));
            assert_eq!(repr(config.raw().get("r").unwrap()), value, "{cfg}");
        } else if let Some(place) = case["refused"].as_array() {
            let Err(ConfigError::Refused {
                place: at, instead, ..
            }) = loaded
            else {
                panic!("{cfg} is not refused");
            };
            assert_eq!(
                (at.line, at.column),
                (number(&place[0]), number(&place[1])),
                "{cfg}"
            );
            assert!(!at.source.is_empty() && !instead.is_empty(), "{cfg}");
        } else {
            assert!(loaded.is_err(), "{cfg}");
        }
    }
}

fn number(value: &serde_json::Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn whole_files_of_build_farms_load() {
    let koji = load_text("koji.cfg", include_str!("testdata/koji.cfg")).unwrap();
    let raw = |config: &Config, name: &str| repr(config.raw().get(name).unwrap());
    assert_eq!(raw(&koji, "root"), "'f43-build-1-2'");
    assert_eq!(
        raw(&koji, "module_setup_commands"),
        "[('enable', 'nodejs:20'), ('disable', 'perl')]"
    );
    let settings = koji.settings().unwrap();
    assert_eq!(
        settings.plugins.bind_mounts(),
        [("/dev", "/dev"), ("/selinux", "/selinux")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert!(
        settings
            .repositories
            .dnf_conf
            .contains("x86_64\n        https://two.example.org")
    );
    assert!(!settings.plugins.enabled("root_cache") && settings.plugins.enabled("sign"));
    let vendor = settings
        .build
        .macros
        .iter()
        .find(|(name, _)| name == "%vendor");
    assert_eq!(vendor.unwrap().1.as_deref(), Some("It's \"Koji\""));

    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let base = "config_opts['root'] = 'fedora-{{ releasever }}'\nconfig_opts['releasever'] = '43'\n\
                config_opts['dnf.conf'] = '[main]\\n'\n";
    write("base.cfg", base);
    write("copr.cfg", include_str!("testdata/copr.cfg"));
    let copr = load(&request(dir.path(), "copr")).unwrap();
    assert_eq!(
        copr.get("root").unwrap(),
        Some("copr-custom-fedora-43".into())
    );
    let settings = copr.settings().unwrap();
    assert!(
        settings
            .repositories
            .dnf_conf
            .contains("name=\"Copr's repository\"")
    );
    let mounts = settings.plugins.bind_mounts();
    assert_eq!(mounts, [("/var/lib/copr".to_owned(), "/copr".to_owned())]);
    assert_eq!(copr.get("isolation").unwrap(), Some("nspawn".into()));
}

#[test]
fn templates_print_the_same_text() {
    let before = include_str!("testdata/templates.cfg");
    let mut config = load_text("t.cfg", before).unwrap();
    for case in cases(include_str!("testdata/templates.json")) {
        let template = case["template"].as_str().unwrap();
        config = config.with("r", template.into());
        match (case["text"].as_str(), config.get("r")) {
            (Some(text), Ok(value)) => assert_eq!(value, Some(text.into()), "{template}"),
            (None, Err(_)) => {}
            (_, other) => panic!("{template}: {other:?}"),
        }
    }
}

#[test]
fn includes_follow_mock() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.tpl", "config_opts['a'] = 'a\\\\b\\d'\n");
    write(
        "b.tpl",
        "include('a.tpl')\ninclude('c.tpl')\nconfig_opts['b'] = config_opts['a']\n",
    );
    write("c.tpl", "include('b.tpl')\n");
    write("text.txt", "two\n");
    write("items.txt", "'x',\n");
    write(
        "t.cfg",
        "include('b.tpl')\ninclude('a.tpl')\nif False:\n    include('nosuch')\n\
         config_opts['text'] = '''one\ninclude('text.txt')\n  include('nosuch')\n'''\n\
         config_opts['list'] = [\ninclude('items.txt')\n'y']\n",
    );
    let config = load(&request(dir.path(), "t")).unwrap();
    let raw = |name: &str| repr(config.raw().get(name).unwrap());
    assert_eq!(raw("b"), "'a\\\\b\\\\d'");
    let text = "\"one\\ntwo\\n\\n  include('nosuch')\\n\"";
    assert_eq!(raw("text"), text);
    assert_eq!(raw("list"), "['x', 'y']");
    let said: Vec<_> = config
        .messages()
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(
        said.iter()
            .filter(|text| text.contains("Multiple inclusion"))
            .count(),
        2
    );
    assert_eq!(
        said.iter().filter(|text| text.contains("left out")).count(),
        1
    );
    write("t.cfg", "include('nosuch.tpl')\n");
    let error = load(&request(dir.path(), "t")).unwrap_err();
    assert!(matches!(error, ConfigError::MissingInclude { .. }));
}

#[test]
fn files_that_extend_each_other_end_in_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.toml"), "extends = \"b\"\n").unwrap();
    std::fs::write(dir.path().join("b.toml"), "extends = \"a\"\n").unwrap();
    let error = load(&request(dir.path(), "a")).unwrap_err();
    assert!(matches!(error, ConfigError::Loop { .. }), "{error}");
    for n in 0..200 {
        let next = format!("include('c{}.tpl')\n", n + 1);
        std::fs::write(dir.path().join(format!("c{n}.tpl")), next).unwrap();
    }
    std::fs::write(dir.path().join("d.cfg"), "include('c0.tpl')\n").unwrap();
    assert!(matches!(
        load(&request(dir.path(), "d")),
        Err(ConfigError::Loop { .. })
    ));
}

#[test]
fn values_that_hold_themselves_or_grow_without_end_are_errors() {
    for text in [
        "config_opts['a'] = []\nconfig_opts['a'].append(config_opts['a'])\n".to_owned(),
        format!(
            "config_opts['a'] = 'x' * 1000\n{}",
            "config_opts['a'] += config_opts['a']\n".repeat(60)
        ),
        format!(
            "a = ['x']\n{}config_opts['a'] = a\n",
            "a = [a, a]\n".repeat(40)
        ),
        "config_opts['a'] = '%99999999999d' % 1\n".to_owned(),
        format!("config_opts['a'] = {}1\n", "- ".repeat(100_000)),
        format!(
            "config_opts['a'] = {}{}\n",
            "[".repeat(5000),
            "]".repeat(5000)
        ),
    ] {
        assert!(load_text("t.cfg", &text).is_err());
    }
    let config = load_text("t.cfg", "config_opts['a'] = '{{ a }}x'\nconfig_opts['b'] = '{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}'\n").unwrap();
    assert!(matches!(
        config.get("a"),
        Err(ConfigError::EndlessTemplate { .. })
    ));
    assert!(matches!(config.get("b"), Err(ConfigError::Template { .. })));
}

#[test]
fn templates_without_end_are_errors_with_file_and_line() {
    for expression in [
        format!("x{}", "+1".repeat(20_000)),
        format!("{}x", "not ".repeat(20_000)),
        format!("x{}", ".a".repeat(50_000)),
    ] {
        for (name, text) in [
            (
                "t.cfg",
                format!("\nconfig_opts['a'] = '{{{{ {expression} }}}}'\n"),
            ),
            ("t.toml", format!("\na = '{{{{ {expression} }}}}'\n")),
        ] {
            let config = load_text(name, &text).unwrap();
            let said = config.get("a").unwrap_err().to_string();
            assert!(said.contains(&format!("{name}:2: option `a`")), "{said}");
            assert!(config.expanded().is_err());
        }
    }
    let key = format!("{}a = 1\n", "a.".repeat(50_000));
    let said = load_text("t.toml", &key).unwrap_err().to_string();
    assert!(said.contains("t.toml:1"), "{said}");
}

#[test]
fn toml_says_what_mock_says() {
    let toml = r#"
extends = "base"
releasever = "9"
yum_command = { python = "None" }
legal_host_arches = ["x86_64"]
[append]
chroot_setup_cmd = " extra"
[plugin_conf.bind_mount_opts]
dirs = { python = "[('/a', '/b')]" }
[repos.main]
best = 0
[repos]
updates = false
[repos.base]
baseurl = "file:///x/{{ releasever }}"
"#;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.toml"), toml).unwrap();
    let base = "config_opts['chroot_setup_cmd'] = 'install @build'\nconfig_opts['root'] = 't'\n";
    std::fs::write(dir.path().join("base.cfg"), base).unwrap();
    let config = load(&request(dir.path(), "t")).unwrap();
    let settings = config.settings().unwrap();
    assert_eq!(
        settings.chroot.chroot_setup_cmd,
        ["install", "@build", "extra"]
    );
    let arches = config.get("legal_host_arches").unwrap().unwrap();
    assert_eq!(repr(&arches), "('x86_64',)");
    assert_eq!(settings.plugins.bind_mounts(), [("/a".into(), "/b".into())]);
    assert!(settings.repositories.dnf_conf.contains("best=0\n"));
    assert!(
        settings
            .repositories
            .dnf_conf
            .ends_with("[base]\nname=base\nbaseurl=file:///x/9\n")
    );
    assert_eq!(config.raw().get("yum_command"), Some(&Value::None));
    let origin = config.origins().get(&["releasever"]).to_string();
    assert!(origin.ends_with("t.toml:3"), "{origin}");
}

#[test]
fn the_command_line_comes_last() {
    let dir = tempfile::tempdir().unwrap();
    let cfg = "config_opts['root'] = 'r'\nconfig_opts['target_arch'] = 'i686'\nconfig_opts['legal_host_arches'] = ('i686', 'x86_64')\n";
    std::fs::write(dir.path().join("t.cfg"), cfg).unwrap();
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    let mut asked = request(dir.path(), "t");
    asked.overrides = Some(Overrides {
        config_opts: words(&["a=true", "b=5", "c=x", "c=y", "d=z", "d="]),
        plugin_options: words(&[
            "bind_mount:dirs=((\"S\", \"D\"), (\"T\", \"E\"))",
            "tmpfs:mode=abc",
        ]),
        with: words(&["a-b"]),
        defines: words(&["m 1 2"]),
        uniqueext: Some("1.5".into()),
        ..Overrides::default()
    });
    let config = load(&asked).unwrap();
    let raw = |name: &str| repr(config.raw().get(name).unwrap());
    assert_eq!(
        [raw("a"), raw("b"), raw("c"), raw("d")],
        ["True", "5", "['x', 'y']", "['z']"]
    );
    let settings = config.settings().unwrap();
    assert_eq!(settings.chroot.root, "r-1.5");
    assert!(settings.build.resultdir.ends_with("r-1.5/result"));
    assert!(!settings.build.cleanup_on_success);
    assert_eq!(settings.repositories.repo_arch, "i686");
    assert_eq!(settings.plugins.bind_mounts().len(), 2);
    let find = |name: &str| {
        settings
            .build
            .macros
            .iter()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(find("%_with_a_b").as_deref(), Some("--with-a-b"));
    assert_eq!(find("%m").as_deref(), Some("1 2"));
    assert_eq!(find("%_platform_multiplier").as_deref(), Some("1"));
    for bad in ["nosuch:a=b", "tmpfs"] {
        asked.overrides = Some(Overrides {
            plugin_options: words(&[bad]),
            ..Overrides::default()
        });
        assert!(load(&asked).unwrap_err().is_command_line());
    }
}

#[test]
fn unknown_options_are_named_once_with_the_nearest_name() {
    let config = load_text("t.cfg", "config_opts['reslutdir'] = 'x'\nconfig_opts['mine'] = 1\nconfig_opts['dist'] = '{{ mine }}'\nconfig_opts['redhat_subscription_required'] = True\n").unwrap();
    let warned: Vec<_> = config
        .messages()
        .iter()
        .filter(|m| m.level == Level::Warning)
        .map(|m| m.text.clone())
        .collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(warned[0].contains("t.cfg:1: unknown option `reslutdir`: did you mean `resultdir`?"));
    assert!(warned[1].contains("redhat_subscription_required"));
}

/// Pieces of configurations, so that random texts get past the parser now and then.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("config_opts['a']".to_owned()),
        Just("config_opts[\"macros\"]".to_owned()),
        Just(" = ".to_owned()),
        Just(" += ".to_owned()),
        Just("\n".to_owned()),
        Just("if ".to_owned()),
        Just(":\n    ".to_owned()),
        Just("include('t.cfg')".to_owned()),
        Just("f'{".to_owned()),
        Just("}'".to_owned()),
        Just("{{ a }}".to_owned()),
        Just("{% if a %}".to_owned()),
        Just("'''".to_owned()),
        Just(".append(".to_owned()),
        Just("[1, 'x', (2,)]".to_owned()),
        Just("{'k': None}".to_owned()),
        Just("os.getenv('FOO')".to_owned()),
        Just("%d' % 5".to_owned()),
        "[ -~\n]{0,6}",
        "\\PC{0,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_readers_panic(pieces in proptest::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        for name in ["t.cfg", "t.toml"] {
            if let Ok(config) = load_text(name, &text) {
                let _ = config.expanded();
                let _ = config.settings();
                let _ = debug::debug_config(&config, true);
            }
        }
    }

    #[test]
    fn no_template_makes_the_engine_panic(pieces in proptest::collection::vec(piece(), 0..12)) {
        let config = load_text("t.cfg", "").unwrap().with("a", pieces.concat().into());
        let _ = config.get("a");
    }

    #[test]
    fn converting_keeps_the_value(
        text in "[ -~\n\"'\\\\]{0,40}",
        number in any::<i64>(),
        key in "[a-z.' ]{1,8}",
        flag in any::<bool>(),
    ) {
        let value = Dict::from_iter([
            ("t", Value::from(text.as_str())),
            ("n", Value::from(number)),
            ("u", Value::Tuple(vec![Value::from(text.as_str()), Value::None])),
            ("l", Value::List(vec![Value::Bool(flag), Value::Dict(Dict::from_iter([(key.as_str(), 1_i64)]))])),
            (key.as_str(), Value::Float(0.5)),
        ]);
        let shown = repr(&Value::Dict(value));
        let cfg = format!("config_opts['x'] = {shown}\nconfig_opts['y'] = {}\nconfig_opts['environment'] = {{}}\n", repr(&text.as_str().into()));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("t.cfg"), cfg).unwrap();
        let asked = request(dir.path(), "t");
        let one = load(&asked).unwrap();
        let toml = convert(&asked).unwrap();
        std::fs::write(dir.path().join("two.toml"), &toml).unwrap();
        let two = load(&request(dir.path(), "two")).unwrap();
        prop_assert!(same_options(&one, &two), "{toml}");
    }
}

#[test]
fn the_overlayfs_plugin_says_where_layers_lie() {
    let dir = tempfile::tempdir().unwrap();
    let usual = Path::new("/usual");
    let home = |text: &str| {
        let text = format!("config_opts['root'] = 'koji/t'\n{text}");
        std::fs::write(dir.path().join("t.cfg"), text).unwrap();
        let settings = load(&request(dir.path(), "t")).unwrap().settings().unwrap();
        let options = settings.plugins.overlayfs.clone();
        (
            options.layers_home(&settings.chroot.shared_root, usual),
            options,
        )
    };
    let on = "config_opts['plugin_conf']['overlayfs_enable'] = True\n";
    let base = |dir: &str| {
        format!("{on}config_opts['plugin_conf']['overlayfs_opts']['base_dir'] = '{dir}'\n")
    };
    let (found, options) = home("");
    assert_eq!(found.unwrap(), usual);
    assert!(!options.switched_off() && !options.has_base_dir());
    assert!(matches!(home(on).0, Err(ConfigError::NoBaseDir)));
    assert!(matches!(
        home(&base("rel")).0,
        Err(ConfigError::BadValue { .. })
    ));
    assert!(matches!(
        home(&base("/etc/passwd")).0,
        Err(ConfigError::BadValue { .. })
    ));
    let (found, options) = home(&base("/some/{{ target_arch }}"));
    let found = found.unwrap();
    assert!(
        found.starts_with("/some") && found.ends_with("koji%2Ft"),
        "{found:?}"
    );
    assert!(options.has_base_dir() && !options.touch_rpmdb && !options.trace_hooks);
    // Options of a plugin that is off mean nothing.
    let off = base("/some").replace("True", "False")
        + "config_opts['plugin_conf']['overlayfs_opts']['touch_rpmdb'] = True\n";
    let (found, options) = home(&off);
    assert_eq!(found.unwrap(), usual);
    assert!(options.switched_off() && !options.touch_rpmdb);
}

#[test]
fn a_wrong_kind_is_told_of_options_nothing_acts_on_too() {
    for (option, value) in [
        ("dev_loop_count", "-1"),
        ("isolation", "'vm'"),
        ("nspawn_args", "{}"),
        ("description", "[]"),
    ] {
        let text = format!("config_opts['root'] = 'r'\nconfig_opts['{option}'] = {value}\n");
        let error = load_text("t.cfg", &text).unwrap().settings().unwrap_err();
        assert!(error.to_string().contains(option), "{error}");
    }
}

#[test]
fn options_are_read_as_attributes_too() {
    let text = "config_opts['package_manager'] = 'dnf'\nconfig_opts['dnf.conf'] = 'a'\n\
        config_opts[f'{config_opts.package_manager}.conf'] += 'b'\n\
        config_opts['root'] = config_opts['dnf.conf']\n";
    load_text("x.cfg", text).unwrap();
    let error = load_text("x.cfg", "config_opts['root'] = config_opts.nothing\n").unwrap_err();
    let said = error.to_string();
    assert!(said.contains("`nothing` is not set here"), "{said}");
}

#[test]
fn text_is_formatted_with_positions() {
    let text = |format: &str| format!("config_opts['root'] = {format}\n");
    let root = |format: &str| {
        let config = load_text("x.cfg", &text(format)).unwrap();
        config.settings().unwrap().chroot.root
    };
    assert_eq!(root("'el{}-{:02}'.format(9, 4)"), "el9-04");
    assert_eq!(root("'{1}-{0}'.format('a', 'b')"), "b-a");
    for wrong in ["'{} {}'.format(1)", "'{x}'.format(1)", "'{'.format(1)"] {
        load_text("x.cfg", &text(wrong)).unwrap_err();
    }
}
