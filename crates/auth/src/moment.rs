//! A moment as RFC 3339 writes it. It refuses to know what it is the moment of.

use jiff::Timestamp;

/// Unix seconds, fractions of a second dropped; none if the text is no such moment, or is one before 1970.
pub(crate) fn parse(text: &str) -> Option<u64> {
    // The library takes other spellings too, such as names of time zones.
    let (date, rest) = text.split_at_checked(19)?;
    let zone =
        rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let fits = is_shaped(date, "0000-00-00T00:00:00") && (zone == "Z" || is_shaped(zone.get(1..)?, "00:00"));
    if !fits || rest.starts_with(".Z") {
        return None;
    }
    u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok()
}

/// Whether the text has a digit wherever the shape has one, and else the shape's characters.
fn is_shaped(text: &str, shape: &str) -> bool {
    let fits = |(one, shape): (u8, u8)| if shape == b'0' { one.is_ascii_digit() } else { one == shape };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_spelling_of_rfc_3339_is_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-31T12:00:00.987654321Z", Some(1_769_860_800)),
            ("2026-01-31T13:00:00+01:00", Some(1_769_860_800)),
            ("2026-01-31T07:00:00.5-05:00", Some(1_769_860_800)),
            ("9999-12-30T21:59:59Z", Some(253_402_207_199)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-02-30T12:00:00Z", None),
            ("2026-01-31T25:00:00Z", None),
            ("2026-01-31T12:00:00", None),
            ("2026-01-31T12:00Z", None),
            ("2026-01-31 12:00:00Z", None),
            ("2026-01-31t12:00:00z", None),
            ("2026-01-31T12:00:00.Z", None),
            ("2026-01-31T12:00:00+0100", None),
            ("2026-01-31T12:00:00*01:00", None),
            ("2026-01-31T12:00:00+01:00[Europe/Paris]", None),
            ("20260131T120000Z", None),
            ("+002026-01-31T12:00:00Z", None),
            ("1769860800", None),
            ("2026-01-31T12:00:0\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
