//! Damage to DER: one element of a tree written in another way.

use forge::ber::{Body, Element, unended};
use forge::der;

/// Other algorithms than the one that stands there.
const ALGORITHMS: &[&str] = &[
    "1.3.14.3.2.26",
    "1.2.840.113549.2.5",
    "2.16.840.1.101.3.4.2.1",
    "2.16.840.1.101.3.4.2.3",
    "1.2.840.113549.1.1.1",
    "1.2.840.113549.1.1.5",
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.13",
    "1.2.840.113549.1.1.10",
    "1.2.840.10045.2.1",
    "1.2.840.10045.4.1",
    "1.2.840.10045.4.3.2",
    "1.2.840.10045.4.3.4",
];

/// Other types than the one that stands there.
const TYPES: &[&str] = &[
    "1.2.840.113549.1.7.1",
    "1.2.840.113549.1.9.4",
    "2.5.29.19",
    "1.2.3.4",
];

/// One element written wrongly, or oddly: what was done, and the bytes.
pub(crate) type Damage = (String, Vec<u8>);

/// Every damage to an element.
pub(crate) fn damages(element: &Element) -> Vec<Damage> {
    let whole = element.to_der();
    let with_tag = |flip: u8| [&[whole[0] ^ flip], &whole[1..]].concat();
    let mut found = vec![
        ("left out", Vec::new()),
        ("twice", [whole.clone(), whole.clone()].concat()),
        ("a NULL instead", der::null()),
        ("an INTEGER instead", der::integer(7)),
        ("a NULL behind", [whole.clone(), der::null()].concat()),
        ("a NULL before", [der::null(), whole.clone()].concat()),
        ("a long length", with_long_length(element)),
        ("of another class", with_tag(0x40)),
        ("constructed or not", with_tag(0x20)),
    ];
    match &element.body {
        Body::Constructed(children) => found.extend(in_constructed(element, children)),
        Body::Primitive(contents) => found.extend(in_primitive(element, contents)),
    }
    let mut named: Vec<Damage> = found
        .into_iter()
        .map(|(what, bytes)| (what.to_owned(), bytes))
        .collect();
    if element.tag == 0x06 {
        let is_algorithm = ALGORITHMS.iter().any(|oid| der::oid(oid) == whole);
        let algorithms = ALGORITHMS.iter().filter(|_| is_algorithm);
        let others = algorithms.chain(TYPES).filter(|oid| der::oid(oid) != whole);
        named.extend(others.map(|oid| (format!("{oid} instead"), der::oid(oid))));
    }
    named
}

fn contents(children: &[Element]) -> Vec<u8> {
    children.iter().flat_map(Element::to_der).collect()
}

/// An element with its length in more octets than it needs.
fn with_long_length(element: &Element) -> Vec<u8> {
    let contents = match &element.body {
        Body::Constructed(children) => contents(children),
        Body::Primitive(contents) => contents.clone(),
    };
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    [&[element.tag, 0x84], &length[..], &contents].concat()
}

fn in_constructed(element: &Element, children: &[Element]) -> Vec<(&'static str, Vec<u8>)> {
    let whole = contents(children);
    let with = |more: Vec<u8>| der::tlv(element.tag, [whole.clone(), more].concat());
    let mut found = vec![
        (
            "of an indefinite length",
            unended(element.tag, whole.clone()),
        ),
        ("empty", der::tlv(element.tag, [])),
        ("an INTEGER inside", with(der::integer(7))),
        ("a padded INTEGER inside", with(vec![2, 2, 0, 7])),
    ];
    if children.len() > 1 {
        let mut swapped = children.to_vec();
        swapped.swap(0, 1);
        found.push((
            "the first two swapped",
            der::tlv(element.tag, contents(&swapped)),
        ));
    }
    found
}

fn in_primitive(element: &Element, contents: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let before = |byte: u8| der::tlv(element.tag, [&[byte], contents].concat());
    let mut found = vec![
        ("empty", der::tlv(element.tag, [])),
        ("a zero before", before(0)),
        ("0x80 before", before(0x80)),
        ("0xff before", before(0xff)),
        (
            "a zero behind",
            der::tlv(element.tag, [contents, &[0]].concat()),
        ),
    ];
    if let [first, .., last] = contents {
        let length = contents.len();
        let first = [&[first ^ 1], &contents[1..]].concat();
        let last = [&contents[..length - 1], &[last ^ 1]].concat();
        found.extend([
            ("its first byte changed", der::tlv(element.tag, first)),
            ("its last byte changed", der::tlv(element.tag, last)),
            ("cut short", der::tlv(element.tag, &contents[..length - 1])),
        ]);
    }
    if element.tag == 0x05 {
        found.extend([
            ("an OID instead", der::oid("1.2.3")),
            ("a SEQUENCE instead", der::sequence::<&[u8]>([])),
        ]);
    }
    found
}

/// The name of a place in a tree.
pub(crate) fn place(path: &[usize]) -> String {
    let numbers: Vec<_> = path.iter().map(ToString::to_string).collect();
    numbers.join(".")
}
