//! Any text as a definition in both formats, loaded, expanded and viewed. `cargo fuzz run config`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rpmkit_core::config::{Host, LoadRequest, load};

fuzz_target!(|text: &str| {
    let Ok(dir) = tempfile::tempdir() else { return };
    for name in ["t.cfg", "t.toml"] {
        let file = dir.path().join(name);
        if std::fs::write(&file, text).is_err() {
            return;
        }
        let mut request = LoadRequest::mock(file.to_string_lossy(), Host::default());
        request.configdir = Some(dir.path().to_owned());
        if let Ok(config) = load(&request) {
            let _ = config.expanded();
            let _ = config.settings();
        }
    }
});
