//! Any text as a definition in both formats, loaded, expanded, looked over and viewed: nothing may panic,
//! hang or eat the machine. What can be loaded must also survive being written in our own format.
//!
//! `cargo run --release config -- corpus -max_len=4096 -timeout=10` here, or `cargo fuzz run config`. Good
//! seeds are the files of mock-core-configs and `configs/`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rpmkit_core::config::{HostFacts, LoadRequest, convert, lint, load};

fuzz_target!(|text: &str| {
    let Ok(dir) = tempfile::tempdir() else { return };
    for name in ["t.cfg", "t.toml"] {
        let file = dir.path().join(name);
        if std::fs::write(&file, text).is_err() {
            return;
        }
        let mut request = LoadRequest::mock(file.to_string_lossy(), HostFacts::default());
        request.configdir = Some(dir.path().to_owned());
        if let Ok(config) = load(&request) {
            let _ = config.expanded();
            let _ = config.settings();
            let _ = lint::check(&config);
            let _ = convert(&request);
        }
    }
});
