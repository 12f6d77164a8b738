//! How sure a measured F1 is, and whether the difference between two is more than noise.
//!
//! All of it takes the [`Counts`](crate::Counts) of each sentence, as [`count`](crate::count()) gives them, and takes
//! sentences as the unit of chance: triples of one sentence are right or wrong together, sentences are not.
//!
//! Each round has a stream of random numbers of its own, so that results depend on the seed alone and not on the
//! number of threads. Drawing a sentence's index is no bottleneck: 10,000 rounds over 5,000 sentences are 50 million
//! draws, each one number of ChaCha8 and one addition of packed counts. Hence there is no shortcut here.

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
