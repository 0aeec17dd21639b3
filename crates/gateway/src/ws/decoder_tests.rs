use super::*;
use proptest::prelude::*;

const RULES: Rules = Rules { max_frame: 70_000, max_message: 80_000, max_fragments: 4 };
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// What was taken out, owned.
#[derive(Clone, Debug, PartialEq)]
enum Taken {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

/// A masked frame whose head declares `len`, in its shortest form.
fn head(first: u8, len: usize) -> Vec<u8> {
    let mut frame = vec![first];
    match len {
        0..=125 => frame.push(0x80 | len as u8),
        126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len());
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Feeds the parts one after the other.
fn decode(parts: &[&[u8]]) -> Result<Vec<Taken>, Violation> {
    let (mut decoder, mut spare, mut taken) = (Decoder::default(), Spare::default(), Vec::new());
    for part in parts {
        let (mut input, mut at) = (part.to_vec(), 0);
        while let Some(incoming) = decoder.next(&mut input, &mut at, &RULES, &mut spare, Tick::START)? {
            taken.push(match incoming {
                Incoming::Text(text) => Taken::Text(text.to_owned()),
                Incoming::Binary(bytes) => Taken::Binary(bytes.to_vec()),
                Incoming::Ping(payload) => Taken::Ping(payload.to_vec()),
                Incoming::Pong(_) => Taken::Pong,
                Incoming::Close(code) => Taken::Close(code),
            });
        }
        assert_eq!(at, part.len(), "all of the input is consumed");
    }
    Ok(taken)
}

fn check(parts: &[&[u8]], expected: Result<&[Taken], Violation>) {
    let whole: Vec<u8> = parts.concat();
    assert_eq!(decode(&[&whole]).as_deref().map_err(|violation| *violation), expected, "whole");
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!(decode(&bytes).as_deref().map_err(|violation| *violation), expected, "byte by byte");
}

#[test]
fn messages_and_control_frames_are_taken_in_order() {
    check(
        &[
            &frame(0x81, b"hi"),
            &frame(0x82, &[0; 126]),
            &frame(0x82, &[7; 65_536]),
            &frame(0x89, b"p"),
            &frame(0x8A, b""),
            &frame(0x88, &[0x03, 0xE8, b'x']),
        ],
        Ok(&[
            Taken::Text("hi".into()),
            Taken::Binary(vec![0; 126]),
            Taken::Binary(vec![7; 65_536]),
            Taken::Ping(b"p".to_vec()),
            Taken::Pong,
            Taken::Close(Some(1000)),
        ]),
    );
}

#[test]
fn control_frames_may_stand_between_fragments() {
    check(
        &[&frame(0x01, "ä".as_bytes()), &frame(0x89, b"1"), &frame(0x00, b""), &frame(0x80, b"!")],
        Ok(&[Taken::Ping(b"1".to_vec()), Taken::Text("ä!".into())]),
    );
}

#[test]
fn a_character_may_be_split_over_fragments_but_not_over_messages() {
    let bytes = "€".as_bytes();
    check(&[&frame(0x01, &bytes[..1]), &frame(0x80, &bytes[1..])], Ok(&[Taken::Text("€".into())]));
    check(&[&frame(0x01, &bytes[..1]), &frame(0x80, b"")], Err(Violation::NotUtf8));
    check(&[&frame(0x81, &bytes[..2])], Err(Violation::NotUtf8));
}

#[test]
fn text_that_is_not_utf8_is_refused_at_the_byte_that_breaks_it() {
    // The frame declares 100 bytes; the second one is wrong and no more come.
    let mut cut = head(0x81, 100);
    cut.extend([b'a' ^ MASK[0], 0xFF ^ MASK[1]]);
    check(&[&cut], Err(Violation::NotUtf8));
}

#[test]
fn what_the_rfc_forbids_is_refused() {
    let unmasked = [0x81, 0x01, b'a'];
    let long = |len: [u8; 2], tail: &[u8]| [&[0x82][..], &len, tail].concat();
    for (bytes, violation) in [
        (unmasked.to_vec(), Violation::Unmasked),
        (frame(0xC1, b"a"), Violation::ReservedBits),
        (frame(0xA1, b"a"), Violation::ReservedBits),
        (frame(0x91, b"a"), Violation::ReservedBits),
        (frame(0x83, b"a"), Violation::ReservedOpcode),
        (frame(0x8F, b"a"), Violation::ReservedOpcode),
        (frame(0x89, &[0; 126]), Violation::LongControl),
        (frame(0x8A, &[0; 126]), Violation::LongControl),
        (frame(0x88, &[0; 126]), Violation::LongControl),
        (frame(0x09, b""), Violation::FragmentedControl),
        (frame(0x80, b"a"), Violation::OrphanContinuation),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), Violation::Interleaved),
        (long([0xFE, 0], &[125]), Violation::LongLength),
        (long([0xFF, 0], &[0, 0, 0, 0, 0, 0xFF, 0xFF]), Violation::LongLength),
        (long([0xFF, 0x80], &[0; 7]), Violation::NegativeLength),
        (frame(0x88, &[3]), Violation::ShortClose),
        (frame(0x88, &[0, 0]), Violation::BadCloseCode),
        (frame(0x88, &1005_u16.to_be_bytes()), Violation::BadCloseCode),
        (frame(0x88, &5000_u16.to_be_bytes()), Violation::BadCloseCode),
        (frame(0x88, &[0x03, 0xE8, 0xFF]), Violation::NotUtf8),
    ] {
        check(&[&bytes], Err(violation));
    }
}

#[test]
fn sizes_hold_at_the_limit_and_one_past_it() {
    let exact = frame(0x82, &vec![1; RULES.max_frame]);
    assert!(decode(&[&exact]).is_ok());
    check(&[&head(0x82, RULES.max_frame + 1)], Err(Violation::FrameTooBig));

    let first = frame(0x02, &vec![1; RULES.max_frame]);
    let rest = RULES.max_message - RULES.max_frame;
    let fits = frame(0x80, &vec![2; rest]);
    assert!(decode(&[&first, &fits]).is_ok());
    check(&[&first, &head(0x80, rest + 1)], Err(Violation::MessageTooBig));
}

#[test]
fn fragments_are_counted_also_when_they_are_empty() {
    let fits = [frame(0x01, b""), frame(0x00, b""), frame(0x00, b""), frame(0x80, b"")].concat();
    check(&[&fits], Ok(&[Taken::Text(String::new())]));
    let over = [frame(0x01, b""), frame(0x00, b"").repeat(4)].concat();
    check(&[&over], Err(Violation::TooManyFragments));
}

#[test]
fn nothing_is_kept_between_messages() {
    let (mut decoder, mut spare) = (Decoder::default(), Spare::default());
    let message = [frame(0x01, b"a"), frame(0x80, b"b")].concat();
    for byte in &message {
        let mut input = [*byte];
        let _ =
            decoder.next(&mut input, &mut 0, &RULES, &mut spare, Tick::at(500)).expect("no rule is broken");
        decoder.park(&mut spare);
    }
    assert_eq!(decoder.since(), None);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_messages(
        frames in prop::collection::vec((0_u8..=15, any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|(opcode, fin, payload)| frame(opcode | u8::from(*fin) << 7, payload))
            .collect();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.push(0);
        at.push(bytes.len());
        at.sort_unstable();
        let parts: Vec<&[u8]> = at.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(decode(&parts), decode(&[&bytes]));
    }

    #[test]
    fn arbitrary_bytes_never_panic(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..8)) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let _ = decode(&parts);
    }
}
