//! Weights in 16 bits.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, FloatDType, Tensor},
};

use crate::{ModelError, error::PrecisionProblem};

/// The floating-point type of a model outside of training.
///
/// bf16 and f16 are faster on devices with 16-bit matrix products, such as GPUs and some CPUs, and slower elsewhere.
///
/// ```
/// use rere_model::Precision;
///
/// assert_eq!("bf16".parse::<Precision>()?, Precision::Bf16);
/// assert_eq!(Precision::default().to_string(), "f32");
/// # Ok::<(), rere_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits, as in training.
    #[default]
    F32,
    /// 16 bits with the range of `F32`.
    Bf16,
    /// 16 bits with more digits and a smaller range.
    F16,
}

impl Precision {
    /// Converts the weights of a model to this precision. The model then computes in it, too.
    ///
    /// # Errors
    /// Returns an error if the device does not support the precision.
    pub fn cast<M: Module>(self, model: M, device: &Device) -> Result<M, ModelError> {
        let dtype = match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        };
        if !device.supports_dtype(dtype) {
            return Err(ModelError::Precision { name: self.to_string(), problem: PrecisionProblem::Device });
        }
        Ok(model.map(&mut Cast(dtype)))
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

    /// Parses `f32`, `bf16` or `f16`.
    fn from_str(name: &str) -> Result<Self, ModelError> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            _ => Err(ModelError::Precision { name: name.to_owned(), problem: PrecisionProblem::Unknown }),
        }
    }
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(self.0))
    }
}
