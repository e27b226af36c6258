//! A root to run commands in: an overlay over a small skeleton, with the host's programs bound read-only.

use rpmkit_sandbox::{
    Command, Container, ContainerSpec, Exit, IdMode, Mount, Output, Overlay, ProbeRequest, RootFs,
    Stream,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The mode under test. Says loudly why, when this host allows none.
pub fn mode() -> IdMode {
    static MODE: OnceLock<IdMode> = OnceLock::new();
    MODE.get_or_init(|| {
        let probe = rpmkit_sandbox::probe(&ProbeRequest::default()).unwrap();
        probe
            .mode
            .clone()
            .unwrap_or_else(|| panic!("THIS HOST REFUSES EVERY SANDBOX: {:#?}", probe.findings))
    })
    .clone()
}

pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("rpmkit-sandbox-")
            .tempdir()
            .unwrap();
        for name in ["upper", "work", "lower/etc", "lower/tmp", "lower/root"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("lower/etc/hello"), "hello\n").unwrap();
        for name in ["bin", "sbin", "lib", "lib64", "lib32"] {
            if let Ok(target) = std::fs::read_link(Path::new("/").join(name)) {
                std::os::unix::fs::symlink(target, dir.path().join("lower").join(name)).unwrap();
            }
        }
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a directory in the place, on the host.
    pub fn mkdir(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// A work directory for another mount.
    pub fn renew(&self) {
        for name in ["work", "upper"] {
            let path = self.path(name);
            let text = path.as_os_str().as_encoded_bytes();
            rpmkit_sandbox::call(&mode(), "remove", text).unwrap();
            std::fs::create_dir(path).unwrap();
        }
    }

    pub fn overlay(&self) -> Overlay {
        Overlay {
            lowers: vec![self.path("lower")],
            upper: Some(self.path("upper")),
            work: Some(self.path("work")),
            volatile: true,
        }
    }

    pub fn spec(&self) -> ContainerSpec {
        let mut spec = ContainerSpec::new(mode(), RootFs::Overlay(self.overlay()));
        for name in ["usr", "bin", "sbin", "lib", "lib64", "lib32"] {
            let path = Path::new("/").join(name);
            if path.is_dir() && !path.is_symlink() {
                spec.mounts.push(Mount::bind_ro(&path, &path));
            }
        }
        spec
    }

    pub fn start(&self) -> Container {
        Container::start(&self.spec()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Files of sub-ids and the kernel's own work directory are beyond us outside.
        rpmkit_sandbox::call(
            &mode(),
            "remove",
            self.dir.path().as_os_str().as_encoded_bytes(),
        )
        .unwrap();
    }
}

/// Runs a shell command as container root.
pub fn sh(container: &Container, script: &str) -> (Exit, String) {
    output(container, &Command::new(["sh", "-c", script]))
}

/// Runs a command; both streams as one text, in order.
pub fn output(container: &Container, command: &Command) -> (Exit, String) {
    let mut command = command.clone();
    if matches!(command.output, Output::Separate) {
        command.output = Output::Merged;
    }
    let mut bytes = Vec::new();
    let exit = container
        .run(&command, |_: Stream, piece| bytes.extend_from_slice(piece))
        .unwrap();
    (exit, String::from_utf8_lossy(&bytes).into_owned())
}

/// What a successful shell command printed, trimmed.
pub fn ask(container: &Container, script: &str) -> String {
    let (exit, text) = sh(container, script);
    assert!(exit.success(), "`{script}` ended with {exit:?}: {text}");
    text.trim().to_owned()
}
