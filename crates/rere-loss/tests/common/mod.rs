//! Shared by the tests of this crate.

use burn::tensor::Device;

/// Returns the device of the tests: the one that `RERE_DEVICE` names, or `flex`. So the same tests run on every
/// backend.
pub fn device() -> Device {
    let name = std::env::var("RERE_DEVICE").unwrap_or("flex".to_owned());
    match name.as_str() {
        "flex" => Device::flex(),
        #[cfg(feature = "tch")]
        #[allow(deprecated)]
        "libtorch" => Device::libtorch(),
        #[cfg(feature = "tch")]
        #[allow(deprecated)]
        "libtorch:cuda:0" => Device::libtorch_cuda(0),
        #[cfg(feature = "cuda")]
        "cuda:0" => Device::cuda(0),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        _ => panic!("{name} is not in this build"),
    }
}
