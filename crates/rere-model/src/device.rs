//! Names of devices: the only place that knows which backends a build has.

use burn::tensor::{DType, Device, Tensor};

use crate::ModelError;

/// The device that a name stands for.
///
/// | name | backend | feature |
/// |---|---|---|
/// | `flex` | pure Rust on the CPU | `flex` |
/// | `libtorch` | LibTorch on the CPU | `tch` |
/// | `libtorch:cuda:0` | LibTorch on the first CUDA device, `libtorch:cuda:1` on the second | `tch` |
///
/// # Errors
/// Where the name is unknown, the backend was not built in, or the machine does not have the device.
pub fn parse_device(name: &str) -> Result<Device, ModelError> {
    let error = |message: String| ModelError::Device { name: name.to_owned(), message };
    let device = match name {
        "flex" => flex(),
        "libtorch" => libtorch(None),
        _ => {
            let index = name.strip_prefix("libtorch:cuda:").and_then(|index| index.parse().ok());
            libtorch(Some(index.ok_or_else(|| error(format!("unknown; there are {NAMES}")))?))
        }
    };
    device.map_err(|message| error(message.to_owned()))
}

const NAMES: &str = "flex, libtorch and libtorch:cuda:0, with the number of the card";

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
    if Device::enumerate(burn::tensor::DeviceType::LibTorch).contains(&device) {
        Ok(device)
    } else {
        Err("this machine has no such device, or its driver is not found")
    }
}

#[cfg(not(feature = "tch"))]
fn libtorch(_: Option<usize>) -> Result<Device, &'static str> {
    Err("not in this build: build with the feature tch")
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
        ] {
            assert_eq!(message(name), Some(format!("device {name:?}: unknown; there are {NAMES}")));
        }
        // Without the feature, and on a machine without so many cards.
        let none = message("libtorch:cuda:77").expect("no such device");
        let expected = if cfg!(feature = "tch") { "has no such device" } else { "build with the feature tch" };
        assert!(none.contains(expected), "{none}");
        assert_eq!(message("libtorch").is_none(), cfg!(feature = "tch"));
    }
}
