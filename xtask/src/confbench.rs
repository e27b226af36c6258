//! Times of configurations as ratios to reading their files: one Fedora definition loaded and expanded,
//! and the list of a whole tree. The tree is `/etc/mock`'s size and shape, made here, or a real one that
//! `RPMKIT_BENCH_CONFIGS` names (a checkout of mock-core-configs, for instance).

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// Runs of which the best counts.
const ROUNDS: usize = 15;
/// Architectures of each release of the tree made here.
const ARCHES: [&str; 8] = [
    "x86_64",
    "i686",
    "aarch64",
    "ppc64le",
    "s390x",
    "riscv64",
    "armhfp",
    "x86_64_v2",
];
/// Releases of it: with the architectures, 480 definitions.
const RELEASES: usize = 60;

/// What was measured.
pub struct Times {
    /// Loading and expanding one definition, start of the program taken off.
    pub one: Duration,
    /// Reading the files of it.
    pub one_floor: Duration,
    /// Listing the tree, start included.
    pub list: Duration,
    /// Reading the files of the tree.
    pub list_floor: Duration,
}

/// Measures `rpmkit`, with a place for what it needs.
pub fn measure(rpmkit: &Path, place: &Path) -> Result<Times> {
    let tree = match std::env::var_os("RPMKIT_BENCH_CONFIGS") {
        Some(dir) => PathBuf::from(dir),
        None => make(&place.join("configs"))?,
    };
    let name = definition(&tree)?;
    let run = |words: &[&str]| -> Result<Duration> {
        let mut least = Duration::MAX;
        for _ in 0..ROUNDS {
            let mut command = Command::new(rpmkit);
            command
                .args(words)
                .env("XDG_CONFIG_HOME", place)
                .current_dir(place)
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            let begun = Instant::now();
            let status = command.status().context("cannot run rpmkit")?;
            least = least.min(begun.elapsed());
            ensure!(status.success(), "{command:?} ended with {status}");
        }
        Ok(least)
    };
    let dir = tree.to_string_lossy();
    let start = run(&["--version"])?;
    let shown = run(&[
        "config",
        "show",
        "--expanded",
        "-r",
        &name,
        "--configdir",
        &dir,
    ])?;
    let list = run(&["config", "list", "--configdir", &dir])?;
    let files = files(&tree)?;
    let own = [
        tree.join(format!("{name}.cfg")),
        tree.join("site-defaults.cfg"),
        tree.join("chroot-aliases.cfg"),
    ];
    let template = included(&own[0], &tree);
    let own: Vec<PathBuf> = own.into_iter().chain(template).collect();
    Ok(Times {
        one: shown.saturating_sub(start),
        one_floor: reading(&own),
        list,
        list_floor: reading(&files),
    })
}

/// The definition that is loaded: the newest Fedora's for this machine where there is one.
fn definition(tree: &Path) -> Result<String> {
    let mut names: Vec<String> = fs::read_dir(tree)
        .with_context(|| format!("cannot read {}", tree.display()))?
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("fedora-") && name.ends_with("-x86_64"))
        .filter(|name| {
            name.split('-')
                .nth(1)
                .is_some_and(|v| v.parse::<u32>().is_ok())
        })
        .collect();
    names.sort();
    names
        .pop()
        .with_context(|| format!("{} has no fedora-N-x86_64.cfg", tree.display()))
}

/// Every file of the tree that listing reads: definitions and what they include.
fn files(tree: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for dir in [tree.to_owned(), tree.join("templates")] {
        let entries =
            fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
        files.extend(entries.flatten().map(|e| e.path()).filter(|p| p.is_file()));
    }
    Ok(files)
}

fn included(file: &Path, tree: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with("include("))?;
    Some(tree.join(line.split(['\'', '"']).nth(1)?))
}

fn reading(files: &[PathBuf]) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let bytes: usize = files
            .iter()
            .filter_map(|file| fs::read(file).ok())
            .map(|bytes| bytes.len())
            .sum();
        std::hint::black_box(bytes);
        least = least.min(begun.elapsed());
    }
    least
}

/// A tree like `/etc/mock`: small definitions over a template each release, a dozen repositories in it.
fn make(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir.join("templates"))?;
    fs::write(
        dir.join("site-defaults.cfg"),
        "config_opts['basedir'] = '/var/lib/mock'\n",
    )?;
    fs::write(
        dir.join("chroot-aliases.cfg"),
        "config_opts['no-config']['old-1'] = {'alternatives': {'fedora-1': {'description': ['Newer.']}}}\n",
    )?;
    for release in 1..=RELEASES {
        let template = format!("templates/fedora-{release}.tpl");
        fs::write(dir.join(&template), template_text(release)?)?;
        for arch in ARCHES {
            let text = format!(
                "config_opts['releasever'] = '{release}'\nconfig_opts['target_arch'] = '{arch}'\n\
                 config_opts['legal_host_arches'] = ('{arch}',)\n\ninclude('{template}')\n"
            );
            fs::write(dir.join(format!("fedora-{release}-{arch}.cfg")), text)?;
        }
    }
    Ok(dir.to_owned())
}

fn template_text(release: usize) -> Result<String> {
    let mut text = format!(
        "config_opts['root'] = 'fedora-{{{{ releasever }}}}-{{{{ target_arch }}}}'\n\
         config_opts['description'] = 'Fedora {{{{ releasever }}}}'\n\
         config_opts['chroot_setup_cmd'] = 'install @{{% if mirrored %}}buildsys-{{% endif %}}build'\n\
         config_opts['dist'] = 'fc{release}'\n\
         config_opts['mirrored'] = config_opts['target_arch'] != 'i686'\n\
         config_opts['dnf.conf'] = \"\"\"\n[main]\nkeepcache=1\nbest=1\n"
    );
    for repository in 0..12 {
        write!(
            text,
            "\n{{% if mirrored %}}\n[repo-{repository}]\nname=repository {repository}\n\
             metalink=https://mirrors.example.org/metalink?repo=r{repository}-f$releasever&arch=$basearch\n\
             gpgkey=file:///usr/share/keys/RPM-GPG-KEY-{{{{ releasever }}}}-primary\ngpgcheck=1\n\
             enabled={{{{ not mirrored }}}}\nskip_if_unavailable=False\n{{% endif %}}\n"
        )?;
    }
    text.push_str("\"\"\"\n");
    Ok(text)
}
