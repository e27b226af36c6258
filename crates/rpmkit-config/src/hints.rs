//! What to do when there is no definition of that name: mock's hints, and the names that come close.

use std::path::PathBuf;

use super::{
    ConfigError, LoadRequest, Loader, SearchRules, Value, files, list, load::Reading, releases,
};
use rpmkit_types::Hint;

/// The error for a definition that was not found, with everything that may help.
pub(super) fn not_found(
    loader: &mut Loader,
    request: &LoadRequest,
    looked: &[PathBuf],
) -> ConfigError {
    let name = request.root.as_str();
    let mut hints = retired(loader, request);
    hints.extend(ended(request));
    if hints.is_empty() {
        // mock's own words have this already.
        let mock = request.search == SearchRules::Mock;
        if name == "default" && !mock {
            hints.push(Hint::new("did you forget to say which chroot with `-r`?"));
            hints.push(Hint::new(
                "`rpmkit config list` shows what can be built for",
            ));
        }
        if !mock && name.contains('/') && !name.ends_with(".cfg") && !name.ends_with(".toml") {
            hints.push(Hint::new(
                "to name a file, write its extension too, for example `-r ./target.cfg`",
            ));
        }
        let names = list::names(loader, request);
        if let Some(near) = super::lint::closest(name, names.iter().map(String::as_str)) {
            hints.push(Hint::new(format!("there is a configuration `{near}`")));
        } else if name != "default" {
            hints.push(Hint::new("`rpmkit config list` shows every configuration"));
        }
    }
    ConfigError::NotFound {
        name: name.to_owned(),
        mock: request.search == SearchRules::Mock,
        looked: looked.to_vec(),
        hints,
    }
}

/// What is known of a release that is gone.
fn ended(request: &LoadRequest) -> Option<Hint> {
    let name = request.root.as_str();
    if let Some(file) = releases::kept(&request.chroot_dirs(), name) {
        return Some(Hint::new(format!(
            "the release reached its end of life; its definition is kept as `{}`: use `-r eol/{name}`",
            file.display()
        )));
    }
    let dates = releases::Dates::read(request).ok()?;
    match dates.state(name, &request.host.today)? {
        releases::State::EndOfLife { last } => Some(Hint::new(format!(
            "{}; mock keeps definitions of ended releases in a directory `eol`, which `rpmkit config \
             update` takes over",
            releases::ended(name, &last)
        ))),
        _ => None,
    }
}

/// The alternatives for a retired name such as `epel-8-x86_64`, from the option `no-config`.
fn retired(loader: &mut Loader, request: &LoadRequest) -> Vec<Hint> {
    let word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let mut parts = request.root.rsplitn(3, '-');
    let (Some(arch), Some(release), Some(distribution)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Vec::new();
    };
    let fits = distribution
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !word(arch) || !word(release) || distribution.is_empty() || !fits {
        return Vec::new();
    }
    let alias = format!("{distribution}-{release}");
    let mut reading = Reading::new(loader, request);
    if reading.shared().is_err() {
        return Vec::new();
    }
    let no_config = reading.draft.value("no-config").unwrap_or_default();
    let alternatives = no_config
        .as_dict()
        .and_then(|all| {
            all.get(&alias)?
                .as_dict()?
                .get("alternatives")?
                .as_dict()
                .cloned()
        })
        .unwrap_or_default();
    let mut hints = Vec::new();
    for (base, about) in alternatives.pairs() {
        let name = format!("{base}-{arch}");
        let Some(file) = request
            .files()
            .find(&[format!("{name}.cfg"), format!("{name}.toml")])
            .or_else(|| known_line(reading.loader, request, &name))
        else {
            continue;
        };
        let description: Vec<String> = about
            .as_dict()
            .and_then(|about| about.get("description")?.items().map(<[Value]>::to_vec))
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let nth = hints.len() + 1;
        let mut text = format!("[{nth}] use `{name}` instead: {}", description.join(" "));
        if !file.starts_with(files::BUILTIN) {
            text.push_str(&format!(
                "; to have it under the old name for good: `ln -s {} {}/{}.cfg`",
                file.display(),
                request.user_dir().display(),
                request.root
            ));
        }
        hints.push(Hint::new(text));
    }
    hints
}

/// A definition that is one line of a compiled-in or installed list.
fn known_line(loader: &mut Loader, request: &LoadRequest, name: &str) -> Option<PathBuf> {
    list::names(loader, request)
        .iter()
        .any(|known| known == name)
        .then(|| PathBuf::from(files::BUILTIN).join(name))
}
