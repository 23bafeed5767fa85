//! An audit log: no bytes make its verification panic, and of one that holds nothing can be taken, repeated or moved
//! unseen, with its own end at hand.
//!
//! An input may have sealed segments: the name of one stands on a line of its own before its lines, and an empty line ends
//! it. The rest is the file that is still written.
#![no_main]

use countersign::base::digest::Digest;
use countersign::ledger::audit::Chain;
use libfuzzer_sys::fuzz_target;

/// A sealed segment, or with no name the file that is still written.
#[derive(Clone)]
struct File<'a> {
    name: Option<&'a str>,
    lines: Vec<&'a [u8]>,
}

fn files(data: &[u8]) -> Vec<File<'_>> {
    let mut lines: Vec<&[u8]> = data
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"))
        .collect();
    let mut files = Vec::new();
    while let Some(end) = lines.iter().position(|line| line.is_empty()) {
        let rest = lines.split_off(end + 1);
        let name = lines
            .first()
            .and_then(|name| std::str::from_utf8(name).ok());
        files.push(File {
            name: Some(name.unwrap_or_default()),
            lines: lines.get(1..end).unwrap_or_default().to_vec(),
        });
        lines = rest;
    }
    files.push(File { name: None, lines });
    files
}

fuzz_target!(|data: &[u8]| {
    let files = files(data);
    let verify = |files: &[File<'_>], checkpoints: &[_]| {
        let mut chain = Chain::new(checkpoints);
        let mut shown = 0;
        for file in files {
            if let Some(name) = file.name {
                chain.enter(name);
            }
            shown += file.lines.iter().filter(|line| chain.feed(line)).count();
            if file.name.is_some() {
                let mut bytes = file.lines.join(&b'\n');
                bytes.push(b'\n');
                chain.leave(0, Some((bytes.len() as u64, Digest::of(&bytes))));
            }
        }
        (chain.finish(0), shown)
    };
    let (found, shown) = verify(&files, &[]);
    let count: usize = files.iter().map(|file| file.lines.len()).sum();
    assert!(shown <= count);
    assert_eq!(found.holds(), found.flaws.is_empty());
    if !found.holds() || count == 0 {
        return;
    }
    assert_eq!(shown, count);
    let head = [found.head];
    assert!(verify(&files, &head).0.holds());
    for number in 0..files.len() {
        let with = |change: &dyn Fn(&mut Vec<&[u8]>)| {
            let mut changed = files.clone();
            change(&mut changed[number].lines);
            verify(&changed, &head).0.holds()
        };
        for at in 0..files[number].lines.len() {
            assert!(!with(&|lines| drop(lines.drain(at..=at))));
            assert!(!with(&|lines| lines.insert(at, lines[at])));
            assert_eq!(with(&|lines| lines.rotate_left(at)), at == 0);
        }
        if files[number].name.is_some() {
            let mut fewer = files.clone();
            fewer.remove(number);
            assert!(!verify(&fewer, &head).0.holds());
            let mut moved = files.clone();
            moved.swap(number, number + 1);
            assert!(!verify(&moved, &head).0.holds());
        }
    }
});
