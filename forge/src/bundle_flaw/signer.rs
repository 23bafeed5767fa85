//! Flaws of who signed: the wrong kind of certificate, another hierarchy, another team, another profile.

use std::slice;

use super::{Flaw, Means, resigned, throughout};
use crate::bundle::{Item, Layout, grant};
use crate::code_signature::{Signing, SigningIdentity};
use crate::hierarchy::{Hierarchy, LeafKind, LeafSpec, at};
use crate::profile::{Family, Kind, ProfileSpec};

/// What is changed before the product is signed again.
type Signed = fn(&mut Item) -> Option<()>;

/// Lets somebody else sign an item and all that is nested in it.
pub(super) fn sign_by(item: &mut Item, signer: &SigningIdentity) {
    throughout(item, &|signature| {
        signature.signing = Signing::By(Box::new(signer.clone()));
    });
}

fn of_kind(item: &mut Item, kind: LeafKind) -> Option<()> {
    let Signing::By(own) = &item.signature.signing else {
        return None;
    };
    (own.kind != kind).then_some(())?;
    sign_by(item, &SigningIdentity::acme(kind));
    Some(())
}

/// The profile that somebody minted of another specification, in the place of the item's own.
pub(super) fn profiled(
    item: &mut Item,
    change: impl FnOnce(ProfileSpec) -> ProfileSpec,
) -> Option<()> {
    item.profile.as_ref()?;
    let Signing::By(own) = &item.signature.signing else {
        return None;
    };
    let identifier = &item.signature.identifier;
    let (kind, _) = grant(identifier, own, item.family);
    let spec = match item.family {
        Family::Ios => ProfileSpec::ios(kind, identifier),
        Family::Mac => ProfileSpec::mac(kind, identifier),
    };
    let spec = spec.certificates(slice::from_ref(&own.identity));
    item.profile = Some(change(spec).mint());
    Some(())
}

/// A leaf of the own kind, as somebody changes it.
fn leaf(item: &Item) -> Option<LeafSpec> {
    match &item.signature.signing {
        Signing::By(own) => Some(LeafSpec::new(own.kind)),
        _ => None,
    }
}

pub(super) fn flaws() -> Vec<Flaw> {
    let mut flaws = strangers();
    flaws.extend(kinds());
    flaws.extend(profiles());
    flaws
}

fn strangers() -> Vec<Flaw> {
    vec![
        resigned("signer-under-another-root", Means::OtherKey, |item| {
            let signer = SigningIdentity::of(Hierarchy::rival(), &leaf(item)?);
            sign_by(item, &signer);
            Some(())
        }),
        resigned("signer-under-apples-name", Means::OtherKey, |item| {
            let signer = SigningIdentity::of(Hierarchy::impostor(), &leaf(item)?);
            sign_by(item, &signer);
            Some(())
        }),
        resigned("signer-self-signed", Means::OtherKey, |item| {
            let mut signer = SigningIdentity::acme(leaf(item)?.kind);
            signer.identity =
                Hierarchy::impostor().self_signed(crate::hierarchy::Role::IosProfiles);
            signer.issuers.clear();
            item.signature.team = Some(crate::profile::ACME_TEAM.to_owned());
            sign_by(item, &signer);
            Some(())
        }),
        resigned("signer-of-another-team", Means::OtherKey, |item| {
            let mut other = leaf(item)?.labelled("other team");
            other.team = "OTHER00001".to_owned();
            other.organization = "Other Rockets, Inc".to_owned();
            sign_by(item, &SigningIdentity::of(Hierarchy::acme(), &other));
            Some(())
        })
        .in_context(),
        resigned(
            "signer-of-another-team-claims-the-team",
            Means::OtherKey,
            |item| {
                let mut other = leaf(item)?.labelled("other team");
                other.team = "OTHER00001".to_owned();
                throughout(item, &|signature| {
                    signature.team = Some(crate::profile::ACME_TEAM.to_owned())
                });
                sign_by(item, &SigningIdentity::of(Hierarchy::acme(), &other));
                Some(())
            },
        ),
        resigned("signer-renewed", Means::Key, |item| {
            // The same subject with another certificate: not the one that the profile lists.
            let renewed = leaf(item)?.labelled("leaf 2");
            sign_by(item, &SigningIdentity::of(Hierarchy::acme(), &renewed));
            Some(())
        })
        .in_context(),
        resigned("signer-expired-when-it-signed", Means::Key, |item| {
            let expired = leaf(item)?.valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
            sign_by(item, &SigningIdentity::of(Hierarchy::acme(), &expired));
            Some(())
        }),
        resigned("signer-not-yet-valid-when-it-signed", Means::Key, |item| {
            let future = leaf(item)?.valid("2040-01-01T00:00:00Z", "2041-01-01T00:00:00Z");
            sign_by(item, &SigningIdentity::of(Hierarchy::acme(), &future));
            Some(())
        }),
        resigned("signer-is-an-authority", Means::Key, |item| {
            let mut signer = SigningIdentity::acme(leaf(item)?.kind);
            signer.identity = Hierarchy::acme().wwdr_g3.clone();
            signer.issuers = vec![Hierarchy::acme().root.clone()];
            sign_by(item, &signer);
            Some(())
        }),
        resigned("signer-signs-profiles", Means::Key, |item| {
            let mut signer = SigningIdentity::acme(leaf(item)?.kind);
            let role = crate::hierarchy::Role::IosProfiles;
            signer.identity = Hierarchy::acme().signer(role);
            signer.issuers = Hierarchy::acme().issuers(role).to_vec();
            sign_by(item, &signer);
            Some(())
        }),
        resigned("signer-signs-timestamps", Means::Key, |item| {
            let mut signer = SigningIdentity::acme(leaf(item)?.kind);
            let hierarchy = Hierarchy::acme();
            signer.identity = hierarchy.timestamp_signer(hierarchy.spec.signers);
            signer.issuers = vec![hierarchy.timestamp_authority(), hierarchy.root.clone()];
            sign_by(item, &signer);
            Some(())
        }),
    ]
}

