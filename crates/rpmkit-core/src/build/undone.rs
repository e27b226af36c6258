//! What a configuration may ask for and a chroot of ours cannot be: said before work begins, as what was
//! accepted and then ignored is found out last.

use super::{BuildError, Engine};
use rpmkit_config::{Plugins, Settings};
use rpmkit_types::ExitCode;

/// Fails on the first such option; warns where the configuration itself allows another way.
pub(super) fn check(engine: &Engine, settings: &Settings) -> Result<(), BuildError> {
    if let Some((image, fallback)) = &settings.build.buildroot_image {
        if !fallback {
            return Err(no_image(image));
        }
        engine.events().warn(format!(
            "option `buildroot_image` is `{image}`, which rpmkit does not use: the chroot is installed, as \
             `buildroot_image_fallback` allows"
        ));
    }
    lvm(&settings.plugins)
}

/// Whether a configuration can be worked with at all: mock's plugins say so when they are loaded, in every mode.
pub fn loadable(settings: &Settings) -> Result<(), BuildError> {
    if let Some(name) = super::user_hooks::unknown(settings) {
        let all = super::HOOKS.join(", ");
        return Err(BuildError::Repositories {
            chroot: settings.chroot.chroot_name.clone(),
            reason: format!("option `hooks`: there is no hook `{name}`; those are {all}"),
        });
    }
    lvm(&settings.plugins)
}

/// mock's rules of the plugin lvm_root: a volume group must be named, and it must be there. There is none
/// that a chroot of ours could be in.
fn lvm(plugins: &Plugins) -> Result<(), BuildError> {
    if !plugins.enabled("lvm_root") {
        return Ok(());
    }
    let group = plugins.option("lvm_root", "volume_group");
    let group = group.filter(|value| value.truth()).map(ToString::to_string);
    Err(BuildError::Lvm(match group {
        None => "Volume group must be specified".to_owned(),
        Some(name) => format!("Volume group {name} does not exist"),
    }))
}

fn no_image(image: &str) -> BuildError {
    BuildError::Undone {
        option: "buildroot_image",
        found: image.to_owned(),
        code: ExitCode::Bootstrap,
        remedy: "leave it out: the chroot is installed from the repositories; or set `buildroot_image_fallback`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_fallback_ends_as_in_mock() {
        let error = no_image("registry/x:1");
        assert_eq!(error.exit_code(), ExitCode::Bootstrap);
        assert!(error.to_string().contains("`registry/x:1`"), "{error}");
        assert_eq!(error.hints().len(), 1);
    }
}
