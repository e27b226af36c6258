//! See `tests/fuzz/src/targets.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(target) = rpmkit_fuzz::targets::find("gitattributes") {
        (target.run)(data);
    }
});
