//! Names of devices. No other module knows which backends a build has.

#[cfg(any(feature = "tch", feature = "cuda", feature = "wgpu"))]
use burn::tensor::DeviceType;
use burn::tensor::{DType, Device, Tensor};

use crate::{ModelError, error::DeviceProblem};

/// Returns the device with the given name.
///
/// | name | backend | feature |
/// |---|---|---|
/// | `flex` | pure Rust on the CPU | `flex` |
/// | `libtorch` | LibTorch on the CPU | `tch` |
/// | `libtorch:cuda:0` | LibTorch on the first CUDA GPU; `libtorch:cuda:1` on the second | `tch` |
/// | `cuda:0` | burn's own kernels on the first CUDA GPU; `cuda:1` on the second | `cuda` |
/// | `wgpu` | burn's own kernels on a GPU, by Vulkan, Metal or DirectX 12 | `wgpu` |
///
/// If there are several devices for `wgpu`, it takes the fastest, or the one that the environment variable
/// `CUBECL_WGPU_DEFAULT_DEVICE` names, such as `IntegratedGpu(0)` or `Cpu`.
///
/// ```
/// use rere_model::{burn::tensor::Device, parse_device};
///
/// assert_eq!(parse_device("flex")?, Device::flex());
/// assert!(parse_device("gpu").is_err());
/// # Ok::<(), rere_model::ModelError>(())
/// ```
///
/// # Errors
/// Returns an error if the name is unknown, the backend is not part of this build, or the machine does not have the
/// device.
pub fn parse_device(name: &str) -> Result<Device, ModelError> {
    let number = |prefix: &str| name.strip_prefix(prefix).and_then(|number| number.parse::<usize>().ok());
    let device = match name {
        "flex" => flex(),
        "libtorch" => libtorch(None),
        "wgpu" => wgpu(),
        _ => match (number("libtorch:cuda:"), number("cuda:")) {
            (Some(number), _) => libtorch(Some(number)),
            (_, Some(number)) => cuda(number),
            _ => Err(DeviceProblem::Unknown),
        },
    };
    device.map_err(|problem| ModelError::Device { name: name.to_owned(), problem })
}

#[cfg(feature = "flex")]
fn flex() -> Result<Device, DeviceProblem> {
    Ok(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn flex() -> Result<Device, DeviceProblem> {
    Err(DeviceProblem::NotBuilt { feature: "flex" })
}

/// Returns LibTorch on the CPU, or on the CUDA GPU with this number.
#[cfg(feature = "tch")]
#[allow(deprecated)] // burn 0.22 deprecates LibTorch.
fn libtorch(cuda: Option<usize>) -> Result<Device, DeviceProblem> {
    let Some(index) = cuda else { return Ok(Device::libtorch()) };
    let device = Device::libtorch_cuda(index);
    if Device::enumerate(DeviceType::LibTorch).contains(&device) { Ok(device) } else { Err(DeviceProblem::Absent) }
}

#[cfg(not(feature = "tch"))]
fn libtorch(_: Option<usize>) -> Result<Device, DeviceProblem> {
    Err(DeviceProblem::NotBuilt { feature: "tch" })
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<Device, DeviceProblem> {
    let device = Device::cuda(index);
    if Device::enumerate(DeviceType::Cuda).contains(&device) { Ok(device) } else { Err(DeviceProblem::Absent) }
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Device, DeviceProblem> {
    Err(DeviceProblem::NotBuilt { feature: "cuda" })
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, DeviceProblem> {
    let none = Device::enumerate(DeviceType::Wgpu).iter().next().is_none();
    if none { Err(DeviceProblem::Absent) } else { Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)) }
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Device, DeviceProblem> {
    Err(DeviceProblem::NotBuilt { feature: "wgpu" })
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The pure Rust backend on the CPU.
    #[cfg_attr(not(feature = "flex"), allow(dead_code))]
    Flex,
    /// LibTorch on the CPU.
    #[cfg_attr(not(feature = "tch"), allow(dead_code))]
    LibTorchCpu,
    Gpu,
}

impl Kind {
    #[cfg_attr(not(any(feature = "flex", feature = "tch")), allow(unused_variables))]
    pub(crate) fn of(device: &Device) -> Self {
        #[cfg(feature = "flex")]
        if device.clone().inner() == Device::flex() {
            return Self::Flex;
        }
        #[cfg(feature = "tch")]
        #[allow(deprecated)]
        if device.clone().inner() == Device::libtorch() {
            return Self::LibTorchCpu;
        }
        Self::Gpu
    }
}

/// Returns whether a tensor is f32 on the pure Rust CPU backend, for which this crate has faster loops.
pub(crate) fn on_flex<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && Kind::of(&x.device()) == Kind::Flex
}

/// Returns whether a tensor is f32 and in the memory of the CPU, on any backend.
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && Kind::of(&x.device()) != Kind::Gpu
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str) -> Option<DeviceProblem> {
        match parse_device(name) {
            Err(ModelError::Device { problem, .. }) => Some(problem),
            _ => None,
        }
    }

    #[test]
    fn devices_that_do_not_exist_are_errors() {
        assert_eq!(problem("flex"), None);
        for name in [
            "gpu",
            "",
            "flex:0",
            "libtorch:cuda",
            "libtorch:0",
            "libtorch:cuda:",
            "libtorch:cuda:x",
            "libtorch:cuda:-1",
            "cuda",
            "cuda:",
            "cuda:x",
            "wgpu:0",
        ] {
            assert_eq!(problem(name), Some(DeviceProblem::Unknown), "{name:?}");
        }
        // The feature is missing, or the machine does not have that many GPUs.
        for (name, feature, built) in
            [("libtorch:cuda:77", "tch", cfg!(feature = "tch")), ("cuda:77", "cuda", cfg!(feature = "cuda"))]
        {
            let expected = if built { DeviceProblem::Absent } else { DeviceProblem::NotBuilt { feature } };
            assert_eq!(problem(name), Some(expected), "{name:?}");
        }
        assert_eq!(problem("libtorch").is_none(), cfg!(feature = "tch"));
        // With the feature, it depends on the machine.
        let is_built = problem("wgpu") != Some(DeviceProblem::NotBuilt { feature: "wgpu" });
        assert_eq!(is_built, cfg!(feature = "wgpu"));
        let message = parse_device("gpu").expect_err("no such device").to_string();
        assert!(message.starts_with("device \"gpu\": unknown; expected one of flex, "), "{message}");
    }
}
