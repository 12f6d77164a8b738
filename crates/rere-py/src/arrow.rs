//! Arrow tables, taken and given by the PyCapsule interface, so that texts are not copied.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchOptions, RecordBatchReader,
    cast::AsArray,
    ffi::FFI_ArrowSchema,
    ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader},
};
use arrow_json::ReaderBuilder;
use arrow_pyarrow::FromPyArrow;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyCapsule};
use rere::{Info, Triple, core::InText};
use rere_data::triple_type;
use serde::Serialize;

use crate::error::{OrRaise, RereError};

/// Name of the column that is added.
const TRIPLES: &str = "triples";

/// Names of columns.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Columns {
    text: String,
    id: Option<String>,
    /// Further columns of the result.
    keep: Vec<String>,
}

/// A table that was taken from another library.
pub struct Table<'a> {
    batches: Vec<RecordBatch>,
    columns: &'a Columns,
    /// Indices of the columns that the result has too.
    kept: Vec<usize>,
    schema: SchemaRef,
}

impl<'a> Table<'a> {
    /// Takes a table.
    pub fn read(data: &Bound<'_, PyAny>, columns: &'a Columns) -> PyResult<Self> {
        let (schema, batches) = read_batches(data)?;
        let index = |name: &String| {
            schema.index_of(name).map_err(|_| {
                let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                let hint = if Some(name) == columns.id.as_ref() { "; id=None for a table without ids" } else { "" };
                RereError::new_err(format!("expected a column {name:?}, found {}{hint}", names.join(", ")))
            })
        };
        index(&columns.text)?;
        let kept = columns.id.iter().chain(&columns.keep).map(index).collect::<PyResult<Vec<_>>>()?;
        let mut taken = vec![TRIPLES];
        for name in kept.iter().map(|&at| schema.field(at).name()) {
            if taken.contains(&name.as_str()) {
                return Err(RereError::new_err(format!(
                    "the column {name:?} cannot be kept: the result has one already"
                )));
            }
            taken.push(name);
        }
        if let Some(name) = columns
            .id
            .iter()
            .chain(&columns.keep)
            .chain([&columns.text])
            .find(|name| schema.fields().iter().filter(|field| field.name() == *name).count() > 1)
        {
            return Err(RereError::new_err(format!("expected one column {name:?}, found several")));
        }
        Ok(Self { batches, columns, kept, schema })
    }

    /// Returns the texts of all rows.
    pub fn texts(&self) -> PyResult<Vec<Option<&str>>> {
        let mut texts = Vec::new();
        for batch in &self.batches {
            let Some(column) = batch.column_by_name(&self.columns.text) else { continue };
            // What another library says of its strings is not trusted: offsets and UTF-8.
            column.to_data().validate_full().map_err(|error| {
                RereError::new_err(format!("the column {:?} is damaged: {error}", self.columns.text))
            })?;
            texts.extend(strings(column).ok_or_else(|| {
                let (name, found) = (&self.columns.text, column.data_type());
                RereError::new_err(format!("expected strings in the column {name:?}, found {found}"))
            })?);
        }
        Ok(texts)
    }

    /// Returns the kept columns and the triples of all rows.
    pub fn with_triples(
        &self,
        texts: &[Option<&str>],
        triples: &[Option<Vec<Triple>>],
        info: &Info,
    ) -> PyResult<ArrowTable> {
        let mut fields: Vec<Arc<Field>> = self.kept.iter().map(|&at| Arc::clone(&self.schema.fields()[at])).collect();
        let added = Arc::new(Field::new(TRIPLES, DataType::new_list(triple_type(), true), true));
        fields.push(Arc::clone(&added));
        let digest = info.digest.clone().map(|digest| ("rere.model".to_owned(), digest));
        let system =
            [("rere.system".to_owned(), info.system.clone()), ("rere.version".to_owned(), info.version.clone())];
        // Not the metadata of the input: those of pandas, for example, describe columns that are gone.
        let metadata: HashMap<_, _> = system.into_iter().chain(digest).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let mut rows = texts.iter().zip(triples);
        let mut batches = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            let mut columns: Vec<ArrayRef> = self.kept.iter().map(|&at| Arc::clone(batch.column(at))).collect();
            columns.push(triple_column(&added, rows.by_ref().take(batch.num_rows()))?);
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            batches.push(RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options).or_raise()?);
        }
        Ok(ArrowTable { schema, batches })
    }
}

