//! What the tests of this crate share.

use burn::tensor::Device;

/// The device that the tests run on: the one that `RERE_DEVICE` names, `flex` where it is not set. So the same tests hold for every
/// backend that a build has.
pub fn device() -> Device {
    let name = std::env::var("RERE_DEVICE").unwrap_or("flex".to_owned());
    rere_model::parse_device(&name).expect("a device of this build")
}
