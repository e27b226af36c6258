//! `cargo xtask`: the chores of this workspace.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod advisories;
mod agree;
mod bench;
mod causes;
mod chainbench;
mod chroot;
mod confbench;
mod contents;
mod demo;
mod dist;
mod distro;
mod e2e;
mod fixture;
mod forcearch;
mod fuzz;
mod generated;
mod history;
mod install;
mod licences;
mod needs;
mod own_rpm;
mod own_srpm;
mod serve;
mod suite;
mod typed;
mod users;
mod views;
#[cfg(test)]
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Chores of the rpmkit workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the test distribution out of Debian packages (no-op when up to date)
    Distro {
        /// Which one: each suite has another generation of rpm
        #[arg(long, value_enum, default_value = "bookworm")]
        suite: distro::Suite,
        /// Where to put it [default: target/distro/dist, or target/distro/SUITE]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Make the repository of other languages' compilers too (Rust, Go; some 200 MB)
        #[arg(long)]
        extras: bool,
        /// All suites at once; one that moves and cannot be installed today is left out
        #[arg(long, conflicts_with_all = ["suite", "out", "extras"])]
        all: bool,
        /// Make nothing: write down which versions apt serves today, for the runs to come
        #[arg(long, conflicts_with_all = ["out", "extras", "all"])]
        record: bool,
    },
    /// Feed every parser of foreign bytes with anything
    Fuzz {
        /// Stop each target after so many seconds
        #[arg(long, value_name = "N")]
        seconds: Option<u64>,
        /// Stop each target after so many runs [default: 10000 without --seconds]
        #[arg(long, value_name = "N")]
        runs: Option<u64>,
        /// Without libFuzzer, even where it is installed
        #[arg(long)]
        plain: bool,
        /// Only these targets
        targets: Vec<String>,
    },
    /// Serve a directory over loopback HTTP until interrupted
    Serve {
        /// Which test distribution
        #[arg(long, value_enum, default_value = "bookworm")]
        suite: distro::Suite,
        /// What to serve [default: the test distribution, made first]
        dir: Option<PathBuf>,
        /// Port; 0 takes any free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Also write a chroot definition for the test distribution into this directory
        #[arg(long, value_name = "DIR")]
        configdir: Option<PathBuf>,
    },
    /// Lay out a git checkout of a real upstream project with a spec in it
    Fixture {
        /// Which one; none lists them
        name: Option<String>,
        /// Directory to make
        dir: Option<PathBuf>,
        /// How it is laid out
        #[arg(long, value_enum, default_value = "tree")]
        style: fixture::Style,
    },
    /// Show everything: build rpmkit and the test distribution, then packages from a checkout, twice
    Demo {
        /// The project to build
        #[arg(long, default_value = "jansson")]
        fixture: String,
        /// Build rpmkit optimised
        #[arg(long)]
        release: bool,
    },
    /// Build the fixtures for real, as root and as ordinary users, and compare the packages
    E2e {
        /// Against which test distribution
        #[arg(long, value_enum, default_value = "bookworm")]
        suite: distro::Suite,
        /// Only these fixtures
        fixtures: Vec<String>,
        /// Only as the user who runs this
        #[arg(long)]
        alone: bool,
    },
    /// Compare what rpmkit installs with what a suite's own dnf installs
    Agree {
        /// Which test distribution
        #[arg(long, value_enum, default_value = "sid")]
        suite: distro::Suite,
        /// A distribution that is made already, instead of the suite's
        #[arg(long)]
        dir: Option<PathBuf>,
        /// An rpmkit that is built already
        #[arg(long)]
        program: Option<PathBuf>,
    },
    /// Make a chroot of another machine and build in it, as everybody
    Forcearch,
    /// Measure, as ratios to floors of the same run
    Bench {
        /// Measure the development build instead of an optimised one
        #[arg(long)]
        dev: bool,
        /// Measure something else: `chain`, the planner of chains
        #[arg(value_parser = ["chain"])]
        what: Option<String>,
        /// Cores the simulated builds of `chain` run on
        #[arg(long, default_value_t = 2, requires = "what")]
        cores: usize,
        /// A `history.jsonl` to draw the lengths of the builds of `chain` from
        #[arg(long, requires = "what")]
        history: Option<PathBuf>,
    },
    /// Run the tests of what a user types, as root and as ordinary users
    Typed {
        /// Against which test distribution
        #[arg(long, value_enum, default_value = "bookworm")]
        suite: distro::Suite,
        /// Only tests with these words in their names
        filter: Vec<String>,
    },
    /// Build broken packages and compare the reports with what they must say
    Causes {
        /// Directories of cases, or single cases [default: tests/causes]
        dirs: Vec<PathBuf>,
        /// `rpmkit`, built already [default: it is built]
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
        /// A directory with a chroot definition [default: the test distribution is made and served]
        #[arg(long, value_name = "DIR", requires = "chroot")]
        configdir: Option<PathBuf>,
        /// Name of the chroot in it
        #[arg(short = 'r', long, value_name = "NAME", requires = "configdir")]
        chroot: Option<String>,
        /// Build the cases here and leave them [default: nothing stays]
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Run every test there is: of the crates, as everybody, and end to end
    Test {
        /// Also every project and everything a user types against every suite, by everybody (hours)
        #[arg(long)]
        all: bool,
    },
    /// Write the shell completions, made from the definitions of the arguments
    Completions {
        /// Write nothing; fail when something is stale
        #[arg(long)]
        check: bool,
    },
    /// Write the man pages and the tables of the documentation
    Man {
        /// Write nothing; fail when something is stale
        #[arg(long)]
        check: bool,
    },
    /// Check that every dependency fits `deny.toml`: its licence, known holes, the Rust it needs
    Licences,
    /// Renew the list of known holes from a checkout of RustSec's advisory-db
    Advisories {
        /// The checkout
        dir: PathBuf,
    },
    /// Write the archive of vendored crates that rpmkit's own source package needs
    OwnSrpm,
    /// Build rpmkit's own packages against the test distribution, install them there and run them
    OwnRpm {
        /// Compile as for users, which takes three times as long
        #[arg(long)]
        optimize: bool,
        /// Make and check the source package alone, as `cargo xtask test` does
        #[arg(long, conflicts_with = "optimize")]
        source: bool,
    },
    /// Make the archive of one static program that users unpack, with links, completions and man pages
    Dist {
        /// Build twice, in two directories, and compare
        #[arg(long)]
        check: bool,
    },
    /// Install programs, completions and man pages
    Install {
        /// Directory to install below
        #[arg(long, value_name = "DIR", default_value = "/usr/local")]
        prefix: PathBuf,
        /// Directory to put in front of every path, for packagers
        #[arg(long, value_name = "DIR", env = "DESTDIR")]
        destdir: Option<PathBuf>,
        /// Install the name `mock` too
        #[arg(long)]
        mock: bool,
        /// Profile to build with
        #[arg(long, value_name = "PROFILE", default_value = "dist")]
        profile: String,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let say = |text: &str| eprintln!("{text}");
    match cli.command {
        Command::OwnSrpm => println!("{}", own_srpm::prepare(workspace())?.display()),
        Command::Licences => {
            println!("{} packages fit", licences::check(workspace())?);
        }
        Command::Advisories { dir } => {
            println!("{} advisories", advisories::renew(workspace(), &dir)?);
        }
        Command::OwnRpm { source: true, .. } => {
            own_rpm::source(workspace(), &target_dir()?, &say)?;
        }
        Command::OwnRpm { optimize, .. } => {
            own_rpm::build(workspace(), &target_dir()?, optimize, &say)?;
        }
        Command::Distro {
            suite,
            record: true,
            ..
        } => {
            let list = distro::record(&target_dir()?.join("distro"), suite, &say)?;
            let path = workspace()
                .join("xtask/data/versions")
                .join(suite.profile().name);
            std::fs::write(&path, list)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            println!("{}", path.display());
        }
        Command::Distro { all: true, .. } => {
            let work = target_dir()?.join("distro");
            for distro in distro::make_each(&work, &distro::Suite::ALL, &say)? {
                println!("{}", distro.dir.display());
            }
        }
        Command::Distro {
            suite, out, extras, ..
        } => {
            let work = target_dir()?.join("distro");
            let distro = distro::make(&work, suite, out.as_deref(), &say)?;
            if extras {
                distro::extras::make(&work, &distro, &say)?;
            }
            println!("{}", distro.dir.display());
        }
        Command::Fuzz {
            seconds,
            runs,
            plain,
            targets,
        } => fuzz::run(workspace(), seconds, runs, plain, &targets)?,
        Command::Serve {
            suite,
            dir,
            port,
            configdir,
        } => serve(suite, dir, port, configdir)?,
        Command::Fixture {
            name: Some(name),
            dir: Some(dir),
            style,
        } => {
            fixture::lay_out(&name, &dir, style, &target_dir()?.join("distro"))?;
            println!("{}", dir.display());
        }
        Command::Fixture { .. } => {
            for one in fixture::ALL {
                println!("{:<16} {}", one.name, one.about);
            }
        }
        Command::Demo { fixture, release } => {
            let target = target_dir()?;
            let demo = demo::Demo {
                root: workspace(),
                target: &target,
                fixture: &fixture,
                release,
            };
            demo.run(&say, &|text| println!("{text}"))?;
        }
        Command::E2e {
            suite,
            fixtures,
            alone,
        } => {
            e2e::run(workspace(), &target_dir()?, suite, &fixtures, alone, &say)?;
        }
        Command::Agree {
            suite,
            dir,
            program,
        } => {
            agree::run(
                workspace(),
                &target_dir()?,
                suite,
                dir.as_deref(),
                program,
                &say,
            )?;
        }
        Command::Forcearch => {
            let people = users::everybody(&say)?;
            forcearch::run(workspace(), &target_dir()?, &people, &say)?;
        }
        Command::Bench {
            dev,
            what: Some(_),
            cores,
            history,
        } => chainbench::run(workspace(), !dev, cores, history.as_deref(), &|text| {
            println!("{text}");
        })?,
        Command::Bench { dev, .. } => {
            let bench = bench::Bench {
                root: workspace(),
                target: &target_dir()?,
                release: !dev,
            };
            bench.run(&say, &|text| println!("{text}"))?;
        }
        Command::Typed { suite, filter } => {
            let people = users::everybody(&say)?;
            typed::run(workspace(), &target_dir()?, suite, &people, &filter, &say)?;
        }
        Command::Causes {
            mut dirs,
            program,
            configdir,
            chroot,
            keep,
        } => {
            if dirs.is_empty() {
                dirs.push(workspace().join("tests/causes"));
            }
            let causes = causes::Causes {
                root: workspace(),
                target: &target_dir()?,
                dirs: &dirs,
                program: program.as_deref(),
                prepared: configdir.as_deref().zip(chroot.as_deref()),
                keep: keep.as_deref(),
            };
            causes.run(&say, &|text| println!("{text}"))?;
        }
        Command::Test { all } => {
            let extent = if all {
                suite::Extent::All
            } else {
                suite::Extent::Some
            };
            suite::run(workspace(), &target_dir()?, extent, &say)?;
        }
        Command::Completions { check } => {
            generated::update(workspace(), &target_dir()?, generated::COMPLETIONS, check)?;
        }
        Command::Man { check } => {
            generated::update(workspace(), &target_dir()?, generated::MAN, check)?;
        }
        Command::Dist { check } => {
            println!(
                "{}",
                dist::run(workspace(), &target_dir()?, check, &say)?.display()
            );
        }
        Command::Install {
            prefix,
            destdir,
            mock,
            profile,
        } => {
            let install = install::Install {
                prefix,
                destdir,
                mock,
                profile,
            };
            install.run(workspace(), &target_dir()?, &say)?;
        }
    }
    Ok(())
}

/// Serves until somebody ends us.
fn serve(
    suite: distro::Suite,
    dir: Option<PathBuf>,
    port: u16,
    configdir: Option<PathBuf>,
) -> Result<()> {
    let say = |text: &str| eprintln!("{text}");
    let dir = match dir {
        Some(dir) => dir,
        None => distro::make(&target_dir()?.join("distro"), suite, None, &say)?.dir,
    };
    let server = serve::Server::start(&dir, port)?;
    if let Some(configdir) = configdir {
        let stamp = distro::Distro::at(&dir)?.stamp;
        eprintln!(
            "wrote `{}`",
            chroot::write(
                &configdir,
                &stamp,
                &server.url(),
                chroot::With::all_of(&dir)
            )?
            .display()
        );
    }
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}

/// The workspace's directory.
fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The workspace's target directory, wherever it was moved to.
fn target_dir() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot ask cargo for the target directory")?;
    Ok(metadata.target_directory.into_std_path_buf())
}
