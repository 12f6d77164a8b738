//! Errors as Python exceptions.

use std::{error::Error, iter::successors};

use pyo3::{PyErr, PyResult, create_exception, exceptions::PyException};

create_exception!(rere, RereError, PyException, "An input, a file or a model that cannot be used.");

/// Makes an exception of an error and its causes, with the words of the command `rere`.
pub fn raise(error: &(dyn Error + 'static)) -> PyErr {
    let lines: Vec<String> = successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    RereError::new_err(lines.join("\n  caused by: "))
}

/// Results whose errors become exceptions.
pub trait OrRaise<T> {
    /// Converts the error, if it is one.
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: Error + 'static> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| raise(&error))
    }
}
