//! Programs whose shared libraries are not there.

use crate::want::MissingThing;

use super::{finding::Finding, scene::Scene, text};

pub(super) fn find(scene: &Scene<'_>) -> Option<Finding> {
    scene.rev().find_map(|(at, line)| {
        if line.starts_with('+') {
            return None;
        }
        let name = text::between(line, "error while loading shared libraries: ", ":")
            .or_else(|| text::between(line, "ImportError: ", ": cannot open shared object file"))
            .or_else(|| text::between(line, "OSError: ", ": cannot open shared object file"))?;
        Some(
            Finding::new(at, line.trim_end())
                .want(MissingThing::SharedObject(name.to_owned()))
                .hint(format!("if the build makes `{name}` itself, let the program find it: `LD_LIBRARY_PATH=DIR` in this section")),
        )
    })
}
