//! Names of devices: the only place that knows which backends a build has.

use burn::tensor::{Device, Tensor};

use crate::ModelError;

/// The device that a name stands for: `flex`, the pure Rust CPU backend.
///
/// # Errors
/// Where the name is unknown, or the backend was not built in.
pub fn parse_device(name: &str) -> Result<Device, ModelError> {
    let error = |message: &str| Err(ModelError::Device { name: name.to_owned(), message: message.to_owned() });
    match name {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(not(feature = "flex"))]
        "flex" => error("this build has no flex backend: build with the feature flex"),
        _ => error("unknown; this build knows flex"),
    }
}

/// Whether a tensor lies where elements are best computed by our own loops: f32 on the pure Rust CPU backend.
#[cfg(feature = "flex")]
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.device().inner() == Device::flex() && x.dtype() == burn::tensor::DType::F32
}

/// Without that backend no tensor lies there.
#[cfg(not(feature = "flex"))]
pub(crate) fn on_cpu<const D: usize>(_: &Tensor<D>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_devices_are_errors() {
        assert!(parse_device("flex").is_ok());
        let message = parse_device("gpu").err().map(|error| error.to_string());
        assert_eq!(message.as_deref(), Some("device \"gpu\": unknown; this build knows flex"));
    }
}
