//! What a configuration may ask for and a chroot of ours cannot be: said before work begins, as what was
//! accepted and then ignored is found out last.

use super::{BuildError, Engine};
use rpmkit_config::Settings;
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
    Ok(())
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
