//! Loops that use the widest vectors of the processor at hand.

/// Runs a loop compiled for AVX-512, AVX2, Neon or none of them, whichever is the best that the processor has. The closure
/// and everything that it calls must be `#[inline(always)]`, or it is compiled for the oldest processor.
#[inline(always)]
pub(crate) fn vectorised<R>(run: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(run)
}

/// Rounds to the nearest whole number, which must be smaller than 2^22, without a call: adding 1.5 * 2^23 leaves no bits for
/// a fraction. `f32::floor` is a call on older processors.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// Computes `e^x` for `x` up to 88. Below -86 the result is about 1e-38.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // e^x = 2^(whole + part): the whole part, which is in the lowest bits of `shifted`, becomes
    // the exponent bits, and a polynomial computes 2^part.
    let power = (x * std::f32::consts::LOG2_E).max(-125.0);
    let shifted = power + ROUND;
    let part = (power - (shifted - ROUND)) * std::f32::consts::LN_2;
    let fraction = polynomial(part, [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0]);
    f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23)) * fraction
}

/// Evaluates a polynomial by Horner's rule, highest power first.
#[inline(always)]
pub(crate) fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    coefficients.into_iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_equals_that_of_the_standard_library() {
        for i in -8600..=8800 {
            let x = i as f32 / 100.0;
            let (ours, theirs) = (exp(x), x.exp());
            // The rounding of `x * LOG2_E` grows with x.
            assert!((ours - theirs).abs() <= 2e-7 * (1.0 + x.abs()) * theirs, "exp({x}) is {ours}, not {theirs}");
        }
        assert!(exp(-1e6) < 1e-37);
    }
}
