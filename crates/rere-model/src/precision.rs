//! Weights in fewer bits.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, FloatDType, Tensor},
};

use crate::ModelError;

/// The numbers that a model computes with when it is not trained. Fewer bits are faster where a device has them in its matrix
/// products, as graphics cards and some processors do, and slower elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits, as in training.
    #[default]
    F32,
    /// 16 bits with the range of `F32`.
    Bf16,
    /// 16 bits with more digits and less range.
    F16,
}

impl Precision {
    /// The model with its weights in this precision; what it computes is in it too.
    ///
    /// # Errors
    /// Where the device does not compute with such numbers.
    pub fn cast<M: Module>(self, model: M, device: &Device) -> Result<M, ModelError> {
        let to = match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        };
        if !device.supports_dtype(to) {
            let message = "the device does not compute with such numbers: use f32".to_owned();
            return Err(ModelError::Precision { name: self.to_string(), message });
        }
        Ok(model.map(&mut Cast(to)))
    }
}

impl Display for Precision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}

impl FromStr for Precision {
    type Err = ModelError;

    /// From `f32`, `bf16` or `f16`.
    fn from_str(name: &str) -> Result<Self, ModelError> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            _ => Err(ModelError::Precision {
                name: name.to_owned(),
                message: "unknown; there are f32, bf16 and f16".to_owned(),
            }),
        }
    }
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(self.0))
    }
}
