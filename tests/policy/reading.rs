//! A policy file and what becomes of it.

use std::path::Path;

use countersign::base::finding::{Code, Finding, Severity};
use countersign::context::policy::Policy;

pub(crate) const FILE: &str = "/repo/manifests/signing.toml";

pub(crate) const HOME: &str = "/Users/ci";

pub(crate) fn parse(text: &str) -> Result<Policy, Vec<Finding>> {
    Policy::parse(text, Path::new(FILE), Some(Path::new(HOME)))
}

/// The findings of a policy that is a `version` line, and `rest` from line 2 on.
pub(crate) fn refusals(rest: &str) -> Vec<Finding> {
    let findings = parse(&format!("version = 1\n{rest}")).expect_err(rest);
    for finding in &findings {
        assert_eq!(finding.code, Code::PolicyInvalid, "{finding:?}");
        assert_eq!(finding.severity, Severity::Block, "{finding:?}");
        assert_eq!(finding.place.file.as_deref(), Some(FILE), "{finding:?}");
        assert!(finding.place.line.is_some(), "{finding:?}");
    }
    findings
}

/// The one finding of such a policy.
pub(crate) fn refusal(rest: &str) -> Finding {
    let findings = refusals(rest);
    assert_eq!(findings.len(), 1, "{rest}: {findings:#?}");
    findings.into_iter().next().unwrap()
}

/// Claims that `rest` has exactly one mistake: at this line and key path, saying this, hinting at that.
#[track_caller]
pub(crate) fn refused(rest: &str, line: u64, pointer: &str, says: &str, hints: &str) {
    let finding = refusal(rest);
    assert_eq!(finding.place.line, Some(line), "{finding:#?}");
    assert_eq!(
        finding.place.pointer.as_deref().unwrap_or_default(),
        pointer,
        "{finding:#?}"
    );
    assert!(finding.message.contains(says), "{finding:#?}");
    let hint = finding.hint.clone().unwrap_or_default();
    assert!(hint.contains(hints), "{finding:#?}");
}

pub(crate) fn accepted(rest: &str) -> Policy {
    parse(&format!("version = 1\n{rest}")).expect(rest)
}
