//! A checked number in [0, 1].

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number in \[0, 1\]: a score, a threshold or a class prior. Never NaN, so it has a total order.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Probability(f32);

/// A number outside \[0, 1\] where a probability is wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0} is not a probability: a number from 0 to 1 is wanted")]
pub struct ProbabilityError(pub f32);

impl Probability {
    /// 0: impossible.
    pub const ZERO: Self = Self(0.0);
    /// 1: certain.
    pub const ONE: Self = Self(1.0);

    /// The value as a probability.
    ///
    /// # Errors
    /// Where `value` is not in \[0, 1\]; NaN is not.
    pub fn new(value: f32) -> Result<Self, ProbabilityError> {
        // Adding 0 turns -0 into 0, so that equality and order agree.
        if (0.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(ProbabilityError(value)) }
    }

    /// The nearest probability to `value`; 0 for NaN. For scores that a decoder adds up and that may pass 1.
    pub fn saturating(value: f32) -> Self {
        if value.is_nan() { Self(0.0) } else { Self(value.clamp(0.0, 1.0) + 0.0) }
    }

    /// The number itself.
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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = text.parse::<f32>().map_err(|error| format!("{text:?} is not a number: {error}"))?;
        Self::new(value).map_err(|error| error.to_string())
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
        assert!("1.5".parse::<Probability>().is_err());
        assert!("x".parse::<Probability>().is_err());
    }

    #[test]
    fn negative_zero_is_zero() {
        let zero = Probability::new(-0.0).expect("zero");
        assert_eq!(zero.cmp(&Probability::new(0.0).expect("zero")), std::cmp::Ordering::Equal);
    }
}
