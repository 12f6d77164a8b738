//! Forked processes.

use std::{process, sync::OnceLock};

use pyo3::PyResult;

use crate::error::RereError;

/// Notes that this process computes.
///
/// # Errors
/// Returns an error if the process was forked from one that has computed: the threads of that process are missing here, and a
/// computation would wait for them forever.
pub fn enter() -> PyResult<()> {
    static FIRST: OnceLock<u32> = OnceLock::new();
    if *FIRST.get_or_init(process::id) == process::id() {
        return Ok(());
    }
    Err(RereError::new_err(
        "this process was forked after rere was used, so the threads that compute are missing: start processes with \"spawn\" or \
         \"forkserver\" (multiprocessing.get_context), or fork before rere is first used",
    ))
}
