//! What an envelope must be to hold, and what is said of one that does not.

use countersign::apple::code_signature::product_digest::{Algorithm, ProductDigest};
use countersign::base::digest::Digest;
use countersign::base::finding::Code;
use forge::ssh::{SshKey, SshSignature, armor, envelope_of, pre_authentication};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::scene::{NOW, Scene, instant, signer};

#[test]
fn an_honest_envelope_holds() {
    let scene = Scene::new();
    assert!(scene.holds().is_empty());
    let verification = scene.verify(scene.envelope().as_bytes());
    assert!(verification.is_signed);
    let verified = verification.verified.unwrap();
    assert_eq!(verified.statement().predicate.revision, 7);
    assert_eq!(verified.signer().principals, "signer-01.acme.example");
    assert_eq!(verified.signer().line, 1);
}

#[test]
fn keys_of_every_kind_that_the_forge_makes_sign() {
    for key in [
        SshKey::p256("a"),
        SshKey::p256("a").in_security_key(),
        SshKey::ed25519("a").in_security_key(),
    ] {
        for hash in ["sha256", "sha512"] {
            let mut scene = Scene::new();
            scene.allowed = key.allowed("ci", "");
            scene.signature.hash = hash.to_owned();
            scene.key = match key.word() {
                "ecdsa-sha2-nistp256" => SshKey::p256("a"),
                "sk-ecdsa-sha2-nistp256@openssh.com" => SshKey::p256("a").in_security_key(),
                _ => SshKey::ed25519("a").in_security_key(),
            };
            assert!(scene.holds().is_empty());
        }
    }
}

#[test]
fn an_unsigned_envelope_never_holds_and_says_that_it_is_not_signed() {
    let mut scene = Scene::new();
    scene.statement["predicate"]["signed"] = json!(false);
    let bytes = scene.payload();
    scene.refuses_bytes(
        &bytes,
        Code::EnvelopeUnsigned,
        &["can write anything into it"],
    );
    assert!(!scene.verify(&bytes).is_signed);
}

#[test]
fn a_signature_that_was_taken_away_is_missed() {
    let scene = Scene::new();
    let words = ["its signature was taken away"];
    scene.refuses_bytes(&scene.payload(), Code::EnvelopeUnsigned, &words);
}

#[test]
fn a_statement_that_says_it_is_not_signed_does_not_hold_under_a_signature() {
    let mut scene = Scene::new();
    scene.statement["predicate"]["signed"] = json!(false);
    scene.refuses(Code::EnvelopeMalformed, &["says of itself"]);
}

/// The signature is found not to belong to the payload of an envelope.
#[track_caller]
fn finds_a_change(scene: &Scene, forged: &str) {
    scene.refuses_bytes(
        forged.as_bytes(),
        Code::EnvelopeSignatureInvalid,
        &["changed"],
    );
}

#[test]
fn every_changed_byte_of_the_payload_and_its_type_is_found() {
    let scene = Scene::new();
    let payload = scene.payload();
    let message = pre_authentication(scene.payload_type, &payload);
    let armored = scene.signature.armored(&scene.key, &message);
    let fingerprint = scene.key.fingerprint();
    for at in 0..payload.len() {
        let mut changed = payload.clone();
        changed[at] ^= 1;
        let forged = envelope_of(
            scene.payload_type,
            &changed,
            &fingerprint,
            armored.as_bytes(),
        );
        finds_a_change(&scene, &forged);
    }
    let forged = envelope_of(
        "application/json",
        &payload,
        &fingerprint,
        armored.as_bytes(),
    );
    finds_a_change(&scene, &forged);
}

#[test]
fn every_changed_character_of_the_file_is_found() {
    let scene = Scene::new();
    let honest = scene.envelope();
    let mut refused = 0;
    for at in 0..honest.len() {
        let mut changed = honest.clone().into_bytes();
        changed[at] = match changed[at] {
            // White space between the fields means nothing.
            b' ' | b'\n' => continue,
            b'A' => b'B',
            _ => b'A',
        };
        let verification = scene.verify(&changed);
        assert!(verification.verified.is_none(), "{at}");
        refused += 1;
    }
    assert!(refused > 1_000, "{refused}");
    for end in 0..honest.len() - 2 {
        let cut = &honest.as_bytes()[..end];
        scene.refuses_bytes(cut, Code::EnvelopeMalformed, &[]);
    }
}

#[test]
fn a_signature_for_something_else_is_none_here() {
    for namespace in ["git", "file", "", "countersign-envelope-2", "*"] {
        let mut scene = Scene::new();
        scene.signature = SshSignature::in_namespace(namespace);
        scene.refuses(
            Code::EnvelopeSignatureInvalid,
            &["made for something else", "countersign-envelope"],
        );
    }
}

