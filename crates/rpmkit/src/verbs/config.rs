//! `rpmkit config`: what configurations there are and what they say.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rpmkit_cli::{Context, Failure, Status, VerbResult, setup};
use rpmkit_core::{
    Error, ExitCode,
    config::{self, Config, LoadRequest, Overrides, lint},
    definitions,
    event::Events,
    repo::{CacheDirs, Fetcher},
};

/// Show, check and convert chroot definitions
///
/// Definitions are read from `--configdir`, the user's directories, /etc/rpmkit, /etc/mock and from
/// what is compiled in, in this order. mock's `.cfg` files are read as data; nothing in them is run.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigVerb {
    /// List every definition with its description
    List(ConfigListArgs),
    /// Show what a definition sets, and where each value came from
    Show(ShowArgs),
    /// Look definitions over: misspellings, values of the wrong kind, templates that cannot be expanded
    Check(CheckArgs),
    /// Write a definition in rpmkit's own format, with the same value
    Convert(ConvertArgs),
    /// Take newer definitions into your configuration directory
    ///
    /// mock's own `.cfg` files with their templates, or ours. All that came with an earlier update
    /// goes; what you wrote yourself stays and comes first.
    Update(UpdateArgs),
    /// Print the JSON schema of rpmkit's own format, for editors
    Schema,
}

#[derive(Debug, Clone, Args)]
struct ConfigListArgs {
    /// Directory to look for configurations in first
    #[arg(long, value_name = "DIR")]
    configdir: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Args)]
struct ShowArgs {
    /// Definition: a name, or a path ending in .cfg or .toml
    #[arg(short, long, value_name = "CHROOT", default_value = setup::DEFAULT_CHROOT)]
    root: String,

    /// Directory to look for configurations in first
    #[arg(long, value_name = "DIR")]
    configdir: Option<PathBuf>,

    /// Set an option as if the files did; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    config_opts: Vec<String>,

    /// Expand templates
    #[arg(long)]
    expanded: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Say where each value came from
    #[arg(long)]
    origin: bool,

    /// Also show what has its default
    #[arg(long)]
    all: bool,

    /// Only these options
    #[arg(value_name = "OPTION")]
    options: Vec<String>,
}

#[derive(Debug, Clone, Args)]
struct CheckArgs {
    /// Definitions: names, or paths ending in .cfg or .toml
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,

    /// Directory to look for configurations in first
    #[arg(long, value_name = "DIR")]
    configdir: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
struct ConvertArgs {
    /// Definition: a path ending in .cfg, or a name
    #[arg(value_name = "FILE")]
    file: String,

    /// Directory that includes are looked for in first
    #[arg(long, value_name = "DIR")]
    configdir: Option<PathBuf>,

    /// Write to this file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
struct UpdateArgs {
    /// Where they are: a directory, an archive or a package of it, or the URL of one
    #[arg(value_name = "DIR|FILE|URL")]
    from: String,
}

/// Does what is asked.
pub fn run(cx: &mut Context, args: &ConfigArgs) -> VerbResult {
    match &args.verb {
        ConfigVerb::List(args) => list(cx, args),
        ConfigVerb::Show(args) => show(cx, args),
        ConfigVerb::Check(args) => check(cx, args),
        ConfigVerb::Convert(args) => convert(cx, args),
        ConfigVerb::Update(args) => update(cx, args),
        ConfigVerb::Schema => {
            cx.printer.raw(config::schema::schema().as_bytes());
            Ok(Status::OK)
        }
    }
}

fn request(cx: &Context, root: &str, configdir: Option<&PathBuf>) -> LoadRequest {
    let mut request = LoadRequest::new(root, setup::config_host(&cx.host));
    request.configdir = configdir.map(|dir| cx.host.cwd.join(dir));
    request
}

fn load(request: &LoadRequest) -> Result<Config, Failure> {
    Ok(config::load(request).map_err(Error::from)?)
}

fn list(cx: &Context, args: &ConfigListArgs) -> VerbResult {
    let entries =
        config::list(&request(cx, "default", args.configdir.as_ref())).map_err(Error::from)?;
    if args.json {
        cx.printer.raw(config::list::json(&entries).as_bytes());
    } else {
        cx.printer.raw(config::list::table(&entries).as_bytes());
    }
    Ok(Status::OK)
}

fn show(cx: &Context, args: &ShowArgs) -> VerbResult {
    let mut request = request(cx, &args.root, args.configdir.as_ref());
    if !args.config_opts.is_empty() {
        request.overrides = Some(Overrides {
            config_opts: args.config_opts.clone(),
            ..Overrides::default()
        });
    }
    let config = load(&request)?;
    let shown = config::ShownText {
        expanded: args.expanded,
        origin: args.origin,
        all: args.all,
        only: args.options.clone(),
    };
    let text = if args.json {
        config::json(&config, &shown)
    } else {
        config::show(&config, &shown)
    };
    cx.printer.raw(text.map_err(Error::from)?.as_bytes());
    Ok(Status::OK)
}

fn check(cx: &Context, args: &CheckArgs) -> VerbResult {
    let mut failed = false;
    for file in &args.files {
        let findings = match load(&request(cx, file, args.configdir.as_ref())) {
            Ok(config) => lint::check(&config),
            Err(failure) => {
                failed = true;
                cx.printer.data(format!("{file}: error: {failure}"));
                continue;
            }
        };
        for finding in &findings {
            failed |= finding.level == config::Level::Error;
            cx.printer.data(format!("{file}: {finding}"));
        }
        if findings.is_empty() {
            cx.printer.data(format!("{file}: fine"));
        }
    }
    Ok(if failed {
        Status(ExitCode::Config.code())
    } else {
        Status::OK
    })
}

fn convert(cx: &Context, args: &ConvertArgs) -> VerbResult {
    let text =
        config::convert(&request(cx, &args.file, args.configdir.as_ref())).map_err(Error::from)?;
    let Some(output) = &args.output else {
        cx.printer.raw(text.as_bytes());
        return Ok(Status::OK);
    };
    let path = cx.host.cwd.join(output);
    std::fs::write(&path, text).map_err(|source| {
        Failure::from(Error::Io {
            action: "write",
            path,
            source,
        })
    })?;
    Ok(Status::OK)
}

fn update(cx: &Context, args: &UpdateArgs) -> VerbResult {
    let request = request(cx, "default", None);
    let fetcher = Fetcher::new(
        CacheDirs::below(&cx.host.dirs.cache),
        setup::fetch_options(&cx.host, false),
        Events::silent(),
    );
    let from = definitions::Source::new(&args.from, &cx.host.cwd);
    // Where it cannot be made, the next line says so.
    let _ = cx.host.dirs.make_temp();
    let dir = definitions::fetch(&from, &fetcher, &cx.host.dirs.temp)?;
    let done = config::update(&request, dir.path()).map_err(Error::from)?;
    for (file, reason) in &done.unusable {
        cx.printer
            .say(format!("warning: `{file}` cannot be used: {reason}"));
    }
    cx.printer.data(format!(
        "{} definitions are in {} now",
        done.usable.len(),
        done.dir.display()
    ));
    Ok(Status::OK)
}
