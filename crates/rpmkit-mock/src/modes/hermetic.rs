//! `--hermetic-build LOCKFILE REPO`: the chroot a lock file describes, from a local repository alone.

use std::{fs, path::Path};

use rpmkit_cli::{Context, Failure};
use rpmkit_core::config::{Hermetic, from_json};
use serde_json::Value;

/// Reads the lock file and looks at the repository. Whatever is wrong with either is the command line's.
pub fn read(cx: &Context, lock: &str, repository: &str) -> Result<Hermetic, Failure> {
    let path = cx.host.cwd.join(lock);
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::command_line(format!("cannot read the lockfile `{lock}`: {error}"))
    })?;
    let data: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::command_line(format!("the lockfile `{lock}`: {error}")))?;
    let Some(config) = data["config"].as_object() else {
        return Err(Failure::command_line(format!(
            "the lockfile `{lock}` has no object `config`: expected what --calculate-build-dependencies writes"
        )));
    };
    // mock cannot prepare its bootstrap chroot from any other image. We need none, so only who asks for
    // mock gets its refusal.
    let ready = config.get("bootstrap_image_ready") == Some(&Value::Bool(true));
    if !ready && cx.host.called_as() == "mock" {
        return Err(Failure::command_line(format!(
            "The file {lock} did not record the bootstrap_image_ready=True config which means we are not \
             able to prepare the bootstrap chroot in a hermetic mode."
        ))
        .hint("`rpmkit mock` needs no image and builds from this file"));
    }
    let plain = repository.strip_prefix("file://").unwrap_or(repository);
    let dir = std::path::absolute(cx.host.cwd.join(plain)).unwrap_or_else(|_| plain.into());
    if !dir.join("repodata").exists() {
        return Err(Failure::command_line(format!(
            "The {repository} doesn't seem to be a valid offline RPM repository (RPM metadata not found)"
        )));
    }
    Ok(Hermetic {
        options: config
            .iter()
            .map(|(name, value)| (name.clone(), from_json(value)))
            .collect(),
        image: image(&data, &dir),
        repository: dir.display().to_string(),
    })
}

/// Where the pinned image would lie in the repository, and its digest.
fn image(data: &Value, dir: &Path) -> Option<(String, String)> {
    let name = data["config"]["bootstrap_image"].as_str()?;
    let pulled = data["bootstrap"]["pull_digest"].as_str()?;
    let digest = data["bootstrap"]["image_digest"].as_str()?;
    // skopeo takes a tag or a digest, not both.
    let name = name.split(':').next().unwrap_or(name);
    let place = dir.join(format!("{name}@{pulled}"));
    Some((format!("dir:{}", place.display()), digest.to_owned()))
}
