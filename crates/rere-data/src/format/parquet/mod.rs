//! Parquet. Rows are converted to JSON objects with the fields of their columns, which are read. Written files have the
//! columns of the rere format, with other fields as JSON in the column `extra`.

#[cfg(feature = "parquet")]
mod file;

#[cfg(feature = "parquet")]
pub use file::triple_type;
#[cfg(feature = "parquet")]
pub(super) use file::{NewFile, Rows, unpack_extra};

use super::spec::{Content, Holds, Spec};

pub(super) const SPEC: Spec =
    Spec { name: "parquet", source: "Apache Parquet", content: Content::Parquet, holds: Holds::ALL };
