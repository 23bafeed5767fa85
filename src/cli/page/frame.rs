//! The frame: what every page begins and ends with, as `templates/page.html` sees it.

/// What a page begins and ends with.
#[derive(Debug)]
pub(in crate::cli) struct Frame {
    /// What it is about.
    pub(in crate::cli) subject: String,
    /// What there is to say first, and the class of that.
    pub(in crate::cli) headline: String,
    pub(in crate::cli) class: &'static str,
    /// What comes after it.
    pub(in crate::cli) next: Option<String>,
    /// What was read: what each is, its name, and its digest.
    pub(in crate::cli) sources: Vec<(&'static str, String, String)>,
    /// The version of this program.
    pub(in crate::cli) version: &'static str,
}

/// The version of this program, for every page.
pub(in crate::cli) const VERSION: &str = env!("CARGO_PKG_VERSION");