/// Takes the batches of a table by its method `__arrow_c_stream__`, or a batch by `__arrow_c_array__`.
fn read_batches(data: &Bound<'_, PyAny>) -> PyResult<(SchemaRef, Vec<RecordBatch>)> {
    if data.hasattr("__arrow_c_stream__")? {
        let reader = RecordBatchStreamReader::from_pyarrow_bound(data).map_err(|error| not_a_table(data, &error))?;
        let schema = reader.schema();
        return Ok((schema, reader.collect::<Result<_, _>>().or_raise()?));
    }
    if data.hasattr("__arrow_c_array__")? {
        let batch = RecordBatch::from_pyarrow_bound(data).map_err(|error| not_a_table(data, &error))?;
        return Ok((batch.schema(), vec![batch]));
    }
    Err(not_a_table(data, &PyTypeError::new_err("it has no method __arrow_c_stream__ or __arrow_c_array__")))
}

fn not_a_table(data: &Bound<'_, PyAny>, error: &PyErr) -> PyErr {
    let found = data.get_type().fully_qualified_name().map_or_else(|_| String::new(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "expected a table with the Arrow PyCapsule interface, such as one of pyarrow, polars, or pandas 2.2 or later, found \
         {found}: {}",
        error.value(data.py())
    ))
}

/// Returns the strings of a column of any kind of strings; `None` if it has none.
fn strings(column: &ArrayRef) -> Option<Vec<Option<&str>>> {
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().iter().collect()),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().iter().collect()),
        DataType::Utf8View => Some(column.as_string_view().iter().collect()),
        DataType::Null => Some(vec![None; column.len()]),
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            let values = strings(dictionary.values())?;
            if values.is_empty() {
                // All rows are null then.
                return Some(vec![None; column.len()]);
            }
            let keys = dictionary.normalized_keys().into_iter().enumerate();
            Some(keys.map(|(row, key)| if column.is_null(row) { None } else { values[key] }).collect())
        }
        _ => None,
    }
}

/// Makes the column of triples.
fn triple_column<'a>(
    field: &Arc<Field>,
    rows: impl Iterator<Item = (&'a Option<&'a str>, &'a Option<Vec<Triple>>)>,
) -> PyResult<ArrayRef> {
    #[derive(Serialize)]
    struct Row<'a> {
        triples: Option<InText<'a, [Triple]>>,
    }
    let row = |(text, triples): (&Option<&'a str>, &'a Option<Vec<Triple>>)| Row {
        triples: triples.as_deref().zip(*text).map(|(triples, text)| InText::list(triples, text)),
    };
    let rows: Vec<Row<'_>> = rows.map(row).collect();
    let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(rows.len()).build_decoder().or_raise()?;
    decoder.serialize(&rows).or_raise()?;
    let batch = decoder.flush().or_raise()?.unwrap_or_else(|| RecordBatch::new_empty(schema));
    Ok(Arc::clone(batch.column(0)))
}

/// A table that other libraries take by its method `__arrow_c_stream__`.
#[pyclass(frozen, module = "rere")]
pub struct ArrowTable {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl ArrowTable {
    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// What the table says of its origin: system, version and digest of the model.
    #[getter]
    fn metadata(&self) -> HashMap<String, String> {
        self.schema.metadata().clone().into()
    }

    /// Number of rows.
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn __repr__(&self) -> String {
        format!("<rere.ArrowTable of {} rows: {}>", self.__len__(), self.column_names().join(", "))
    }

    /// Gives the schema.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        PyCapsule::new_with_value(py, FFI_ArrowSchema::try_from(&*self.schema).or_raise()?, c"arrow_schema")
    }

    /// Gives the rows. Another schema may be requested, but need not be honoured.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, Arc::clone(&self.schema))));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}
