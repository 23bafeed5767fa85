//! Encodings written out by hand.

use super::*;

fn only_element(bytes: &[u8]) -> Result<Element<'_>, BerError> {
    let mut reader = Reader::new(bytes);
    let element = reader.any("an element")?;
    reader.end("the element")?;
    Ok(element)
}

#[test]
fn a_truncated_element_says_how_much_is_missing_and_where() {
    let error = only_element(&[0x30, 0x05, 0x02, 0x01]).unwrap_err();
    assert_eq!(
        error,
        BerError {
            offset: 0,
            problem: Problem::Truncated { missing: 3 }
        }
    );
    for (bytes, missing) in [
        (&[0x30][..], 1),
        (&[0x30, 0x83], 3),
        (&[0x30, 0x82, 1], 1),
        (&[0x30, 0x84, 1, 1, 1], 1),
    ] {
        let error = only_element(bytes).unwrap_err();
        assert_eq!(error.offset, bytes.len());
        assert_eq!(error.problem, Problem::Truncated { missing }, "{bytes:?}");
    }
}

#[test]
fn an_element_of_unstated_length_names_the_place_of_what_is_cut_off_inside() {
    let cut = |bytes: &[u8]| only_element(bytes).unwrap_err();
    let missing = |offset, missing| BerError {
        offset,
        problem: Problem::Truncated { missing },
    };
    assert_eq!(cut(&[0x30, 0x80, 2, 1, 5, 4, 5, 1, 2]), missing(5, 3));
    assert_eq!(
        cut(&[0x30, 0x80, 2, 1, 5, 0x30, 0x80, 2, 1, 5, 4, 5, 1]),
        missing(10, 4)
    );
}

#[test]
fn tags_and_identifiers_print_as_the_standards_write_them() {
    for (tag, printed) in [
        (0x30, "SEQUENCE"),
        (0x1e, "[UNIVERSAL 30]"),
        (0x5f, "[APPLICATION 31]"),
        (0xa3, "[3]"),
        (0xc1, "[PRIVATE 1]"),
    ] {
        assert_eq!(Tag(tag).to_string(), printed);
        assert_eq!(format!("{:?}", Tag(tag)), printed);
    }
    assert_eq!(format!("{:?}", Oid(&[0x2a, 3])), "1.2.3");
}

#[test]
fn a_tag_of_more_than_one_byte_is_refused() {
    for tag in [0x1f, 0x3f, 0x5f, 0xbf] {
        let error = only_element(&[tag, 0x01, 0x00]).unwrap_err();
        assert_eq!(error.problem, Problem::Tag(tag));
    }
}

/// What an element holds may be a secret, and is long.
#[test]
fn an_element_prints_its_tag_its_place_and_its_size() {
    let printed = format!("{:?}", only_element(&[0x04, 2, b'h', b'i']).unwrap());
    assert_eq!(printed, format!("{} at 0 (2 bytes)", Tag::OCTET_STRING));
}

#[test]
fn a_constructed_string_is_joined() {
    let bytes = [
        0x24, 0x80, 0x04, 1, b'a', 0x24, 4, 0x04, 2, b'b', b'c', 0, 0,
    ];
    let element = only_element(&bytes).unwrap();
    assert_eq!(
        element.string(Tag::OCTET_STRING, "s").unwrap().as_ref(),
        b"abc"
    );
}

#[test]
fn an_end_of_contents_in_a_definite_element_is_refused() {
    let bytes = [0x30, 0x04, 0, 0, 0x05, 0];
    let mut inside = only_element(&bytes).unwrap().reader().unwrap();
    assert_eq!(
        inside.next().unwrap_err(),
        BerError {
            offset: 2,
            problem: Problem::Tag(0)
        }
    );
}

#[test]
fn nesting_has_a_floor() {
    let bytes = [0x30, 0x80].repeat(1_000);
    assert_eq!(only_element(&bytes).unwrap_err().problem, Problem::TooDeep);
}

#[test]
fn a_primitive_element_cannot_be_indefinite() {
    assert_eq!(
        only_element(&[0x04, 0x80, 0, 0]).unwrap_err().problem,
        Problem::Length
    );
}

