//! Rows of systems, trained and scored on data sets, from one settings file.
//!
//! | file | has |
//! |---|---|
//! | `arguments.rs` | the command line of both examples |
//! | `settings.rs` | the settings file: data sets, rows and what they share |
//! | `data.rs` | the sentences of a data set |
//! | `store.rs` | the folder of trained systems: what is there is not trained again |
//! | `results.rs` | how results are written |
//! | `error.rs` | errors |

mod arguments;
mod data;
mod error;
mod results;
mod settings;
mod store;

pub use arguments::{Arguments, run_and_report};
pub use data::Data;
pub use error::{ExperimentError, chain};
pub use results::{log_line, markdown_table, with_deviation};
pub use settings::{DataSet, KbFiles, Row, Settings};
pub use store::{Cell, Store, show_progress};
