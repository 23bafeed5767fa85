//! An audit log: no bytes make its verification panic, and of one that holds nothing can be taken, repeated or moved
//! unseen, with its own end at hand.
#![no_main]

use countersign::ledger::audit::Chain;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lines: Vec<&[u8]> = data
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"))
        .collect();
    let verify = |lines: &[&[u8]], checkpoints: &[_]| {
        let mut chain = Chain::new(checkpoints);
        let shown = lines
            .iter()
            .filter(|line| chain.feed(line).is_some())
            .count();
        (chain.finish(0), shown)
    };
    let (found, shown) = verify(&lines, &[]);
    assert!(shown <= lines.len());
    assert_eq!(found.holds(), found.flaws.is_empty());
    if !found.holds() || lines.is_empty() {
        return;
    }
    assert_eq!(shown, lines.len());
    let head = [found.head];
    assert!(verify(&lines, &head).0.holds());
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        assert!(!verify(&fewer, &head).0.holds());
        let mut more = lines.clone();
        more.insert(at, lines[at]);
        assert!(!verify(&more, &head).0.holds());
        let mut moved = lines.clone();
        moved.rotate_left(at);
        assert_eq!(verify(&moved, &head).0.holds(), at == 0);
    }
});
