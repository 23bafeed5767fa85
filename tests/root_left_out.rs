//! The bundle of certificates in a CMS message is not signed. Real profiles prove whatever stands in it beside their own
//! signer and intermediate: no root, another root, a root of the same name. With another intermediate they do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use countersign::apple::anchors::Anchors;
use countersign::apple::ber::{Reader, Tag};
use countersign::apple::certificate::Certificate;
use countersign::apple::claims::OuterPlist;
use countersign::apple::cms;
use countersign::apple::profile;
use countersign::apple::profile_signer::{Layer, LayerProof};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::Code;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// A DER element.
fn tlv(tag: Tag, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut out = vec![tag.0];
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap());
    } else {
        out.push(0x84);
        out.extend(u32::try_from(length).unwrap().to_be_bytes());
    }
    out.extend(contents);
    out
}

/// The message with other certificates in its bundle; an empty list leaves the bundle out.
fn with_certificates(message: &[u8], certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut info = Reader::new(message).any("ContentInfo").unwrap();
    let definite = info.to_definite(Tag::SEQUENCE, usize::MAX).unwrap();
    info = Reader::new(&definite).any("ContentInfo").unwrap();
    let mut info = info.reader().unwrap();
    let content_type = info.any("type").unwrap();
    let explicit = info.any("content").unwrap();
    let signed_data = explicit.reader().unwrap().any("SignedData").unwrap();
    let mut fields = signed_data.reader().unwrap();
    let mut parts = Vec::new();
    while let Some(field) = fields.next().unwrap() {
        if field.tag != Tag::context(0) {
            parts.push(field.raw.to_vec());
        }
    }
    if !certificates.is_empty() {
        // version, digestAlgorithms, encapContentInfo, certificates
        parts.insert(3, tlv(Tag::context(0), &certificates.concat()));
    }
    let signed_data = tlv(Tag::SEQUENCE, &parts.concat());
    let explicit = tlv(Tag::context(0), &signed_data);
    tlv(Tag::SEQUENCE, &[content_type.raw, &explicit].concat())
}

/// The certificates of a bundle by what they are.
struct Bundle {
    signer: Vec<u8>,
    intermediate: Vec<u8>,
}

impl Bundle {
    fn of(message: &cms::SignedData<'_>) -> Self {
        let mut bundle = Self {
            signer: Vec::new(),
            intermediate: Vec::new(),
        };
        for der in &message.certificates {
            let certificate = Certificate::from_der(der).unwrap();
            if certificate.is_self_issued() {
                continue;
            }
            let place = if certificate.is_ca {
                &mut bundle.intermediate
            } else {
                &mut bundle.signer
            };
            assert!(place.is_empty(), "two of one kind");
            *place = der.to_vec();
        }
        assert!(!bundle.signer.is_empty() && !bundle.intermediate.is_empty());
        bundle
    }
}

/// Apple's published certificates.
fn certificate(name: &str) -> Vec<u8> {
    fs::read(Path::new(DATA).join("certificates").join(name)).unwrap()
}

fn all_certificates() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(Path::new(DATA).join("certificates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let file = fs::read(path).unwrap();
            // Apple publishes some with other bytes behind the certificate.
            let der = Reader::new(&file).any("a certificate").unwrap().raw;
            (name, der.to_vec())
        })
        .collect();
    all.sort();
    all
}

/// A certificate with one byte changed at the position of `part`, counted back from the end where there is none.
fn altered(der: &[u8], part: Option<&[u8]>) -> Vec<u8> {
    let mut altered = der.to_vec();
    let at = match part {
        Some(part) => {
            der.windows(part.len())
                .position(|here| here == part)
                .unwrap()
                + 16
        }
        None => der.len() - 16,
    };
    altered[at] ^= 1;
    altered
}

/// Apple's root with another signature (so another certificate of the same name and key), and with another key.
fn roots_of_the_same_name(root: &str) -> [Vec<u8>; 2] {
    let root = certificate(root);
    let key_id = Certificate::from_der(&root).unwrap();
    let other_key = match key_id.public_key.as_ref().unwrap() {
        countersign::apple::signature::PublicKey::Rsa(key) => altered(&root, Some(key)),
        countersign::apple::signature::PublicKey::P384(point) => altered(&root, Some(point)),
        other => panic!("{other:?}"),
    };
    let roots = [altered(&root, None), other_key];
    for other in &roots {
        let other = Certificate::from_der(other).unwrap();
        assert_eq!(other.subject(), key_id.subject());
        assert_ne!(other.sha256, key_id.sha256);
    }
    roots
}

