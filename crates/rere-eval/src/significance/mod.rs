//! Intervals of F1, and tests whether the difference between two systems is more than noise.
//!
//! The functions take the [`Counts`](crate::Counts) of each sentence, as [`count`](crate::count()) returns them.
//! Sentences are the unit of chance, because the triples of one sentence are not independent of each other.
//!
//! Each round has its own stream of random numbers, so results depend on the seed and not on the number of threads.
//! Sentences are drawn one by one: 10,000 rounds over 5,000 sentences are 50 million draws, each one number of ChaCha8
//! and one addition of packed counts, which is fast enough.

mod bootstrap;
mod comparison;
mod error;
mod interval;
mod paired;
mod randomisation;
mod resample;
mod spread;

pub use bootstrap::{ScoreIntervals, bootstrap};
pub use comparison::{Comparison, Verdict, compare};
pub use error::SignificanceError;
pub use interval::Interval;
pub use paired::{PairedBootstrap, paired_bootstrap};
pub use randomisation::approximate_randomisation;
pub use spread::Spread;
