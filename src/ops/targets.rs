//! Targets of Xcode projects, and which profile signs them: show, check, export.

mod document;
mod export;
mod show;

pub use self::document::{
    CheckDocument, CheckVerdict, Chosen, ShownArchive, ShownDiscarded, ShownProduct, ShownSetting,
    ShownTarget, TargetsDocument,
};
pub use self::export::{Export, ExportForm, ExportRequest, export};
pub use self::show::{check, show};
