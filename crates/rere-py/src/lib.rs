//! The native module of the Python package `rere`.
//!
//! It takes and returns plain values: strings, Arrow tables, and JSON of the rere format. The package in `python/rere` makes
//! dataclasses of them, and is what users see.

mod arrow;
mod corpus;
mod error;
mod extractor;
mod facts;
mod process;
mod scores;
mod train;

use pyo3::prelude::*;

#[pymodule]
fn _rere(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("RereError", module.py().get_type::<error::RereError>())?;
    module.add_class::<arrow::ArrowTable>()?;
    module.add_class::<extractor::Model>()?;
    module.add_class::<extractor::Aligner>()?;
    module.add_function(wrap_pyfunction!(corpus::read, module)?)?;
    module.add_function(wrap_pyfunction!(corpus::write, module)?)?;
    module.add_function(wrap_pyfunction!(scores::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(scores::compare, module)?)?;
    module.add_function(wrap_pyfunction!(facts::facts, module)?)?;
    module.add_function(wrap_pyfunction!(train::corpus_files, module)?)?;
    module.add_function(wrap_pyfunction!(train::train, module)?)?;
    Ok(())
}
