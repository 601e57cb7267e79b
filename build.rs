//! Links the addon as Node needs it.

fn main() {
    // The feature `dyn-symbols` looks Node's functions up at run time, so MinGW needs no import library of them, which
    // napi-build would ask for.
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "windows") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    napi_build::setup();
}
