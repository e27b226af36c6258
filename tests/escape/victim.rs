//! Files of the host that are none of a stranger's business.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use rpmkit_tests::{Ran, World};

/// What nobody may see.
pub const SECRET: &str = "hunter2";

/// A file with a secret in it, and a place where a program that was run leaves a trace.
pub struct Victim {
    dir: PathBuf,
}

impl Victim {
    pub fn new(world: &World) -> Self {
        let victim = Self {
            dir: world.path("home"),
        };
        world.write("home/secret", SECRET);
        let file = fs::File::options()
            .write(true)
            .open(victim.secret())
            .unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        fs::set_permissions(victim.secret(), fs::Permissions::from_mode(0o600)).unwrap();
        victim
    }

    pub fn secret(&self) -> PathBuf {
        self.dir.join("secret")
    }

    /// A host path: what is run on the host makes a file there.
    pub fn trace(&self) -> PathBuf {
        self.dir.join("pwned")
    }

    /// A program that leaves its trace, and then is what it stands for.
    pub fn program(&self) -> String {
        format!("#!/bin/sh\ntouch {}\nexit 0\n", self.trace().display())
    }

    /// Nothing was read into what the run said or made below `made`, nothing changed, nothing run.
    #[track_caller]
    pub fn is_safe(&self, ran: &Ran, made: &Path) {
        assert!(!self.trace().exists(), "run on the host\n{}", ran.stderr);
        assert!(!ran.stderr.contains(SECRET) && !ran.stdout.contains(SECRET));
        assert_eq!(fs::read_to_string(self.secret()).unwrap(), SECRET);
        let data = fs::metadata(self.secret()).unwrap();
        assert_eq!((data.mode() & 0o777, data.mtime()), (0o600, 0));
        for entry in walkdir::WalkDir::new(made) {
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                let inner = unpacked(&bytes);
                let holds =
                    |text: &[u8]| text.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
                let found = holds(&bytes) || holds(&inner);
                assert!(!found, "the secret is in `{}`", entry.path().display());
            }
        }
    }
}

/// What the compressed streams in some bytes hold, and those in them: packages, and archives in packages.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    for at in 0..bytes.len().saturating_sub(3) {
        let mut inner = Vec::new();
        if bytes[at..].starts_with(&[0x1f, 0x8b, 8]) {
            // What is no stream after all holds nothing.
            let _ = flate2::read::GzDecoder::new(&bytes[at..]).read_to_end(&mut inner);
        } else if bytes[at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
            && let Ok(mut stream) = zstd::Decoder::new(&bytes[at..])
        {
            let _ = stream.read_to_end(&mut inner);
        }
        out.extend(unpacked(&inner));
        out.extend(inner);
    }
    out
}
