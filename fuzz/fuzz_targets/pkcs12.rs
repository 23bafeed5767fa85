//! Whatever a `.p12` file holds: no panic, no unbounded work, and what was opened converts and reads back the same.
//!
//! Most inputs die at their MAC; files without one (`openssl pkcs12 -export -nomac -keypbe NONE -certpbe NONE`) are the
//! seeds that reach the bags.
#![no_main]

use std::collections::BTreeSet;

use countersign::apple::pkcs12::algorithms::Algorithms;
use countersign::apple::pkcs12::diagnosis::why_import_failed;
use countersign::apple::pkcs12::{Form, Pkcs12, Pkcs12Identity, read};
use countersign::base::secret::Password;
use libfuzzer_sys::fuzz_target;

/// More than this is legal, but a fuzzer that derives keys finds nothing.
const CHEAP: u64 = 10_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(algorithms) = Algorithms::read(bytes) else {
        return;
    };
    assert!(!algorithms.to_string().is_empty());
    let iterations = algorithms.mac.iter().map(|mac| mac.iterations);
    let iterations = iterations.chain(algorithms.encryption.iter().map(|part| part.iterations));
    if iterations.sum::<u64>() > CHEAP {
        return;
    }
    let password = Password::new("fuzz".to_owned());
    assert!(
        !why_import_failed(bytes, &password, 15)
            .to_string()
            .is_empty()
    );
    let Ok(contents) = read(bytes, &password) else {
        return;
    };
    assert_eq!(contents.algorithms, algorithms);
    let names = |contents: &Pkcs12| -> BTreeSet<_> {
        contents
            .identities
            .iter()
            .map(Pkcs12Identity::sha256)
            .collect()
    };
    assert_eq!(names(&contents).len(), contents.identities.len());
    if let Ok(converted) = contents.convert(&password, Form::EveryMac) {
        let back = read(&converted, &password).expect("what was written is read");
        assert_eq!(names(&back), names(&contents));
    }
});