#[test]
fn trailing_data_are_refused() {
    assert_eq!(
        only_element(&[0x05, 0, 0x05, 0]).unwrap_err(),
        BerError {
            offset: 2,
            problem: Problem::Trailing("the element")
        }
    );
}

#[test]
fn times_read_in_both_spellings_and_only_if_they_exist() {
    let time = |tag: u8, text: &str| {
        let mut bytes = vec![tag, u8::try_from(text.len()).unwrap()];
        bytes.extend_from_slice(text.as_bytes());
        only_element(&bytes).unwrap().time().map(|t| t.to_string())
    };
    assert_eq!(time(0x17, "250929143157Z").unwrap(), "2025-09-29T14:31:57Z");
    assert_eq!(time(0x17, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
    assert_eq!(
        time(0x18, "20560101000000Z").unwrap(),
        "2056-01-01T00:00:00Z"
    );
    for bad in [
        "250230000000Z",
        "2509291431Z",
        "250929143157+0100",
        "25092914315xZ",
        "",
    ] {
        assert!(time(0x17, bad).is_err(), "{bad}");
    }
}

#[test]
fn integers_have_a_sign_and_at_most_64_bits() {
    let integer = |bytes: &[u8]| only_element(bytes).unwrap().integer();
    assert_eq!(integer(&[2, 1, 0xff]).unwrap(), -1);
    assert_eq!(integer(&[2, 2, 0x01, 0x6c]).unwrap(), 364);
    assert!(integer(&[2, 0]).is_err());
    assert!(integer(&[2, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]).is_err());
}

/// X.690 forbids padding in BER too, and OpenSSL refuses it.
#[test]
fn what_is_padded_is_malformed() {
    for padded in [&[2, 2, 0, 0x7f][..], &[2, 2, 0xff, 0x80]] {
        assert!(only_element(padded).unwrap().integer().is_err());
        assert!(only_element(padded).unwrap().integer_bytes().is_err());
    }
    for whole in [&[2, 2, 0, 0x80][..], &[2, 2, 0xff, 0x7f], &[2, 1, 0]] {
        assert!(only_element(whole).unwrap().integer_bytes().is_ok());
    }
    for padded in [&[6, 2, 0x80, 0x01][..], &[6, 3, 0x2a, 0x80, 0x01]] {
        assert!(only_element(padded).unwrap().oid().is_err());
    }
    assert!(
        only_element(&[6, 3, 0x2a, 0x81, 0x80])
            .unwrap()
            .oid()
            .is_err()
    );
    assert!(
        only_element(&[6, 4, 0x2a, 0x81, 0x80, 0x01])
            .unwrap()
            .oid()
            .is_ok()
    );
}

#[test]
fn a_walk_looks_into_what_it_knows() {
    let walk = |inside: &[u8]| {
        let length = u8::try_from(inside.len()).unwrap();
        only_element(&[&[0x30, length], inside].concat())
            .unwrap()
            .walk()
    };
    for good in [
        &[5, 0][..],
        &[1, 1, 0xff],
        &[2, 1, 5],
        &[6, 1, 0x2a],
        &[0x80, 1, 0],
    ] {
        assert!(walk(good).is_ok(), "{good:?}");
    }
    for bad in [
        &[5, 1, 0][..],
        &[5, 0x81, 0],
        &[0x30, 0x84, 0, 0, 0, 0],
        &[1, 0],
        &[1, 2, 0, 0],
        &[2, 2, 0, 5],
        &[6, 1, 0x80],
        &[6, 0],
    ] {
        assert!(walk(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_bit_string_of_whole_bytes_leaves_no_bits_over() {
    let bytes = |bytes: &'static [u8]| only_element(bytes).unwrap().whole_bytes();
    assert_eq!(bytes(&[3, 3, 0, 7, 8]).unwrap(), [7, 8]);
    assert_eq!(bytes(&[3, 1, 0]).unwrap(), b"");
    for bad in [&[3, 2, 1, 8][..], &[3, 0], &[4, 1, 0]] {
        assert!(bytes(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn oids_print_their_dots() {
    let oid = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x0c, 0x13]);
    assert_eq!(oid.to_string(), "1.2.840.113635.100.12.19");
    assert_eq!(Oid(&[0x88, 0x37]).to_string(), "2.999");
}

#[test]
fn reencoding_an_indefinite_set_gives_its_definite_form() {
    let indefinite = [
        0xa0, 0x80, 0x30, 0x80, 0x24, 0x80, 0x04, 1, b'a', 0, 0, 0, 0, 0, 0,
    ];
    let element = only_element(&indefinite).unwrap();
    assert!(!element.is_definite().unwrap());
    assert_eq!(
        element.to_definite(Tag::SET, usize::MAX).unwrap(),
        [0x31, 5, 0x30, 3, 0x04, 1, b'a']
    );
}

#[test]
fn below_the_levels_that_are_reencoded_only_strings_are() {
    // A set of a sequence in a long length, in which an indefinite sequence and a string in parts stand.
    let bytes = [
        0x31, 0x80, 0x30, 0x81, 9, 0x30, 0x80, 0, 0, 0x24, 3, 0x04, 1, b'a', 0, 0,
    ];
    let element = only_element(&bytes).unwrap();
    assert_eq!(
        element.to_definite(Tag::SET, 2).unwrap(),
        [0x31, 9, 0x30, 7, 0x30, 0x80, 0, 0, 0x04, 1, b'a']
    );
    assert_eq!(
        element.to_definite(Tag::SET, usize::MAX).unwrap(),
        [0x31, 7, 0x30, 5, 0x30, 0, 0x04, 1, b'a']
    );
    assert_eq!(
        element.to_definite(Tag::SET, 1).unwrap(),
        [
            0x31, 12, 0x30, 0x81, 9, 0x30, 0x80, 0, 0, 0x24, 3, 0x04, 1, b'a'
        ]
    );
}

#[test]
fn lengths_are_reencoded_in_as_few_bytes_as_they_need() {
    // A string whose length is longer than it need be, in the last level that is re-encoded.
    let element = only_element(&[0x30, 4, 0x04, 0x81, 1, b'a']).unwrap();
    assert_eq!(
        element.to_definite(Tag::SEQUENCE, 1).unwrap(),
        [0x30, 3, 0x04, 1, b'a']
    );
    for (length, octets) in [
        (0x7f, &[0x7f][..]),
        (0x80, &[0x81, 0x80]),
        (0xff, &[0x81, 0xff]),
        (0x100, &[0x82, 1, 0]),
        (0x1_0000, &[0x83, 1, 0, 0]),
    ] {
        let contents = vec![b'a'; length];
        let bytes = [&[0x04, 0x84, 0][..], &length.to_be_bytes()[5..], &contents].concat();
        let element = only_element(&bytes).unwrap();
        assert_eq!(
            element.to_definite(Tag::OCTET_STRING, 1).unwrap(),
            [&[0x04], octets, &contents].concat()
        );
    }
}

#[test]
fn definite_is_told_at_every_depth() {
    let nested = |inside: &[u8], times: usize| {
        (0..times).fold(inside.to_vec(), |inside, _| {
            let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82], &length[..], &inside].concat()
        })
    };
    let is_definite = |bytes: &[u8]| only_element(bytes)?.is_definite();
    for (inside, definite) in [
        (&[0x02, 1, 5, 0x05, 0][..], true),
        (&[0x02, 1, 5, 0x30, 0x80, 0, 0], false),
        (&[0x02, 1, 5, 0x24, 3, 0x04, 1, b'a'], false),
    ] {
        assert_eq!(is_definite(&nested(inside, 3)), Ok(definite), "{inside:?}");
    }
    for times in 0..4 {
        let alone = nested(&[0x30, 0x80, 0, 0], times);
        assert_eq!(is_definite(&alone), Ok(false), "{times}");
    }
    assert!(is_definite(&nested(&[0x02, 2, 5], 3)).is_err());
    assert_eq!(is_definite(&nested(&[0x05, 0], MAX_DEPTH)), Ok(true));
    assert_eq!(
        is_definite(&nested(&[0x05, 0], MAX_DEPTH + 1)).map_err(|error| error.problem),
        Err(Problem::TooDeep)
    );
}
