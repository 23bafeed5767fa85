//! Flaws of what CodeDirectories seal: components that are missing, contradict each other or are too much.

use std::sync::Arc;

use plist::Dictionary;

use super::{Flaw, Means, directories, signed};
use crate::code_directory::{flag, slot};
use crate::code_signature::{Signing, blob};
use crate::entitlements;

/// Components that are missing, contradict each other or are not what the CodeDirectories seal.
pub(super) fn flaws() -> Vec<Flaw> {
    vec![
        directories("info-not-sealed", |each| {
            for directory in each {
                directory.special.remove(&slot::INFO);
            }
        }),
        directories("resources-not-sealed", |each| {
            for directory in each {
                directory.special.remove(&slot::RESOURCES);
            }
        }),
        directories("requirements-not-sealed", |each| {
            for directory in each {
                directory.special.remove(&slot::REQUIREMENTS);
            }
        }),
        directories("entitlements-not-sealed", |each| {
            for directory in each {
                directory.special.remove(&slot::ENTITLEMENTS);
                directory.special.remove(&slot::ENTITLEMENTS_DER);
            }
        }),
        directories("constraint-sealed-but-missing", |each| {
            for directory in each {
                directory.seal(slot::CONSTRAINT_SELF, b"a constraint that is not there");
            }
        }),
        directories("representation-sealed-but-missing", |each| {
            for directory in each {
                directory.seal(slot::REPRESENTATION, b"nothing");
            }
        }),
        directories("slot-from-the-future", |each| {
            for directory in each {
                directory.seal(12, b"what nobody knows yet");
            }
        }),
        signed("top-directory-wrong", |item| {
            let mut list = Vec::new();
            for number in [0u32, 1, 2, 9, 0x10000] {
                list.extend(number.to_be_bytes());
            }
            let sealed = list.clone();
            let hooks = &mut item.signature.hooks;
            hooks.directories.push(Arc::new(move |each| {
                for directory in each {
                    directory.seal(slot::TOP_DIRECTORY, &sealed);
                }
            }));
            hooks.blobs.push(Arc::new(move |blobs| {
                let written = blob(0xfade_0b01, &list);
                blobs.blobs.push((slot::TOP_DIRECTORY, written));
            }));
            Some(())
        }),
        signed("constraint-not-sealed", |item| {
            let constraint = entitlements::constraint(Dictionary::new());
            item.signature.hooks.blobs.push(Arc::new(move |blobs| {
                blobs
                    .blobs
                    .push((slot::CONSTRAINT_SELF, constraint.clone()));
            }));
            Some(())
        }),
        signed("entitlements-differ", |item| {
            let own = item.signature.entitlements.as_mut()?;
            let mut other = Dictionary::new();
            other.insert("com.apple.security.get-task-allow".to_owned(), true.into());
            own.der = Some(entitlements::encoded(&other));
            Some(())
        }),
        signed("entitlements-not-xml", |item| {
            item.signature.entitlements.as_mut()?.xml = Some(b"<plist><dict>".to_vec());
            Some(())
        }),
        signed("entitlements-not-der", |item| {
            item.signature.entitlements.as_mut()?.der =
                Some(vec![0x70, 0x84, 0xff, 0xff, 0xff, 0xff]);
            Some(())
        }),
        signed("entitlements-der-followed-by-more", |item| {
            item.signature.entitlements.as_mut()?.der.as_mut()?.push(0);
            Some(())
        }),
        signed("entitlement-twice", |item| {
            let own = item.signature.entitlements.as_mut()?;
            let xml = String::from_utf8(own.xml.clone()?).ok()?;
            let twice = "\t<key>com.apple.developer.team-identifier</key>\n\t<string>OTHER00001</string>\n</dict>\n</plist>";
            own.xml = Some(xml.replace("</dict>\n</plist>", twice).into_bytes());
            Some(())
        }),
        signed("requirement-unknown", |item| {
            let unknown = crate::requirement::Requirement::Unknown(vec![0, 0, 0, 99]);
            item.signature.requirements =
                Some(vec![(crate::requirement::kind::DESIGNATED, unknown)]);
            Some(())
        }),
        signed("requirement-not-met", |item| {
            let other = crate::requirement::Requirement::identifier("com.acme.other");
            item.signature.requirements = Some(vec![(crate::requirement::kind::DESIGNATED, other)]);
            Some(())
        }),
        signed("requirement-nested-deeply", |item| {
            let mut deep = crate::requirement::Requirement::Always;
            for _ in 0..300 {
                deep = deep.negated();
            }
            item.signature.requirements = Some(vec![(crate::requirement::kind::DESIGNATED, deep)]);
            Some(())
        }),
        signed("team-of-another", |item| {
            item.signature.team = Some("OTHER00001".to_owned());
            Some(())
        }),
        signed("team-missing", |item| {
            item.signature.team = Some(String::new());
            Some(())
        }),
        signed("runtime-missing", |item| {
            item.signature.runtime.take()?;
            item.signature.flags &= !flag::RUNTIME;
            Some(())
        })
        .in_context(),
        super::resigned("unsigned", Means::OtherKey, |item| {
            item.signature.signing = Signing::Unsigned;
            Some(())
        }),
        super::resigned("signed-ad-hoc", Means::OtherKey, |item| {
            item.signature.signing = Signing::AdHoc;
            Some(())
        }),
        super::resigned("signed-by-the-linker", Means::OtherKey, |item| {
            item.signature.signing = Signing::LinkerSigned;
            Some(())
        }),
    ]
}
