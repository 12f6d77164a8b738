//! Names of devices: the only place that knows which backends a build has.

#[cfg(any(feature = "tch", feature = "cuda", feature = "wgpu"))]
use burn::tensor::DeviceType;
use burn::tensor::{DType, Device, Tensor};

use crate::ModelError;

/// The device that a name stands for.
///
/// | name | backend | feature |
/// |---|---|---|
/// | `flex` | pure Rust on the CPU | `flex` |
/// | `libtorch` | LibTorch on the CPU | `tch` |
/// | `libtorch:cuda:0` | LibTorch on the first CUDA device, `libtorch:cuda:1` on the second | `tch` |
/// | `cuda:0` | burn's own kernels on the first CUDA device, `cuda:1` on the second | `cuda` |
/// | `wgpu` | burn's own kernels on a device of Vulkan, Metal or DirectX 12 | `wgpu` |
///
/// Where `wgpu` has several devices it takes the fastest, or the one that the environment variable
/// `CUBECL_WGPU_DEFAULT_DEVICE` names, such as `IntegratedGpu(0)` or `Cpu`.
///
/// # Errors
/// Where the name is unknown, the backend was not built in, or the machine does not have the device.
pub fn parse_device(name: &str) -> Result<Device, ModelError> {
    let error = |message: String| ModelError::Device { name: name.to_owned(), message };
    // The number of the card, where the rest of the name is this.
    let card = |rest: &str| name.strip_prefix(rest).and_then(|index| index.parse::<usize>().ok());
    let device = match name {
        "flex" => flex(),
        "libtorch" => libtorch(None),
        "wgpu" => wgpu(),
        _ => match (card("libtorch:cuda:"), card("cuda:")) {
            (Some(index), _) => libtorch(Some(index)),
            (_, Some(index)) => cuda(index),
            _ => return Err(error(format!("unknown; there are {NAMES}"))),
        },
    };
    device.map_err(|message| error(message.to_owned()))
}

const NAMES: &str = "flex, wgpu, libtorch, and, with the number of the card, libtorch:cuda:0 and cuda:0";

#[cfg(any(feature = "tch", feature = "cuda", feature = "wgpu"))]
const ABSENT: &str = "this machine has no such device, or its driver is not found";

#[cfg(feature = "flex")]
fn flex() -> Result<Device, &'static str> {
    Ok(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn flex() -> Result<Device, &'static str> {
    Err("not in this build: build with the feature flex")
}

/// LibTorch on the CPU, or on a CUDA device.
#[cfg(feature = "tch")]
#[allow(deprecated)] // Burn calls it so since 0.22, which is why burn is pinned.
fn libtorch(cuda: Option<usize>) -> Result<Device, &'static str> {
    let Some(index) = cuda else { return Ok(Device::libtorch()) };
    let device = Device::libtorch_cuda(index);
    if Device::enumerate(DeviceType::LibTorch).contains(&device) { Ok(device) } else { Err(ABSENT) }
}

#[cfg(not(feature = "tch"))]
fn libtorch(_: Option<usize>) -> Result<Device, &'static str> {
    Err("not in this build: build with the feature tch")
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<Device, &'static str> {
    let device = Device::cuda(index);
    if Device::enumerate(DeviceType::Cuda).contains(&device) { Ok(device) } else { Err(ABSENT) }
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Device, &'static str> {
    Err("not in this build: build with the feature cuda")
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, &'static str> {
    let none = Device::enumerate(DeviceType::Wgpu).iter().next().is_none();
    if none { Err(ABSENT) } else { Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)) }
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Device, &'static str> {
    Err("not in this build: build with the feature wgpu")
}

/// Whether a tensor lies where elements are best computed by our own loops: f32 on the pure Rust CPU backend.
#[cfg(feature = "flex")]
pub(crate) fn on_flex<const D: usize>(x: &Tensor<D>) -> bool {
    x.device().inner() == Device::flex() && x.dtype() == DType::F32
}

/// Without that backend no tensor lies there.
#[cfg(not(feature = "flex"))]
pub(crate) fn on_flex<const D: usize>(_: &Tensor<D>) -> bool {
    false
}

/// Whether a tensor is f32 and lies in the memory of the CPU, whichever backend computes with it.
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    #[cfg(feature = "tch")]
    #[allow(deprecated)]
    if x.device().inner() == Device::libtorch() {
        return x.dtype() == DType::F32;
    }
    on_flex(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> Option<String> {
        parse_device(name).err().map(|error| error.to_string())
    }

    #[test]
    fn devices_that_are_not_there_are_errors() {
        assert_eq!(message("flex"), None);
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
            assert_eq!(message(name), Some(format!("device {name:?}: unknown; there are {NAMES}")));
        }
        // Without the feature, and on a machine without so many cards.
        for (name, feature, built) in
            [("libtorch:cuda:77", "tch", cfg!(feature = "tch")), ("cuda:77", "cuda", cfg!(feature = "cuda"))]
        {
            let none = message(name).expect("no such device");
            let expected =
                if built { "has no such device".to_owned() } else { format!("build with the feature {feature}") };
            assert!(none.contains(&expected), "{none}");
        }
        assert_eq!(message("libtorch").is_none(), cfg!(feature = "tch"));
        // With the feature it depends on the machine.
        let wgpu = message("wgpu").unwrap_or_default();
        assert_eq!(wgpu.contains("build with the feature wgpu"), !cfg!(feature = "wgpu"), "{wgpu}");
    }
}