#[test]
fn a_signature_over_the_payload_alone_is_none() {
    let scene = Scene::new();
    let payload = scene.payload();
    let armored = scene.signature.armored(&scene.key, &payload);
    let forged = envelope_of(
        scene.payload_type,
        &payload,
        &scene.key.fingerprint(),
        armored.as_bytes(),
    );
    finds_a_change(&scene, &forged);
}

#[test]
fn signatures_of_unknown_make_are_refused_by_name() {
    let with = |change: fn(&mut SshSignature)| {
        let mut scene = Scene::new();
        change(&mut scene.signature);
        scene
    };
    let refuses = |change, words: &[&str]| {
        with(change).refuses(Code::EnvelopeSignatureInvalid, words);
    };
    refuses(|it| it.version = 2, &["version 2"]);
    refuses(|it| it.hash = "sha1".into(), &["sha1", "sha512"]);
    refuses(|it| it.hash = "SHA512".into(), &["SHA512"]);
    refuses(|it| it.reserved = b"later".into(), &["damaged"]);
    refuses(|it| it.after = vec![0], &["damaged"]);
    refuses(
        |it| it.key = Some(string("ssh-dss")),
        &["ssh-dss", "not accepted"],
    );
    refuses(
        |it| it.key = Some(string("ssh-ed25519-cert-v01@openssh.com")),
        &["certificates are not accepted"],
    );
    refuses(
        |it| it.key = Some(string("ssh-ed25519")),
        &["key is damaged"],
    );
    refuses(|it| it.key = Some(Vec::new()), &["key is damaged"]);
}

fn string(word: &str) -> Vec<u8> {
    let length = u32::try_from(word.len()).unwrap();
    [&length.to_be_bytes(), word.as_bytes()].concat()
}

#[test]
fn a_signature_is_no_other_keys() {
    let mut scene = Scene::new();
    let other = SshKey::ed25519("another");
    // It names the key that may sign, and another made it.
    scene.signature.key = Some(scene.key.public());
    let armored = scene.signature.armored(
        &other,
        &pre_authentication(scene.payload_type, &scene.payload()),
    );
    let forged = envelope_of(
        scene.payload_type,
        &scene.payload(),
        &scene.key.fingerprint(),
        armored.as_bytes(),
    );
    finds_a_change(&scene, &forged);
}

#[test]
fn the_key_id_names_the_key_of_the_signature() {
    let scene = Scene::new();
    let honest = scene.envelope();
    let other = SshKey::ed25519("another").fingerprint();
    let forged = honest.replace(&scene.key.fingerprint(), &other);
    assert_ne!(forged, honest);
    let words = ["names another key", &other];
    scene.refuses_bytes(forged.as_bytes(), Code::EnvelopeSignatureInvalid, &words);
}

#[test]
fn the_armor_of_a_signature_has_one_form() {
    let scene = Scene::new();
    let message = pre_authentication(scene.payload_type, &scene.payload());
    let honest = scene.signature.armored(&scene.key, &message);
    let base64: String = honest
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let blob: Vec<u8> = {
        use base64ct::{Base64, Encoding as _};
        Base64::decode_vec(&base64).unwrap()
    };
    for other in [
        armor(&blob, 64),
        honest.replace('\n', "\r\n"),
        honest.clone() + "\n",
        honest.trim_end().to_owned(),
        "before\n".to_owned() + &honest,
        honest.replace("SSH SIGNATURE", "SIGNATURE"),
        base64,
        String::new(),
    ] {
        let forged = envelope_of(
            scene.payload_type,
            &scene.payload(),
            &scene.key.fingerprint(),
            other.as_bytes(),
        );
        let words = ["not an armored SSH signature"];
        scene.refuses_bytes(forged.as_bytes(), Code::EnvelopeSignatureInvalid, &words);
    }
}

