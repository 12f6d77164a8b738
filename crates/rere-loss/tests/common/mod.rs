//! What the tests of this crate share.

use burn::tensor::Device;

/// The device that the tests run on: the one that `RERE_DEVICE` names, `flex` where it is not set. So the same tests hold for every
/// backend that a build has.
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
