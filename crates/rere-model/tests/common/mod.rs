//! Shared by the tests of this crate.

use burn::tensor::Device;

/// Returns the device of the tests: the one that `RERE_DEVICE` names, or `flex`. So the tests run on every
/// backend.
pub fn device() -> Device {
    let name = std::env::var("RERE_DEVICE").unwrap_or("flex".to_owned());
    rere_model::parse_device(&name).expect("a device of this build")
}
