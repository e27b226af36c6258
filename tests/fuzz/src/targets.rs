//! The parsers. Each is called as its users call it, and what it says is thrown away: it may refuse
//! anything, but not panic, hang, or take much memory.

use std::{cell::RefCell, fs, path::Path};

use rpmkit_config::{HostFacts, LoadRequest, convert, lint, load};
use rpmkit_openpgp::Keyring;
use rpmkit_repo::{RepoSet, Vars, local};
use rpmkit_rpmfile::{PackageFile, read_metadata, unpack_set, unpack_source};

use crate::packages;

/// One parser.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is that of its directories in `seeds/` and `finds/`.
    pub name: &'static str,
    /// Feeds it.
    pub run: fn(&[u8]),
    /// Texts to begin from.
    pub texts: &'static [&'static str],
    /// More to begin from.
    pub made: fn() -> Vec<Vec<u8>>,
    /// What its format is made of.
    pub words: &'static [&'static str],
}

fn nothing() -> Vec<Vec<u8>> {
    Vec::new()
}

const fn text(
    name: &'static str,
    run: fn(&[u8]),
    texts: &'static [&'static str],
    words: &'static [&'static str],
) -> Target {
    Target {
        name,
        run,
        texts,
        made: nothing,
        words,
    }
}

const XML: &[&str] = &[
    "<a>",
    "</a>",
    "<a/>",
    "&amp;",
    "&#65;",
    "&x;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml ?>",
    "'",
    "\"",
    "<package>",
    "</package>",
    "<size package='",
    "18446744073709551616",
];
const JINJA: &[&str] = &[
    "{{ ",
    " }}",
    "{% if x %}",
    "{% elif x %}",
    "{% endif %}",
    "{% for x in y %}",
    "{% set x = ",
    "not ",
    "+1",
    ".a",
    "|upper",
    "[0]",
    "(",
    ")",
    "'",
    "{#",
    "x",
    "**9",
    "*'a'",
    "{% endfor %}",
    "~x",
    "%s",
];

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "header",
        run: |mut data| drop(read_metadata(&mut data)),
        texts: &[],
        made: packages::packages,
        words: &["\u{8e}", "\0\0\0\0", "\0"],
    },
    Target {
        name: "package",
        run: package,
        texts: &[],
        made: packages::packages,
        words: &[
            "070701",
            "07070X00000001",
            "TRAILER!!!",
            "00000000",
            "ffffffff",
            "../",
            "/",
        ],
    },
    Target {
        name: "archive",
        run: archive,
        texts: &[],
        made: packages::archives,
        words: &[
            "ustar",
            "SCHILY.xattr.user.a=",
            ".wh.",
            "../",
            "0000000",
            "77777777777",
            "L",
            "x",
            "g",
            "S",
        ],
    },
    text(
        "repomd",
        rpmkit_repo::fuzz::repomd,
        &[
            "<?xml version=\"1.0\"?>\n<repomd><revision>1</revision><data type=\"primary\"><checksum type=\"sha256\">ab</checksum><open-checksum type=\"sha256\">cd</open-checksum><location href=\"repodata/primary.xml.gz\"/><size>10</size><open-size>100</open-size></data></repomd>",
        ],
        XML,
    ),
    text(
        "metalink",
        rpmkit_repo::fuzz::metalink,
        &[
            "<?xml version=\"1.0\"?>\n<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"><files><file name=\"repomd.xml\"><size>3</size><verification><hash type=\"sha256\">ab</hash></verification><resources maxconnections=\"1\"><url protocol=\"http\" preference=\"100\">http://a/os/repodata/repomd.xml</url></resources></file></files></metalink>",
        ],
        XML,
    ),
    text(
        "mirrorlist",
        rpmkit_repo::fuzz::mirrorlist,
        &["# repo = x\nhttp://a/os/\nrsync://b/\n"],
        &["http://", "\n", "#"],
    ),
    text(
        "primary",
        rpmkit_solve::fuzz::primary,
        &[
            "<metadata packages=\"1\"><package type=\"rpm\"><name>a</name><arch>noarch</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/><checksum type=\"sha256\" pkgid=\"YES\">ab</checksum><summary>x &amp; y</summary><time file=\"1\" build=\"2\"/><size package=\"1\" installed=\"2\" archive=\"3\"/><location href=\"a.rpm\"/><format><rpm:provides><rpm:entry name=\"a\" flags=\"EQ\" epoch=\"0\" ver=\"1\" rel=\"1\"/></rpm:provides><rpm:requires><rpm:entry name=\"(a if (b or c) else d)\"/></rpm:requires><file type=\"dir\">/etc/a</file></format></package></metadata>",
        ],
        XML,
    ),
    text(
        "filelists",
        rpmkit_solve::fuzz::filelists,
        &[
            "<filelists packages=\"1\"><package pkgid=\"ab\" name=\"a\" arch=\"noarch\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/><file>/usr/lib/x</file><file type=\"dir\">/usr/share/a/yy</file></package></filelists>",
        ],
        XML,
    ),
    text(
        "comps",
        rpmkit_solve::fuzz::comps,
        &[
            "<comps><group><id>core</id><name>Core</name><name xml:lang=\"de\">Kern</name><packagelist><packagereq type=\"mandatory\">bash</packagereq><packagereq type=\"conditional\" requires=\"x\">y</packagereq></packagelist></group><environment><id>e</id><grouplist><groupid>core</groupid></grouplist><optionlist><groupid>o</groupid></optionlist></environment></comps>",
        ],
        XML,
    ),
    text(
        "modules",
        rpmkit_solve::fuzz::modules,
        &[
            "---\ndocument: modulemd\nversion: 2\ndata:\n  name: a\n  stream: \"1\"\n  version: 2\n  context: c\n  arch: x86_64\n  dependencies:\n  - requires: {platform: [el8], b: []}\n  profiles:\n    common: {rpms: [a]}\n  artifacts:\n    rpms: [a-0:1-1.noarch]\n...\n---\ndocument: modulemd-defaults\ndata: {module: a, stream: \"1\", profiles: {\"1\": [common]}}\n",
        ],
        &[
            "- ", "[", "{", "}", "]", ": ", "\n", "&a ", "*a", "|\n", "---\n", "? ", "'", "\"",
            "!!x ",
        ],
    ),
    text(
        "dnf-conf",
        |data| {
            drop(RepoSet::parse(
                &String::from_utf8_lossy(data),
                &Vars::default(),
            ))
        },
        &[
            "[main]\nkeepcache=1\nexcludepkgs=a b\n\n[a]\nname=A $releasever\nbaseurl=http://a/${basearch}/\n  http://b/\nenabled=1\ngpgcheck=0\nmetadata_expire=6h\npriority=1\n",
        ],
        &[
            "[",
            "]",
            "=",
            "\n ",
            "$a",
            "${",
            "}",
            "${a:-",
            "${a:+",
            "#",
            "\"",
            "999999999999999999999",
        ],
    ),
    text(
        "config-cfg",
        |data| config("t.cfg", data),
        &[
            "config_opts['root'] = 'a'\nconfig_opts['chroot_setup_cmd'] = f\"install {config_opts['root']}\"\nif config_opts.get('a') in (1, 'b'):\n    config_opts['x'] += [1, None, True]\nconfig_opts['dnf.conf'] = \"\"\"\n[main]\nx={{ root }}\n\"\"\"\ninclude('b.tpl')\nconfig_opts.setdefault('y', {}).update({'a': 'b' % 1})\n",
        ],
        &[
            "config_opts['a']",
            " = ",
            "[",
            "(",
            "{",
            "not ",
            "+ ",
            "f'{",
            "}'",
            "'",
            "\"\"\"",
            "\n",
            "if x:\n ",
            "lambda: ",
            "'%s' % ",
            ".format(",
            "* 9**9",
            "**9",
            "<<9",
            "-",
            "include('t.cfg')\n",
        ],
    ),
    text(
        "config-toml",
        |data| config("t.toml", data),
        &[
            "extends = \"base\"\nroot = \"a\"\nx = '{{ root }}'\n[append]\nchroot_setup_cmd = \" b\"\n[repos.main]\nbaseurl = \"http://a/\"\n[plugin_conf.tmpfs_opts]\nkeep = [1, { a = 1.5 }]\n",
        ],
        &[
            "[",
            "]",
            "{ a = ",
            "}",
            "a.",
            "\"",
            "'''",
            "\"\"\"",
            "\n",
            "=",
            "1979-05-27",
            "extends = 't'\n",
        ],
    ),
    text(
        "template",
        template,
        &[
            "{{ x }}{% if a and not b %}c{% elif d %}e{% else %}f{% endif %}{% for i in range(3) %}{{ loop.index }}{% endfor %}{{ releasever|int + 1 }}{{ 'a'.split('b')[0] }}{{ x.a.b }}",
        ],
        JINJA,
    ),
    text(
        "project",
        project,
        &["spec = \"a.spec\"\nchroots = [\"a\"]\n"],
        &["[", "]", "a.", "{", "\"", "\n", "="],
    ),
    text(
        "packets",
        rpmkit_vcs::fuzz::packets,
        &["001e# service=git-upload-pack\n0000000bwant x\n0000"],
        &["0000", "0001", "0004", "ffff", "fff0"],
    ),
    text(
        "gitmodules",
        gitmodules,
        &["[submodule \"a\"]\n\tpath = a\n\turl = http://a/b\n"],
        &[
            "[submodule \"",
            "\"]",
            "path = ",
            "url = ",
            "../",
            "\\",
            "\n",
            "[include]\n",
        ],
    ),
    text(
        "gitattributes",
        rpmkit_vcs::fuzz::attributes,
        &[
            "[attr]x a -b !c d=e\n[attr]y x x\n*.c export-ignore text eol=crlf\n\"a b\" export-subst\na/** x\n",
        ],
        &[
            "[attr]", "**", "*", "[", "]", "{", "}", "\\", "?", "!", "-", "\n", "x ", "y ",
        ],
    ),
    text(
        "sources",
        |data| {
            drop(rpmkit_vcs::distgit::parse_sources(
                &String::from_utf8_lossy(data),
                Path::new("sources"),
            ))
        },
        &["SHA512 (a.tar.gz) = 0123\nd41d8cd98f00b204e9800998ecf8427e  b.tar\n"],
        &["SHA512 (", ") = ", "\n", "  "],
    ),
    text(
        "packit",
        rpmkit_sources::fuzz::packit,
        &[
            "specfile_path: a.spec\nupstream_tag_template: \"v{version}\"\nsrpm_build_deps: [a, b]\nactions:\n  create-archive:\n  - \"sh -c 'x'\"\n  - x: &a [1]\n  - *a\n",
        ],
        &[
            "- ", "[", "{", "}", "]", ": ", "\n", "&a ", "*a", "|\n", "---\n", "? ", "'", "\"",
        ],
    ),
    text(
        "rpkg",
        rpmkit_sources::fuzz::rpkg,
        &["Name: {{{ git_dir_name }}}\nVersion: {{{ git_version lead=\"1 2\" }}}\n"],
        &["{{{", "}}}", "git_", "name", "=", "\"", "'", "\\"],
    ),
    text(
        "tito",
        rpmkit_sources::fuzz::tito,
        &[
            "[buildconfig]\nbuilder = x\ntag_format = {component}-{version}\nRelease: 1%{?dist}\nSource0: x\n%setup -q -n y\n",
        ],
        &[
            "{version}",
            "=",
            ":",
            "\n",
            "%setup -n",
            "Release:",
            "%autosetup",
        ],
    ),
    text(
        "spec",
        rpmkit_sources::fuzz::expanded_spec,
        &[
            "Name: a\nVersion: 1\nSource0: a.tar.gz\nSource: b\nPatch3: c\n%sourcelist\nd\n%description\n%prep\n%setup -q -n a-1 -a 1\n%autosetup -p1\n",
        ],
        &[
            "Source",
            "Patch",
            ":",
            "4294967295",
            "%setup -n ",
            "%prep\n",
            "%sourcelist\n",
            "%patchlist\n",
            "\n",
            "\\\n",
        ],
    ),
    Target {
        name: "keyring",
        run: |data| drop(Keyring::default().add(data, 1_767_225_600)),
        texts: &[
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZz\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n",
        ],
        made: nothing,
        words: &[
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
            "-----END PGP PUBLIC KEY BLOCK-----\n",
            "\n",
            "=",
            "\u{99}",
        ],
    },
];

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

