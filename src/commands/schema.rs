//! `hwgap schema`.

use crate::cli::{DocumentArg, SchemaArgs};
use crate::schema::Document;

use super::{Exit, Failure, print};

pub(super) fn schema(args: &SchemaArgs) -> Result<Exit, Failure> {
    let document = match args.document {
        DocumentArg::Report => Document::Report,
        DocumentArg::Compare => Document::Compare,
        DocumentArg::Fleet => Document::Fleet,
        DocumentArg::Preflight => Document::Preflight,
        DocumentArg::Live => Document::Live,
        DocumentArg::Host => Document::Host,
        DocumentArg::Explain => Document::Explain,
    };
    print(document.schema().as_bytes())
}
