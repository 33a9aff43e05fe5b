//! `hwgap schema`.

use crate::cli::SchemaArgs;

use super::{Exit, Failure, print};

pub(super) fn schema(args: &SchemaArgs) -> Result<Exit, Failure> {
    print(args.document.schema().as_bytes())
}