thread_local! {
    /// Where files lie; one a thread, for making directories takes longer than most parsers.
    static SCRATCH: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

fn scratch(with: impl FnOnce(&Path)) {
    SCRATCH.with_borrow_mut(|slot| {
        let dir = slot.get_or_insert_with(|| tempfile::tempdir().expect("there is room in /tmp"));
        with(dir.path());
    });
}

/// An empty directory of this name.
fn fresh(dir: &Path, name: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    // Packages and archives may leave directories nobody may write to.
    let _ = remove(&path);
    fs::create_dir(&path).expect("the old one is gone");
    path
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            use std::os::unix::fs::PermissionsExt;
            for entry in walk(path) {
                let _ = fs::set_permissions(&entry, fs::Permissions::from_mode(0o700));
            }
            fs::remove_dir_all(path)
        }
        other => other,
    }
}

/// Directories, parents first.
fn walk(path: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(dir) = found.get(next).cloned() {
        use std::os::unix::fs::PermissionsExt;
        let _ = fs::set_permissions(&dir, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        found.extend(
            entries
                .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
                .map(|e| e.path()),
        );
        next += 1;
    }
    found
}

/// A package file as everybody reads it: record, files, both ways to unpack.
fn package(data: &[u8]) {
    scratch(|dir| {
        let path = dir.join("x.rpm");
        fs::write(&path, data).expect("there is room");
        let _ = local::read_header(&path);
        if let Ok(file) = PackageFile::open(&path) {
            let _ = file.files();
            let out = fresh(dir, "out");
            let _ = unpack_source(&path, &out, &out);
            let _ = unpack_set(&[path], &fresh(dir, "root"), 1);
        }
    });
}

fn archive(data: &[u8]) {
    scratch(|dir| {
        let path = dir.join("x.tar");
        fs::write(&path, data).expect("there is room");
        let _ = rpmkit_store::archive::unpack_here(&path, &fresh(dir, "fs"));
    });
}

fn config(name: &str, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    scratch(|dir| {
        let file = dir.join(name);
        fs::write(&file, text).expect("there is room");
        let mut request = LoadRequest::mock(file.to_string_lossy(), HostFacts::default());
        request.configdir = Some(dir.to_owned());
        if let Ok(config) = load(&request) {
            let _ = config.expanded();
            let _ = config.settings();
            let _ = lint::check(&config);
            let _ = convert(&request);
        }
    });
}

fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace("'''", "");
    scratch(|dir| {
        let file = dir.join("template.toml");
        fs::write(&file, format!("x = '''{text}'''\n")).expect("there is room");
        let request = LoadRequest::mock(file.to_string_lossy(), HostFacts::default());
        if let Ok(config) = load(&request) {
            let _ = config.get("x");
        }
    });
}

fn project(data: &[u8]) {
    scratch(|dir| {
        fs::write(dir.join("rpmkit.toml"), data).expect("there is room");
        let _ = rpmkit_core::project::Project::find(dir);
    });
}

/// As libgit2 reads it for us.
fn gitmodules(data: &[u8]) {
    scratch(|dir| {
        let path = dir.join("git");
        if !path.exists() {
            git2::Repository::init(&path).expect("a repository can be made");
        }
        fs::write(path.join(".gitmodules"), data).expect("there is room");
        rpmkit_vcs::fuzz::modules(&path);
    });
}
