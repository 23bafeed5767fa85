//! The *node* group, too: is the process that looks what it seems to be?
//!
//! A library that is preloaded answers in the place of the system: what the clock says, what a file holds. In a namespace
//! that somebody made, the host's name and the user are what somebody made them. Neither is always wrong, for a container is
//! a namespace; so the policy says what blocks (`gate.block_on`), and whatever is found stands in verdict and record.

use super::facts::{Evidence, Namespace};
use crate::base::finding::{Code, Finding, Severity};
use crate::context::policy::{BlockOn, Policy};

/// Checks the evidence of the process against the policy.
pub fn check(policy: &Policy, evidence: &Evidence) -> Vec<Finding> {
    let findings = [
        check_libraries(policy, evidence),
        check_namespaces(policy, evidence),
    ];
    let findings = findings.into_iter().flatten();
    findings
        .map(|finding| policy.at_rule("gate.block_on", finding))
        .collect()
}

fn check_libraries(policy: &Policy, evidence: &Evidence) -> Option<Finding> {
    let blocks = policy.gate.block_on.contains(&BlockOn::Preload);
    let Some(preloaded) = &evidence.preloaded else {
        let message = "it cannot be told which libraries are in this process";
        return blocks.then(|| {
            Finding::block(Code::LibraryPreloaded, message)
                .hint("run the gate where /proc is mounted, or change gate.block_on in a review")
        });
    };
    if preloaded.is_empty() {
        return None;
    }
    let severity = if blocks {
        Severity::Block
    } else {
        Severity::Warn
    };
    let message =
        "somebody puts libraries into this process, and they can change everything that it sees";
    let finding = Finding::new(Code::LibraryPreloaded, severity, message);
    Some(finding.values("none", preloaded.join("; ")).hint(
        "find out who sets this, and run the gate without it; if the library belongs there, change gate.block_on in a review",
    ))
}

fn check_namespaces(policy: &Policy, evidence: &Evidence) -> Option<Finding> {
    let blocks = policy.gate.block_on.contains(&BlockOn::Namespace);
    let kinds = [
        ("user", evidence.user_namespace),
        ("UTS", evidence.uts_namespace),
    ];
    let suspicious = |namespace| match namespace {
        Namespace::First | Namespace::None => false,
        Namespace::Other => true,
        // What was not observed does not pass; where nobody asks for it, there is nothing to say.
        Namespace::Unknown => blocks,
    };
    let found: Vec<String> = kinds
        .iter()
        .filter(|(_, namespace)| suspicious(*namespace))
        .map(|(kind, namespace)| format!("{kind}: {}", namespace.as_str()))
        .collect();
    if found.is_empty() {
        return None;
    }
    let severity = if blocks {
        Severity::Block
    } else {
        Severity::Info
    };
    let message = "this process is in a namespace that somebody made, so the host's name or the user need not be the machine's";
    let finding = Finding::new(Code::HostInNamespace, severity, message);
    let finding = finding.values("the kernel's first namespaces", found.join(", "));
    Some(finding.hint(
        "run the gate outside of containers, or change gate.block_on in a review if containers sign here",
    ))
}
