//! Reads back what was written, as a tree, to change it: re-encoding as BER, replacing one element, telling the shape.
//!
//! It panics on anything that is not DER of ours: it is no parser for the untrusted, and shares no code with the one
//! under test.

use super::der;

/// One tag-length-value; constructed ones hold their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The tag byte, class and constructed bit included.
    pub tag: u8,
    /// What is inside.
    pub body: Body,
}

/// The contents of an [`Element`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Raw bytes.
    Primitive(Vec<u8>),
    /// Further elements.
    Constructed(Vec<Element>),
}

impl Element {
    /// Reads exactly one element. Panics on trailing bytes, high tag numbers and indefinite lengths.
    pub fn read(der: &[u8]) -> Element {
        let mut elements = Self::read_all(der);
        assert_eq!(elements.len(), 1, "one element");
        elements.remove(0)
    }

    fn read_all(mut der: &[u8]) -> Vec<Element> {
        let mut elements = Vec::new();
        while !der.is_empty() {
            let tag = der[0];
            assert_ne!(tag & 0x1f, 0x1f, "low tag number");
            let (len, header) = match der[1] {
                short @ 0..0x80 => (usize::from(short), 2),
                long => {
                    let count = usize::from(long & 0x7f);
                    let len = der[2..2 + count]
                        .iter()
                        .fold(0, |len, byte| len << 8 | usize::from(*byte));
                    (len, 2 + count)
                }
            };
            let contents = &der[header..header + len];
            let body = if tag & 0x20 == 0 {
                Body::Primitive(contents.to_vec())
            } else {
                Body::Constructed(Self::read_all(contents))
            };
            elements.push(Element { tag, body });
            der = &der[header + len..];
        }
        elements
    }

    /// Writes it as DER again: the inverse of [`Element::read`].
    pub fn to_der(&self) -> Vec<u8> {
        match &self.body {
            Body::Primitive(contents) => der::tlv(self.tag, contents),
            Body::Constructed(children) => {
                let contents: Vec<u8> = children.iter().flat_map(Element::to_der).collect();
                der::tlv(self.tag, contents)
            }
        }
    }

    /// The whole in DER, with these bytes where the element at `path` stands.
    pub fn to_der_with(&self, path: &[usize], bytes: &[u8]) -> Vec<u8> {
        let Some((first, rest)) = path.split_first() else {
            return bytes.to_vec();
        };
        let mut contents = Vec::new();
        for (index, child) in self.children().iter().enumerate() {
            contents.extend(match index == *first {
                true => child.to_der_with(rest, bytes),
                false => child.to_der(),
            });
        }
        der::tlv(self.tag, contents)
    }

    /// The path of every element, its own first.
    pub fn paths(&self) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new()];
        let mut next = 0;
        while let Some(path) = found.get(next).cloned() {
            let children = self.at(&path).children().len();
            found.extend((0..children).map(|index| [path.as_slice(), &[index]].concat()));
            next += 1;
        }
        found
    }

    /// The child at each index in turn.
    pub fn at(&self, path: &[usize]) -> &Element {
        path.iter()
            .fold(self, |element, index| &element.children()[*index])
    }

    /// The child at each index in turn, to be changed.
    pub fn at_mut(&mut self, path: &[usize]) -> &mut Element {
        path.iter()
            .fold(self, |element, index| match &mut element.body {
                Body::Constructed(children) => &mut children[*index],
                Body::Primitive(_) => panic!("a primitive has no children"),
            })
    }

    /// The children; none for a primitive.
    pub fn children(&self) -> &[Element] {
        match &self.body {
            Body::Constructed(children) => children,
            Body::Primitive(_) => &[],
        }
    }

    /// The bytes of a primitive.
    pub fn contents(&self) -> &[u8] {
        match &self.body {
            Body::Primitive(contents) => contents,
            Body::Constructed(_) => panic!("constructed"),
        }
    }

    /// Tags, indented, a line each: what "the same shape" means. Object identifiers are part of the shape, other
    /// contents are not.
    pub fn shape(&self) -> String {
        let mut out = String::new();
        self.shape_into(0, &mut out);
        out
    }

    fn shape_into(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        out.push_str(&format!("{indent}{:02x}", self.tag));
        if self.tag == 0x06 {
            for byte in self.contents() {
                out.push_str(&format!(" {byte:02x}"));
            }
        }
        out.push('\n');
        for child in self.children() {
            child.shape_into(depth + 1, out);
        }
    }
}

/// Re-encodes a CMS in BER as some tools leave it: the frame (ContentInfo, `[0]`, SignedData, encapContentInfo and its
/// `[0]`) with indefinite lengths and the content as a constructed octet string in chunks. Certificates and signer
/// infos stay DER. Real profiles that a tool re-encoded with indefinite lengths exist; which parts it left is not known.
pub fn indefinite(cms: &[u8], chunk: usize) -> Vec<u8> {
    let info = Element::read(cms);
    let signed = info.at(&[1, 0]);
    let mut parts = Vec::new();
    for (index, child) in signed.children().iter().enumerate() {
        // version, digestAlgorithms, encapContentInfo, …
        if index != 2 {
            parts.extend(child.to_der());
            continue;
        }
        let mut encapsulated = child.at(&[0]).to_der();
        if let Some(content) = child.children().get(1) {
            let mut chunks = Vec::new();
            for bytes in content.at(&[0]).contents().chunks(chunk) {
                chunks.extend(der::octets(bytes));
            }
            encapsulated.extend(unended(content.tag, unended(0x24, chunks)));
        }
        parts.extend(unended(child.tag, encapsulated));
    }
    let mut frame = info.at(&[0]).to_der();
    frame.extend(unended(0xa0, unended(0x30, parts)));
    unended(0x30, frame)
}

/// As [`indefinite`], and the sets of certificates and signers, each signer and its identifier too: everything that is
/// constructed except what is hashed (a certificate, the signed attributes).
pub fn indefinite_throughout(cms: &[u8], chunk: usize) -> Vec<u8> {
    let info = Element::read(cms);
    let mut parts = Vec::new();
    for (index, child) in info.at(&[1, 0]).children().iter().enumerate() {
        parts.extend(match (index, child.tag) {
            (2, _) => {
                let mut encapsulated = child.at(&[0]).to_der();
                if let Some(content) = child.children().get(1) {
                    let bytes = content.at(&[0]).contents();
                    let chunks = bytes.chunks(chunk).flat_map(der::octets).collect();
                    encapsulated.extend(unended(content.tag, unended(0x24, chunks)));
                }
                unended(child.tag, encapsulated)
            }
            // certificates
            (_, 0xa0) => unended(
                child.tag,
                child.children().iter().flat_map(Element::to_der).collect(),
            ),
            (_, 0x31) => loosened(child),
            _ => child.to_der(),
        });
    }
    let mut frame = info.at(&[0]).to_der();
    frame.extend(unended(0xa0, unended(0x30, parts)));
    unended(0x30, frame)
}

fn loosened(element: &Element) -> Vec<u8> {
    match &element.body {
        // signedAttrs stand as [0] in a signer.
        Body::Constructed(children) if element.tag != 0xa0 => {
            unended(element.tag, children.iter().flat_map(loosened).collect())
        }
        _ => element.to_der(),
    }
}

/// Indefinite length: contents until the end-of-contents octets.
pub fn unended(tag: u8, contents: Vec<u8>) -> Vec<u8> {
    let mut out = vec![tag, 0x80];
    out.extend(contents);
    out.extend([0, 0]);
    out
}
