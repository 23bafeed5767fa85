//! Resolves and plans a generated project of N targets and reads a manifest of N profiles, and tells the CPU time of each:
//! what `scripts/bench-growth` compares.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a generated input that is not what it should be ends the measurement"
)]

#[path = "../tests/growth/project.rs"]
mod project;

use std::process::ExitCode;

use countersign::context::manifest::Manifest;

fn main() -> ExitCode {
    let Some(count) = std::env::args().nth(1).and_then(|count| count.parse().ok()) else {
        eprintln!("measure-growth: name the number of targets");
        return ExitCode::FAILURE;
    };
    let text = project::project_text(count);
    let bytes = project::manifest_bytes(count, 2);
    let sources = project::sources();
    let start = cpu_milliseconds();
    let manifest = Manifest::parse(&bytes).expect("the generated manifest is one");
    let parsed = cpu_milliseconds();
    let is_canonical = manifest.content().equals_bytes(&bytes);
    let compared = cpu_milliseconds();
    let targets = project::resolved(&text);
    let resolved = cpu_milliseconds();
    let plan = project::planned(&targets, &manifest, &sources);
    let planned = cpu_milliseconds();
    println!(
        "{{\"targets\": {count}, \"project_bytes\": {}, \"manifest_bytes\": {}, \"rows\": {}, \"findings\": {}, \
         \"canonical\": {is_canonical}, \"manifest_ms\": {:.2}, \"canonical_ms\": {:.2}, \"resolve_ms\": {:.2}, \
         \"plan_ms\": {:.2}}}",
        text.len(),
        bytes.len(),
        plan.rows.len(),
        plan.findings.len() + targets.findings.len(),
        parsed - start,
        compared - parsed,
        resolved - compared,
        planned - resolved,
    );
    ExitCode::SUCCESS
}

/// CPU time of this process so far.
fn cpu_milliseconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
