//! Weights in fewer bits than in training.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, FloatDType, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::{ModelError, Pack, WeightType, device::Kind, error::PrecisionProblem};

/// The numbers that a model computes with outside of training.
///
/// bf16 and f16 are faster on devices with 16-bit matrix products, such as GPUs and some CPUs, and slower elsewhere. int8 is
/// faster on all CPUs of recent years.
///
/// ```
/// use rere_model::Precision;
///
/// assert_eq!("bf16".parse::<Precision>()?, Precision::Bf16);
/// assert_eq!(Precision::default().to_string(), "f32");
/// # Ok::<(), rere_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits, as in training.
    #[default]
    F32,
    /// 16 bits with the range of `F32`.
    Bf16,
    /// 16 bits with more digits and a smaller range.
    F16,
    /// Linear layers in 8 bits, everything else in f32, on the device `flex`: see [`Linear`](crate::Linear).
    Int8,
}

impl Precision {
    /// Converts the weights of a model to this precision. The model then computes in it, too, and cannot be trained or saved.
    /// On `flex`, linear layers are packed.
    ///
    /// # Errors
    /// Returns an error if the device does not support the precision.
    pub fn cast<M: Module + Pack>(self, model: M, device: &Device) -> Result<M, ModelError> {
        let can_pack = Kind::of(device) == Kind::Flex && !device.is_autodiff();
        let dtype = match self {
            Self::F32 if can_pack => return Ok(model.pack(WeightType::F32)),
            Self::Int8 if can_pack => return Ok(model.pack(WeightType::Int8)),
            Self::Int8 => {
                return Err(ModelError::Precision { name: self.to_string(), problem: PrecisionProblem::NotFlex });
            }
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

impl Precision {
    /// Returns the precisions that are faster than f32 on a device, fastest first.
    ///
    /// ```
    /// use rere_model::{Precision, burn::tensor::Device};
    ///
    /// assert_eq!(Precision::faster_on(&Device::flex()), [Precision::Int8]);
    /// ```
    pub fn faster_on(device: &Device) -> &'static [Self] {
        match Kind::of(device) {
            Kind::Flex => &[Self::Int8],
            Kind::LibTorchCpu if multiplies_bf16() => &[Self::Bf16],
            Kind::LibTorchCpu => &[],
            Kind::Gpu => &[Self::Bf16, Self::F16],
        }
    }
}

/// Returns whether the processor can multiply bf16.
fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl Display for Precision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = ModelError;

    /// Parses `f32`, `bf16`, `f16` or `int8`.
    fn from_str(name: &str) -> Result<Self, ModelError> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            "int8" => Ok(Self::Int8),
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
