//! `signing.toml`: any text is read or refused with findings that point into it, and what was read answers any question.

#![no_main]

use std::path::Path;

use countersign::context::gate::node;
use countersign::context::policy::Policy;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (file, home) = (Path::new("manifests/signing.toml"), Path::new("/home/ci"));
    let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    match Policy::parse_bytes(data, file, Some(home)) {
        Err(findings) => {
            assert!(!findings.is_empty());
            for finding in findings {
                let line = finding.place.line.unwrap_or(1);
                assert!((1..=lines).contains(&line), "{finding:?}");
            }
        }
        Ok(policy) => {
            let host = "signer-01.acme.example".parse().expect("a host name");
            let region = "us-east".parse().expect("a region name");
            // Around New York's jumps of 2026, and the ends of time.
            let instants = [1_772_953_200, 1_793_512_800, 0]
                .map(|second| Timestamp::from_second(second).expect("in range"));
            for now in instants.into_iter().chain([Timestamp::MIN, Timestamp::MAX]) {
                let hours = &policy.keychain.allowed;
                let _ = node::check(&policy, &host, Some(&region), now);
                if let Some(closing) = hours.closes_at(now) {
                    assert!(hours.allows(now) && closing > now && !hours.allows(closing));
                }
                if let Some(opening) = hours.next_opening(now) {
                    assert!(opening.timestamp() > now && hours.allows(opening.timestamp()));
                }
            }
        }
    }
});
