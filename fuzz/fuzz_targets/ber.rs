//! Any bytes as BER: every element lies inside its parent and where it says, and its definite form reads back as the same
//! tree.
#![no_main]

use countersign::apple::ber::{BerError, Element, MAX_DEPTH, Reader, Tag};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes);
    loop {
        let element = match reader.next() {
            Ok(Some(element)) => element,
            Ok(None) => break assert!(reader.end("the file").is_ok()),
            Err(error) => break assert!(error.offset <= bytes.len(), "{error}"),
        };
        inspect(bytes, &element, 0);
        if element.walk().is_ok() {
            rewrite(&element);
        }
    }
});

/// Asks everything of an element and of what is inside it.
fn inspect(file: &[u8], element: &Element<'_>, depth: usize) {
    assert!(depth <= MAX_DEPTH);
    let end = element.offset + element.raw.len();
    assert_eq!(file.get(element.offset..end), Some(element.raw));
    assert!(element.raw.len() >= element.contents.len() + 2);
    for tag in [Tag::OCTET_STRING, Tag::BIT_STRING, Tag::UTF8_STRING] {
        if let Ok(joined) = element.string(tag, "a string") {
            assert!(joined.len() <= element.contents.len());
        }
    }
    let _ = (
        element.boolean(),
        element.integer(),
        element.integer_bytes(),
    );
    let _ = (element.text(), element.time());
    if let Ok(oid) = element.oid() {
        assert!(oid.to_string().starts_with(['0', '1', '2']), "{oid}");
    }
    let Ok(mut children) = element.reader() else {
        return;
    };
    let mut last = element.offset;
    while let Some(child) = match children.next() {
        Ok(child) => child,
        Err(error) => return assert!((last..=end).contains(&error.offset), "{error}"),
    } {
        assert!(child.offset >= last && child.offset + child.raw.len() <= end);
        last = child.offset + child.raw.len();
        inspect(file, &child, depth + 1);
    }
}

/// Writes a well-formed element in definite lengths, and reads that back.
fn rewrite(element: &Element<'_>) {
    // Only a constructed OCTET STRING has parts of a prescribed type; other trees always have a definite form.
    let Ok(definite) = element.to_definite(element.tag, usize::MAX) else {
        return;
    };
    let mut reader = Reader::new(&definite);
    let back = reader.any("an element").expect("what was written is read");
    reader.end("the element").expect("nothing else was written");
    assert!(same(element, &back).expect("both are well-formed"));
    assert!(back.is_definite().expect("well-formed"));
    assert_eq!(
        back.to_definite(back.tag, usize::MAX).expect("well-formed"),
        definite
    );
    assert_eq!(element.is_definite(), is_definite(element));
    if element.is_definite() == Ok(true) {
        assert!(definite.len() <= element.raw.len(), "lengths are minimal");
    }
}

/// The same question, answered the long way.
fn is_definite(element: &Element<'_>) -> Result<bool, BerError> {
    if element.raw.get(1) == Some(&0x80) || element.tag.0 == 0x24 {
        return Ok(false);
    }
    if element.tag.is_constructed() {
        let mut children = element.reader()?;
        while let Some(child) = children.next()? {
            if !is_definite(&child)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn same(one: &Element<'_>, other: &Element<'_>) -> Result<bool, BerError> {
    if let Ok(octets) = one.string(Tag::OCTET_STRING, "octets") {
        return Ok(other.tag == Tag::OCTET_STRING && other.contents == octets.as_ref());
    }
    if one.tag != other.tag {
        return Ok(false);
    }
    if !one.tag.is_constructed() {
        return Ok(one.contents == other.contents);
    }
    let (mut ours, mut theirs) = (one.reader()?, other.reader()?);
    loop {
        match (ours.next()?, theirs.next()?) {
            (None, None) => return Ok(true),
            (Some(a), Some(b)) if same(&a, &b)? => {}
            _ => return Ok(false),
        }
    }
}