#[test]
fn the_file_has_nothing_that_no_signature_covers() {
    let scene = Scene::new();
    let honest = scene.envelope();
    let value: Json = serde_json::from_str(&honest).unwrap();
    let changed = |change: &dyn Fn(&mut Json)| {
        let mut value = value.clone();
        change(&mut value);
        value.to_string()
    };
    let again = value["signatures"][0].clone();
    for (file, word) in [
        (changed(&|it| it["note"] = json!("trust me")), "note"),
        (changed(&|it| it["_type"] = json!("x")), "_type"),
        (
            changed(&|it| it["signatures"][0]["cert"] = json!("")),
            "cert",
        ),
        (changed(&|it| it["signatures"] = json!([])), "0 signatures"),
        (
            changed(&|it| it["signatures"].as_array_mut().unwrap().push(again.clone())),
            "2 signatures",
        ),
        (
            changed(&|it| drop(it["signatures"][0].as_object_mut().unwrap().remove("keyid"))),
            "keyid",
        ),
        (
            changed(&|it| drop(it.as_object_mut().unwrap().remove("payload"))),
            "payload",
        ),
        (changed(&|it| it["payload"] = json!(7)), "string"),
        (
            changed(&|it| it["payload"] = json!(format!("{}\n", it["payload"].as_str().unwrap()))),
            "payload",
        ),
        (format!("{honest}{{}}"), "trailing"),
        (format!("{honest}\0"), "trailing"),
        (
            honest.replacen('{', "{\"payloadType\":\"x\",", 1),
            "stands twice",
        ),
        (
            honest.replacen("\"keyid\"", "\"sig\":\"\",\"keyid\"", 1),
            "stands twice",
        ),
        (format!("[{honest}]"), "no envelope"),
        (
            json!([value["payload"], value["payloadType"], value["signatures"]]).to_string(),
            "not written as DSSE says",
        ),
        ("[]".to_owned(), "no envelope"),
        (String::new(), "no envelope"),
        ("\u{feff}".to_owned() + &honest, "no envelope"),
        ("[".repeat(10_000), "no envelope"),
    ] {
        scene.refuses_bytes(file.as_bytes(), Code::EnvelopeMalformed, &[word]);
    }
    // Other white space, and another order, are the same envelope.
    assert!(
        scene
            .verify(value.to_string().as_bytes())
            .verified
            .is_some()
    );
}

#[test]
fn what_is_signed_is_a_statement_of_the_gate() {
    let mut scene = Scene::new();
    scene.payload_type = "application/vnd.in-toto+json; charset=utf-8";
    scene.refuses(Code::EnvelopeTypeMismatch, &["not a statement"]);
    for (field, value) in [
        ("_type", json!("https://in-toto.io/Statement/v0.1")),
        ("_type", json!(null)),
        ("predicateType", json!("https://slsa.dev/provenance/v1")),
        ("predicateType", json!("urn:countersign:signing-context:v2")),
    ] {
        let mut scene = Scene::new();
        scene.statement[field] = value;
        scene.refuses(Code::EnvelopeTypeMismatch, &[field]);
    }
}

