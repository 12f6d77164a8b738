//! Numbers from 0 to 1.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number from 0 to 1: a score, a threshold or a class prior. It is never NaN, so it has a total order.
///
/// ```
/// use rere_core::{ParseProbabilityError, Probability, ProbabilityError};
///
/// let half: Probability = "0.5".parse()?;
/// assert_eq!(half, Probability::new(0.5)?);
/// assert!(half < Probability::ONE);
/// assert_eq!("1.5".parse::<Probability>(), Err(ParseProbabilityError::OutOfRange(ProbabilityError(1.5))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Probability(f32);

/// Error of a number that is not a [`Probability`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("expected a number from 0 to 1, found {0}")]
pub struct ProbabilityError(pub f32);

/// Error of a text that is not a [`Probability`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseProbabilityError {
    /// The text is not a number.
    #[error("expected a number from 0 to 1, found {0:?}")]
    NotANumber(String),
    /// The number is not a probability.
    #[error(transparent)]
    OutOfRange(#[from] ProbabilityError),
}

impl Probability {
    /// 0, impossible.
    pub const ZERO: Self = Self(0.0);
    /// 1, certain.
    pub const ONE: Self = Self(1.0);

    /// Creates a probability from a number.
    ///
    /// # Errors
    /// Returns an error if `value` is below 0, above 1 or NaN.
    pub fn new(value: f32) -> Result<Self, ProbabilityError> {
        // Adding 0 turns -0 into 0, so that equality and order agree.
        if (0.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(ProbabilityError(value)) }
    }

    /// Returns the probability nearest to `value`; 0 for NaN. Use it for sums of scores, which may exceed 1.
    pub fn saturating(value: f32) -> Self {
        if value.is_nan() { Self(0.0) } else { Self(value.clamp(0.0, 1.0) + 0.0) }
    }

    /// Returns the number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

// Sound because a `Probability` is never NaN.
impl Eq for Probability {}

impl Ord for Probability {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Probability {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<f32> for Probability {
    type Error = ProbabilityError;

    fn try_from(value: f32) -> Result<Self, ProbabilityError> {
        Self::new(value)
    }
}

impl From<Probability> for f32 {
    fn from(probability: Probability) -> f32 {
        probability.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Probability {
    type Err = ParseProbabilityError;

    fn from_str(text: &str) -> Result<Self, ParseProbabilityError> {
        let value = text.parse::<f32>().map_err(|_| ParseProbabilityError::NotANumber(text.to_owned()))?;
        Ok(Self::new(value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zero_to_one() {
        for good in [0.0, 0.5, 1.0, f32::MIN_POSITIVE] {
            assert_eq!(Probability::new(good).map(Probability::get), Ok(good));
        }
        for bad in [-f32::EPSILON, 1.0 + f32::EPSILON, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(Probability::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Probability::saturating(f32::NAN).get(), 0.0);
        assert_eq!(Probability::saturating(7.0).get(), 1.0);
        assert_eq!(Probability::saturating(-7.0).get(), 0.0);
        assert_eq!("x".parse::<Probability>(), Err(ParseProbabilityError::NotANumber("x".to_owned())));
    }

    #[test]
    fn negative_zero_is_zero() {
        let zero = Probability::new(-0.0).expect("zero");
        assert_eq!(zero.cmp(&Probability::new(0.0).expect("zero")), std::cmp::Ordering::Equal);
    }
}
