//! `rere export`

use std::path::PathBuf;

use rere::export_onnx;

use super::{CommandResult, log_line};
use crate::hub;

/// Options of `rere export`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Model of the system rere or prgc, with an encoder that has BERT's layers: a folder, or OWNER/NAME on the hub.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Folder to write: relation.onnx, entity.onnx, tokenizer.json and decoding.json.
    #[arg(long, value_name = "DIR")]
    onnx: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  Export a model, to use it in onnxruntime:
    rere export --model model --onnx model-onnx";

/// Writes a model in another form.
pub fn run(arguments: &Arguments) -> CommandResult {
    export_onnx(hub::model(&arguments.model)?, &arguments.onnx)?;
    log_line(format!("model: {}", arguments.onnx.display()));
    Ok(())
}