#[test]
fn a_signed_statement_is_whole_and_means_one_thing() {
    let changed = |change: &dyn Fn(&mut Json)| {
        let mut scene = Scene::new();
        change(&mut scene.statement);
        scene
    };
    let other = Digest::of(b"another").to_string();
    let hex = other.strip_prefix("sha256:").unwrap();
    for (scene, words) in [
        (changed(&|it| it["subject"] = json!([])), "subject"),
        (
            changed(&|it| it["subject"] = json!([it["subject"][0], it["subject"][0]])),
            "subject",
        ),
        (
            changed(&|it| it["subject"][0]["digest"]["sha256"] = json!(hex)),
            "subject",
        ),
        (
            changed(&|it| it["subject"][0]["digest"] = json!({ "sha512": hex })),
            "subject",
        ),
        (
            changed(&|it| it["subject"][0]["digest"]["sha1"] = json!("00")),
            "subject",
        ),
        (
            changed(&|it| it["predicate"]["manifest"] = json!(other)),
            "subject",
        ),
        (
            changed(&|it| it["predicate"]["revision"] = json!("7")),
            "statement",
        ),
        (
            changed(&|it| it["predicate"]["revision"] = json!(7.5)),
            "statement",
        ),
        (
            changed(&|it| it["predicate"]["host"] = json!("no host")),
            "host name",
        ),
        (
            changed(&|it| it["predicate"]["waived"] = json!(["everything"])),
            "statement",
        ),
        (
            changed(&|it| it["predicate"]["judged_at"] = json!("2026-07-06T16:15:00+02:00")),
            "/predicate/judged_at",
        ),
        (
            changed(&|it| it["predicate"]["region"] = json!(null)),
            "/predicate/region",
        ),
        (
            changed(&|it| it["predicate"]["audit"] = json!("12")),
            "audit",
        ),
        (
            changed(&|it| drop(it["predicate"].as_object_mut().unwrap().remove("plan"))),
            "plan",
        ),
    ] {
        // What the deserializer passes over without a word is a remark, and never silence.
        let (code, said) = match scene
            .verify(scene.envelope().as_bytes())
            .findings
            .as_slice()
        {
            [finding] => (finding.code, format!("{finding:?}")),
            findings => panic!("{findings:#?}"),
        };
        assert!(
            matches!(code, Code::EnvelopeMalformed | Code::EnvelopeFieldUnknown),
            "{said}"
        );
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_name_that_stands_twice_in_the_payload_is_refused() {
    let scene = Scene::new();
    let honest = String::from_utf8(scene.payload()).unwrap();
    for twice in [
        honest.replacen("\"revision\": 7", "\"revision\": 7, \"revision\": 7", 1),
        honest.replacen('{', "{\"_type\":\"https://in-toto.io/Statement/v1\",", 1),
        honest.replacen("\"sha256\"", "\"sha256\":\"00\",\"sha256\"", 1),
    ] {
        assert_ne!(twice, honest);
        let forged = forge::ssh::envelope(
            scene.payload_type,
            twice.as_bytes(),
            &scene.key,
            &scene.signature,
        );
        scene.refuses_bytes(
            forged.as_bytes(),
            Code::EnvelopeMalformed,
            &["stands twice"],
        );
    }
}

#[test]
fn a_field_of_a_later_version_is_told_and_holds() {
    let mut scene = Scene::new();
    scene.statement["predicate"]["mood"] = json!("good");
    assert_eq!(scene.holds(), [Code::EnvelopeFieldUnknown]);
    let verification = scene.verify(scene.envelope().as_bytes());
    let place = &verification.findings[0].place;
    assert_eq!(place.pointer.as_deref(), Some("/predicate/mood"));
}

#[test]
fn another_manifest_than_the_expected_one_is_refused() {
    let mut scene = Scene::new();
    scene.manifest = Some(Digest::of(b"another"));
    scene.refuses(Code::ManifestDigestMismatch, &["another manifest"]);
    scene.manifest = None;
    scene.holds();
}

#[test]
fn another_policy_than_the_expected_one_is_refused() {
    let mut scene = Scene::new();
    scene.policy = Some(Digest::of(b"another"));
    scene.refuses(Code::PolicyDigestMismatch, &["another policy"]);
    scene.policy = None;
    scene.holds();
}

#[test]
fn an_old_envelope_and_one_of_the_future_are_refused() {
    let mut scene = Scene::new();
    scene.maximum_age = Some(SignedDuration::from_mins(30));
    scene.holds();
    scene.now = instant("2026-07-06T14:45:01Z");
    scene.refuses(Code::EnvelopeNotCurrent, &["too old", "30m"]);
    scene.maximum_age = None;
    scene.now = instant("2036-07-06T14:45:01Z");
    scene.holds();
    scene.now = instant("2026-07-06T14:14:00Z");
    scene.holds();
    scene.now = instant("2026-07-06T14:13:59Z");
    scene.refuses(Code::EnvelopeNotCurrent, &["future", "1m 1s ahead"]);
}

#[test]
fn everything_that_is_wrong_with_a_proven_statement_is_said_at_once() {
    let mut scene = Scene::new();
    scene.manifest = Some(Digest::of(b"another"));
    scene.policy = Some(Digest::of(b"another"));
    scene.maximum_age = Some(SignedDuration::from_secs(1));
    scene.statement["predicate"]["mood"] = json!("good");
    let findings = scene.verify(scene.envelope().as_bytes()).findings;
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(
        codes,
        [
            Code::ManifestDigestMismatch,
            Code::PolicyDigestMismatch,
            Code::EnvelopeNotCurrent,
            Code::EnvelopeFieldUnknown
        ]
    );
}

#[test]
fn a_stranger_does_not_sign() {
    let mut scene = Scene::new();
    scene.key = SshKey::ed25519("a stranger");
    let words = ["not in the list", &scene.key.fingerprint()];
    scene.refuses(Code::EnvelopeSignerNotAllowed, &words);
    scene.allowed = String::new();
    scene.refuses(Code::EnvelopeSignerNotAllowed, &["not in the list"]);
}

#[test]
fn who_signs_is_who_was_asked_for() {
    let mut scene = Scene::new();
    scene.signer = Some("signer-01.acme.example");
    scene.holds();
    scene.signer = Some("signer-02.acme.example");
    let words = ["key of signer-01.acme.example", "signer-02"];
    scene.refuses(Code::EnvelopeSignerNotAllowed, &words);
    // A principal is no pattern: the list has the patterns.
    scene.signer = Some("*");
    scene.refuses(Code::EnvelopeSignerNotAllowed, &[]);
}

#[test]
fn a_key_must_be_valid_when_it_is_asked_and_when_it_signed() {
    let with = |options: &str| {
        let mut scene = Scene::new();
        scene.allowed = signer().allowed("ci", options);
        scene
    };
    assert_eq!(NOW, "2026-07-06T14:45:00Z");
    let refused = Code::EnvelopeSignerNotAllowed;
    with(r#"valid-after="20260706141500Z",valid-before="20260706144500Z""#).holds();
    // Not any more: it signed in its time, but whoever found it since can say so of anything.
    with(r#"valid-before="202607061444Z""#).refuses(refused, &["until 2026-07-06T14:44:00Z"]);
    // Not yet: the statement says that it was made before.
    with(r#"valid-after="202607061416Z""#).refuses(refused, &["from 2026-07-06T14:16:00Z"]);
    with(r#"valid-after="20260707Z""#).refuses(refused, &["which is after 2026-07-06T14:45:00Z"]);
}

/// A scene whose statement is about two products: an archive and a folder.
fn about_products() -> (Scene, [ProductDigest; 2]) {
    let mut scene = Scene::new();
    let archive = ProductDigest {
        algorithm: Algorithm::File,
        digest: Digest::of(b"Rocket.ipa"),
    };
    let folder = ProductDigest {
        algorithm: Algorithm::Folder,
        digest: Digest::of(b"Rocket.app"),
    };
    let subjects = scene.statement["subject"].as_array_mut().unwrap();
    for (name, product) in [("out/Rocket.ipa", archive), ("out/Rocket.app", folder)] {
        let digest = product.digest.to_string();
        let hex = digest.strip_prefix("sha256:").unwrap();
        subjects.push(json!({ "name": name, "digest": { product.algorithm.as_str(): hex } }));
    }
    (scene, [archive, folder])
}

#[test]
fn an_envelope_about_products_holds_for_each_of_them_wherever_it_lies_now() {
    let (mut scene, [archive, folder]) = about_products();
    assert!(scene.holds().is_empty());
    scene.products = vec![
        ("downloaded.ipa".to_owned(), archive),
        ("Rocket.app".to_owned(), folder),
    ];
    assert!(scene.holds().is_empty());
    let verified = scene.verify(scene.envelope().as_bytes()).verified.unwrap();
    let names = verified.statement().products().iter().map(|it| &*it.name);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["out/Rocket.ipa", "out/Rocket.app"]
    );
}

#[test]
fn an_envelope_does_not_hold_for_another_product() {
    let code = Code::ProductDigestMismatch;
    let (mut scene, [archive, _]) = about_products();
    let other = ProductDigest {
        digest: Digest::of(b"another"),
        ..archive
    };
    scene.products = vec![("changed.ipa".to_owned(), other)];
    scene.refuses(code, &["changed.ipa", "out/Rocket.ipa", "out/Rocket.app"]);
    // The same number taken in another way is no digest of the same thing.
    let as_folder = ProductDigest {
        algorithm: Algorithm::Folder,
        ..archive
    };
    scene.products = vec![("Rocket.ipa".to_owned(), as_folder)];
    scene.refuses(code, &["not about this product"]);
    // Nor is one of the gate about any product.
    let mut scene = Scene::new();
    scene.products = vec![("Rocket.ipa".to_owned(), archive)];
    scene.refuses(code, &["about no product", "the run that builds"]);
    // The manifest is none.
    let manifest = ProductDigest {
        algorithm: Algorithm::File,
        digest: super::scene::manifest(),
    };
    scene.products = vec![("profiles.json".to_owned(), manifest)];
    scene.refuses(code, &["about no product"]);
}

#[test]
fn subjects_that_no_run_writes_are_no_products() {
    let hex = "0f".repeat(32);
    for subject in [
        json!({ "name": "a.ipa", "digest": {} }),
        json!({ "name": "a.ipa", "digest": { "sha512": hex } }),
        json!({ "name": "a.ipa", "digest": { "sha256": hex, "sha512": hex } }),
        json!({ "name": "a.ipa", "digest": { "sha256": "0f" } }),
        json!({ "name": "a.ipa", "digest": { "sha256": hex.to_uppercase() } }),
        json!({ "name": "a.ipa", "digest": { "sha256": format!("sha256:{hex}") } }),
        json!({ "name": "out/Rocket.ipa", "digest": { "sha256": hex } }),
        json!({ "name": "profiles.json", "digest": { "sha256": hex } }),
    ] {
        let (mut scene, _) = about_products();
        let subjects = scene.statement["subject"].as_array_mut().unwrap();
        subjects.push(subject);
        scene.refuses(Code::EnvelopeMalformed, &["subject"]);
    }
}
