//! The *policy* group: is there a policy, is it the one that was reviewed, and does it allow what is waived?

use std::path::Path;

use super::asked::{Asked, Purpose};
use crate::base::finding::{Code, Finding, Group};
use crate::base::remedy::Remedy;
use crate::context::digest_mismatch::{OF_FILE, is_expected, mismatch};
use crate::context::policy::Policy;

/// What is said where no policy lies at `looked_for`: by what rules should anything be judged?
pub fn missing(looked_for: &Path, purpose: Purpose) -> Finding {
    let finding = absent(purpose);
    finding.expected(looked_for.display()).in_file(looked_for)
}

fn absent(purpose: Purpose) -> Finding {
    let (message, hint) = match purpose {
        Purpose::Verdict => (
            "there is no policy, so nothing says who may sign, where and when",
            "write one, or name it; docs/policy.md explains every key",
        ),
        Purpose::Run => (
            "there is no policy, so the keychain stays closed",
            "write one, or name it; a run cannot do without it",
        ),
    };
    let finding = Finding::block(Code::PolicyMissing, message).hint(hint);
    finding.remedy(Remedy::SetUp)
}

/// Whether a verdict may do without a policy: if nobody wants more than the verdict, and somebody waived the policy by name.
pub fn is_waived(asked: &Asked) -> bool {
    asked.purpose == Purpose::Verdict && asked.waived.contains(&Group::Policy)
}

/// Judges the policy itself, and what is waived by it.
pub fn check(policy: &Policy, asked: &Asked) -> Vec<Finding> {
    let mut findings = Vec::new();
    match policy.digest() {
        None if is_waived(asked) => findings.push(
            Finding::warn(
                Code::PolicyMissing,
                "there is no policy: any host may sign at any hour, so this verdict opens no keychain and hands nothing on",
            )
            .hint("write a policy; docs/policy.md explains every key")
            .remedy(Remedy::SetUp),
        ),
        None => findings.push(absent(asked.purpose)),
        Some(_) if asked.waived.contains(&Group::Policy) => findings.push(
            Finding::block(
                Code::WaiverNotAllowed,
                "there is a policy, and nothing switches it off",
            )
            .found(Group::Policy)
            .hint("do not waive the policy"),
        ),
        Some(_) => {}
    }
    if let Some(digest) = &asked.policy
        && !is_expected(digest.expected(), Some(digest.found()))
    {
        let finding = mismatch(
            Code::PolicyDigestMismatch,
            "the policy is not the one that was expected",
            digest.expected(),
            digest.found(),
            (
                "check out the commit of the expected digest, or review this policy and expect its digest",
                Some(Remedy::ShowPolicyDigest),
            ),
            OF_FILE,
        );
        findings.push(match policy.file() {
            Some(file) => finding.in_file(file),
            None => finding,
        });
    }
    findings.extend(check_waivers(policy, asked));
    findings
}

/// Every group that is waived and may not be.
fn check_waivers(policy: &Policy, asked: &Asked) -> Vec<Finding> {
    let (allowed, key, what) = match asked.purpose {
        Purpose::Verdict => (&policy.gate.waivable, "gate.waivable", "a verdict"),
        Purpose::Run => (&policy.gate.run_waivable, "gate.run_waivable", "a run"),
    };
    let shown: Vec<&str> = allowed.iter().map(|group| group.as_str()).collect();
    let shown = match shown.is_empty() {
        true => "none".to_owned(),
        false => shown.join(", "),
    };
    let refused = asked.waived.iter().filter(|group| {
        // Whether there is a policy at all is no matter of its keys.
        **group != Group::Policy && !allowed.contains(group)
    });
    refused
        .map(|group| {
            let finding = Finding::block(
                Code::WaiverNotAllowed,
                format!("the policy does not allow to waive the {group} for {what}"),
            );
            let finding = finding.values(&shown, group).hint(format!(
                "let the {group} be judged, or add them to {key} in a review"
            ));
            policy.at_rule(key, finding)
        })
        .collect()
}
