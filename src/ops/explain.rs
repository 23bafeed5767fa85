//! What a code means: the section of `docs/findings.md` or `docs/errors.md`, which the program carries with it.
//!
//! A machine that fails at night often has no browser, and its checkout no documentation. The text is that of the files, so
//! that it is written once.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::ErrorCode;
use crate::base::finding::Code;
use crate::base::remedy::Remedy;
use crate::context::suggestion::suggestion;
use crate::ops::error::{Error, Failure};
use crate::ops::report::Report;

const FINDINGS: &str = include_str!("../../docs/findings.md");
const ERRORS: &str = include_str!("../../docs/errors.md");

/// The `countersign.explain.v1` document: what a code means.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainDocument {
    /// Always `countersign.explain.v1`.
    #[schemars(extend("const" = "countersign.explain.v1"))]
    pub schema: &'static str,
    /// The code.
    pub code: &'static str,
    /// What it is the code of.
    pub of: ExplainedKind,
    /// Where the documentation has it: file and heading.
    pub page: String,
    /// What it means, what it breaks and what to do, in Markdown.
    pub text: &'static str,
}

impl Report for ExplainDocument {}

/// The `countersign.codes.v1` document: every code, in the order of reports, those of errors last.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CodesDocument {
    /// Always `countersign.codes.v1`.
    #[schemars(extend("const" = "countersign.codes.v1"))]
    pub schema: &'static str,
    /// The codes.
    pub codes: Vec<ListedCode>,
}

impl Report for CodesDocument {}

/// A code in the list of all.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedCode {
    /// The code.
    pub code: &'static str,
    /// What it is the code of.
    pub of: ExplainedKind,
    /// The group that it belongs to; `error` for errors.
    pub group: &'static str,
    /// Where the documentation has it: file and heading.
    pub page: String,
}

/// What has a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExplainedKind {
    /// Something that was looked at is not right.
    Finding,
    /// We could not look.
    Error,
}

/// What the code means.
///
/// # Errors
/// There is no such code; the error names the one that was probably meant.
pub fn explain(code: &str) -> Result<ExplainDocument, Failure> {
    let of_findings = Code::ALL
        .iter()
        .map(|code| (code.as_str(), ExplainedKind::Finding));
    let of_errors = ErrorCode::ALL
        .iter()
        .map(|code| (code.as_str(), ExplainedKind::Error));
    let all = || of_findings.clone().chain(of_errors.clone());
    let named = code.trim().to_ascii_lowercase();
    let known = all().find(|(known, _)| *known == named);
    let Some((code, of)) = known else {
        let meant = suggestion(&named, all().map(|(known, _)| known));
        let hint = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "name a code as a report prints it, such as profile-missing".to_owned(),
        };
        let message = format!("there is no code {code:?}");
        return Err(Error::new(ErrorCode::Usage, message)
            .hint(hint)
            .remedy(Remedy::ListCodes)
            .into());
    };
    let text = match of {
        ExplainedKind::Finding => FINDINGS,
        ExplainedKind::Error => ERRORS,
    };
    Ok(ExplainDocument {
        schema: "countersign.explain.v1",
        code,
        of,
        page: page(of, code),
        text: section(text, code).unwrap_or_default(),
    })
}

/// Every code.
pub fn codes() -> CodesDocument {
    let listed = |of, group, code| ListedCode {
        code,
        of,
        group,
        page: page(of, code),
    };
    let of_findings = Code::ALL.iter().map(|code| {
        let group = code.group().as_str();
        listed(ExplainedKind::Finding, group, code.as_str())
    });
    let of_errors = ErrorCode::ALL
        .iter()
        .map(|code| listed(ExplainedKind::Error, "error", code.as_str()));
    CodesDocument {
        schema: "countersign.codes.v1",
        codes: of_findings.chain(of_errors).collect(),
    }
}

/// Where the documentation has a code: file and heading.
fn page(of: ExplainedKind, code: &str) -> String {
    let file = match of {
        ExplainedKind::Finding => "findings",
        ExplainedKind::Error => "errors",
    };
    format!("docs/{file}.md#{code}")
}

/// What stands below the heading.
fn section<'t>(text: &'t str, heading: &str) -> Option<&'t str> {
    let (_, below) = text.split_once(&format!("\n### {heading}\n"))?;
    let end = below.find("\n##").unwrap_or(below.len());
    below.get(..end).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        for ListedCode { code, page, .. } in codes().codes {
            let document = explain(code).unwrap();
            assert!(document.text.len() > 40, "{code}: {}", document.text);
            assert!(!document.text.contains("\n#"), "{code}");
            assert_eq!(document.page, page);
        }
        assert_eq!(
            explain("profile-missing").unwrap().page,
            "docs/findings.md#profile-missing"
        );
        assert_eq!(explain("file-missing").unwrap().of, ExplainedKind::Error);
        assert_eq!(explain("Profile-Missing").unwrap().code, "profile-missing");
    }

    #[test]
    fn a_slip_of_the_finger_gets_the_code_that_was_meant() {
        let hint = |code| match explain(code) {
            Err(Failure::Error(error)) => error.advice().0.unwrap_or_default().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(hint("profile-mising"), "did you mean profile-missing?");
        assert!(hint("nonsense").contains("as a report prints it"));
    }
}
