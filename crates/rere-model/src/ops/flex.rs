//! The values of tensors on burn's flex backend, for loops of our own.

use std::ops::Deref;

#[cfg(feature = "flex")]
use burn::backend::{BackendTensor, DispatchTensorKind, Flex, tensor::FloatTensor};
use burn::tensor::{Device, Tensor, TensorData};

/// The values of a tensor on flex, row by row. They are copied only if they lie in another order.
#[cfg(feature = "flex")]
pub(crate) struct Values(FloatTensor<Flex>);

#[cfg(feature = "flex")]
impl Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.0.as_slice().expect("checked: f32, in order")
    }
}

/// Returns the values of a tensor for which [`on_flex`](crate::device::on_flex) is true and which has no autodiff.
#[cfg(feature = "flex")]
pub(crate) fn values<const D: usize>(x: Tensor<D>) -> Values {
    match x.into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(x)) => {
            Values(if x.is_contiguous() { x } else { x.to_contiguous() })
        }
        _ => unreachable!("checked: f32 on flex"),
    }
}

/// Never called: without the feature, no tensor is on flex.
#[cfg(not(feature = "flex"))]
pub(crate) fn values<const D: usize>(x: Tensor<D>) -> impl Deref<Target = [f32]> {
    x.into_data().try_to_vec::<f32>().expect("checked: f32")
}

/// Creates a tensor with as many columns.
pub(crate) fn matrix(values: Vec<f32>, columns: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}