fn kinds() -> Vec<Flaw> {
    let kinds: [(&str, Signed); 5] = [
        ("signed-for-development", |item| {
            of_kind(item, LeafKind::AppleDevelopment)
        }),
        ("signed-for-distribution", |item| {
            of_kind(item, LeafKind::AppleDistribution)
        }),
        ("signed-with-developer-id", |item| {
            of_kind(item, LeafKind::DeveloperIdApplication)
        }),
        ("signed-with-enterprise", |item| {
            of_kind(item, LeafKind::IphoneDistribution)
        }),
        ("signed-for-the-mac-app-store", |item| {
            of_kind(item, LeafKind::MacAppDistribution)
        }),
    ];
    let mut flaws: Vec<Flaw> = kinds
        .into_iter()
        .map(|(name, change)| resigned(name, Means::Key, change).in_context())
        .collect();
    // An installer's certificate signs no code at all: its purpose is another.
    flaws.push(resigned(
        "signed-with-an-installer-certificate",
        Means::Key,
        |item| of_kind(item, LeafKind::DeveloperIdInstaller),
    ));
    flaws
}

fn profiles() -> Vec<Flaw> {
    let profiles: [(&str, Signed); 7] = [
        ("profile-of-another-app", |item| {
            item.profile.as_ref()?;
            let pattern = "com.acme.other";
            let other = match item.family {
                Family::Ios => ProfileSpec::ios(Kind::AppStore, pattern),
                Family::Mac => ProfileSpec::mac(Kind::DeveloperId, pattern),
            };
            item.profile = Some(other.mint());
            Some(())
        }),
        ("profile-of-another-team", |item| {
            profiled(item, |spec| spec.team("OTHER00001", "OTHER00001"))
        }),
        ("profile-for-another-certificate", |item| {
            let other = LeafSpec::new(LeafKind::AppleDistribution).labelled("leaf 2");
            let other = Hierarchy::acme().developer(&other);
            profiled(item, |spec| spec.certificates(&[other]))
        }),
        ("profile-expired", |item| {
            profiled(item, |spec| {
                spec.valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
            })
        }),
        ("profile-stale", |item| {
            profiled(item, |spec| spec.named("made anew"))
        }),
        ("profile-ad-hoc", |item| {
            (item.family == Family::Ios).then_some(())?;
            let identifier = item.signature.identifier.clone();
            profiled(item, |spec| {
                let mut ad_hoc = ProfileSpec::ios(Kind::AdHoc, &identifier);
                ad_hoc.certificates = spec.certificates;
                ad_hoc
            })
        }),
        ("profile-missing", |item| item.profile.take().map(drop)),
    ];
    let mut flaws: Vec<Flaw> = profiles
        .into_iter()
        .map(|(name, change)| resigned(name, Means::Key, change).in_context())
        .collect();
    flaws.push(
        resigned("profile-forged", Means::Key, |item| {
            profiled(item, |spec| {
                spec.with(crate::flaw::Flaw::Forged(crate::flaw::Layer::Outer))
            })
        })
        .in_context(),
    );
    flaws.push(
        resigned("profile-of-noise", Means::Key, |item| {
            item.profile.as_ref()?;
            item.profile = Some(b"no profile".to_vec());
            Some(())
        })
        .in_context(),
    );
    flaws.push(
        resigned("entitlement-not-granted", Means::Key, |item| {
            let mut values = plist::Dictionary::new();
            (item.layout != Layout::Tool).then_some(())?;
            values.insert("com.apple.developer.healthkit".to_owned(), true.into());
            let team = crate::profile::ACME_TEAM;
            let application = format!("{team}.{}", item.signature.identifier);
            values.insert("application-identifier".to_owned(), application.into());
            values.insert(
                "com.apple.developer.team-identifier".to_owned(),
                team.into(),
            );
            item.signature = item.signature.clone().entitled(&values);
            Some(())
        })
        .in_context(),
    );
    flaws.push(
        resigned("debuggable", Means::Key, |item| {
            let mut values = plist::Dictionary::new();
            let key = match item.family {
                Family::Ios => "get-task-allow",
                Family::Mac => "com.apple.security.get-task-allow",
            };
            values.insert(key.to_owned(), true.into());
            item.signature = item.signature.clone().entitled(&values);
            Some(())
        })
        .in_context(),
    );
    flaws.push(
        resigned("signed-before-its-profile", Means::Key, |item| {
            let Signing::By(own) = &mut item.signature.signing else {
                return None;
            };
            item.profile.as_ref()?;
            own.time = at("2026-01-01T01:00:00Z");
            own.timestamp = None;
            Some(())
        })
        .in_context(),
    );
    flaws
}
