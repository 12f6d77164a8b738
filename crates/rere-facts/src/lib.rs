//! Facts of a corpus: the triples of many sentences, joined to one row per fact.
mod collect;
mod error;
mod fact;
mod held_out;
mod judge;
mod write;

pub use collect::{CollectReport, CollectSettings, CorpusFacts, collect};
pub use error::FactsError;
pub use fact::{CorpusFact, FactEntity, FactStatus};
pub use held_out::{HeldOut, HeldOutResult, PrecisionAt};
pub use judge::{Judgements, Sample};
pub use write::{FactFormat, FactWriter, FactWriterOptions};