/// Every real profile that proves as it is.
fn genuine() -> Vec<(PathBuf, Vec<u8>)> {
    let verifier = Verifier::new(Anchors::apple());
    let files = ["profiles", "projects"]
        .iter()
        .flat_map(|folder| support::profiles_below(&Path::new(DATA).join(folder)));
    let mut found: Vec<_> = files
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .filter(|(_, bytes)| profile::prove(bytes, &verifier).is_ok())
        .collect();
    found.sort();
    let all_here = Path::new(DATA).is_dir();
    assert!(!all_here || found.len() >= 45, "{} of them", found.len());
    found
}

fn assert_proves(file: &Path, bytes: &[u8], what: &str) {
    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(Anchors::apple()));
    if let Err(unproven) = profile::prove(bytes, &VERIFIER) {
        panic!("{}, {what}: {:#?}", file.display(), unproven.findings);
    }
}

#[test]
fn an_outer_layer_proves_whatever_stands_in_its_root_s_place() {
    for (file, bytes) in genuine() {
        let bundle = Bundle::of(&cms::parse(&bytes).unwrap());
        let chain = [bundle.signer, bundle.intermediate];
        assert_proves(&file, &with_certificates(&bytes, &chain), "without a root");
        let mut others = vec![certificate("AppleComputerRootCertificate.cer")];
        others.extend(roots_of_the_same_name("AppleIncRootCertificate.cer"));
        for other in others {
            for order in [
                [&other, &chain[0], &chain[1]],
                [&chain[1], &chain[0], &other],
            ] {
                let order = order.map(Clone::clone);
                assert_proves(&file, &with_certificates(&bytes, &order), "another root");
            }
        }
    }
}

#[test]
fn certificates_that_do_not_belong_to_the_chain_are_passed_over() {
    for (file, bytes) in genuine() {
        let bundle = Bundle::of(&cms::parse(&bytes).unwrap());
        let mut many: Vec<_> = all_certificates().into_iter().map(|(_, der)| der).collect();
        many.extend(roots_of_the_same_name("AppleIncRootCertificate.cer"));
        many.extend([bundle.intermediate, bundle.signer]);
        assert_proves(&file, &with_certificates(&bytes, &many), "many others");
        many.reverse();
        assert_proves(&file, &with_certificates(&bytes, &many), "many others");
    }
}

#[test]
fn an_outer_layer_with_another_intermediate_is_refused() {
    let verifier = Verifier::new(Anchors::apple());
    for (file, bytes) in genuine() {
        let bundle = Bundle::of(&cms::parse(&bytes).unwrap());
        let root = certificate("AppleIncRootCertificate.cer");
        for (name, other) in all_certificates() {
            if other == bundle.intermediate {
                continue;
            }
            let chain = [bundle.signer.clone(), other, root.clone()];
            let unproven = profile::prove(&with_certificates(&bytes, &chain), &verifier)
                .map(|_| panic!("{} proves with {name}", file.display()))
                .unwrap_err();
            let codes: Vec<_> = unproven.findings.iter().map(|f| f.code).collect();
            let expected = [Code::ProfileNotTrusted, Code::ProfileSignatureInvalid];
            assert!(
                codes.iter().any(|code| expected.contains(code)),
                "{}, {name}: {codes:?}",
                file.display()
            );
        }
    }
}

/// The inner layer's bundle is content of the outer one, so it is changed after parsing.
#[test]
fn an_inner_layer_proves_without_its_root_and_not_with_another_intermediate() {
    let verifier = Verifier::new(Anchors::apple());
    let mut judged = 0;
    for (file, bytes) in genuine() {
        let outer = cms::parse(&bytes).unwrap();
        let plist = OuterPlist::read(outer.content.as_deref().unwrap()).unwrap();
        let Some(inner) = plist.inner else { continue };
        let mut message = cms::parse(&inner).unwrap();
        let bundle = Bundle::of(&message);
        let chain = [bundle.signer, bundle.intermediate];
        let mut prove = |certificates: &[&[u8]]| {
            message.certificates = certificates
                .iter()
                .map(|der| Cow::Owned(der.to_vec()))
                .collect();
            LayerProof::prove(&message, Layer::Inner, &verifier)
        };
        prove(&[&chain[0], &chain[1]]).unwrap();
        let mut others = vec![
            certificate("AppleComputerRootCertificate.cer"),
            certificate("AppleIncRootCertificate.cer"),
        ];
        others.extend(roots_of_the_same_name("AppleRootCA-G3.cer"));
        for other in others {
            prove(&[&other, &chain[0], &chain[1]]).unwrap();
            prove(&[&chain[0], &chain[1], &other]).unwrap();
        }
        let root = certificate("AppleRootCA-G3.cer");
        for (name, other) in all_certificates() {
            if other != chain[1] {
                let outcome = prove(&[&chain[0], &other, &root]);
                assert!(outcome.is_err(), "{}: {name}", file.display());
            }
        }
        judged += 1;
    }
    assert!(judged > 0 || !Path::new(DATA).is_dir());
}
