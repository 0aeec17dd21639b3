//! JSON syntax: what is accepted, what is refused, and where it is said to be wrong.

use protocol::json::{member, members, validate};

#[track_caller]
fn check_accepted(texts: &[&str]) {
    for text in texts {
        assert_eq!(validate(text, 64), Ok(()), "{text}");
        serde_json::from_str::<serde_json::Value>(text).expect(text);
    }
}

/// Each text is refused at the offset, for a reason that holds the words.
#[track_caller]
fn check_refused(cases: &[(&str, usize, &str)]) {
    for (text, offset, words) in cases {
        let fault = validate(text, 64).expect_err(text);
        assert_eq!(fault.offset, *offset, "{text}: {fault}");
        assert!(fault.reason.contains(words), "{text}: {fault}");
    }
}

#[test]
fn every_kind_of_value_is_accepted() {
    check_accepted(&[
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-3.5",
        "1e5",
        "1E+5",
        "1.25e-300",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        " \t\r\n[ 1 , \"b\" , null ] ",
        "{ \"a\" : { \"b\" : [ ] } }",
        "{\"\":1}",
        "[[[]]]",
        "\"ünï¢ode 🦀\"",
    ]);
}

#[test]
fn escapes_are_accepted_as_the_rfc_lists_them() {
    check_accepted(&[
        r#""\" \\ \/ \b \f \n \r \t \u00e9 \uD83E\uDD80 \u0000""#,
        r#""twenty plain bytes, then\n""#,
    ]);
}

#[test]
fn broken_structure_is_refused_where_it_breaks() {
    check_refused(&[
        ("", 0, "expected a value"),
        ("  ", 2, "expected a value"),
        ("{", 1, "expected a key"),
        ("{\"a\" 1}", 5, "expected ':' after a key"),
        ("{\"a\":}", 5, "expected a value"),
        ("{\"a\":1,}", 7, "expected a key"),
        ("{\"a\":1 \"b\":2}", 7, "expected ',' or '}'"),
        ("{a:1}", 1, "expected a key"),
        ("{\"a\":1", 6, "expected ',' or '}'"),
        ("[1,]", 3, "expected a value"),
        ("[1 2]", 3, "expected ',' or ']'"),
        ("[1", 2, "expected ',' or ']'"),
        ("[1}", 2, "expected ',' or ']'"),
        ("1 2", 2, "expected the end"),
        ("{}}", 2, "expected the end"),
        ("{}\0", 2, "expected the end"),
        ("nul", 0, "words"),
        ("nulL", 0, "words"),
        ("truex", 4, "expected the end"),
        ("\u{feff}{}", 0, "expected a value"),
        ("'a'", 0, "expected a value"),
        ("[1,\u{a0}2]", 3, "expected a value"),
        ("// no\n1", 0, "expected a value"),
        ("NaN", 0, "expected a value"),
    ]);
}

#[test]
fn numbers_follow_the_grammar_and_fit_a_double() {
    check_refused(&[
        ("01", 1, "expected the end"),
        ("-", 1, "expected a digit"),
        ("+1", 0, "expected a value"),
        (".5", 0, "expected a value"),
        ("1.", 2, "expected a digit after '.'"),
        ("1e", 2, "exponent"),
        ("1e+", 3, "exponent"),
        ("0x10", 1, "expected the end"),
        ("1e999", 0, "beyond the range"),
        ("[-1e309]", 1, "beyond the range"),
    ]);
    check_accepted(&["1e308", "1e-999", "-1.7e308", "0e999"]);
    let digits = |count| "9".repeat(count);
    assert_eq!(validate(&digits(308), 64), Ok(()));
    assert!(validate(&digits(310), 64).is_err());
}

#[test]
fn strings_are_refused_for_bad_escapes_and_control_characters() {
    check_refused(&[
        ("\"abc", 4, "closing quote"),
        ("\"abc\\\"", 6, "closing quote"),
        ("\"a\nb\"", 2, "control character"),
        ("\"twenty plain bytes..\u{1}\"", 21, "control character"),
        (r#""\x""#, 1, "unknown escape"),
        (r#""\""#, 3, "closing quote"),
        (r#""a\u12g4""#, 2, "hexadecimal"),
        (r#""\u+123""#, 1, "hexadecimal"),
        (r#""\u12"#, 1, "hexadecimal"),
        (r#""\ud800""#, 1, "surrogate"),
        (r#""\ud800\n""#, 1, "surrogate"),
        (r#""\ud800\u0041""#, 1, "surrogate"),
        (r#""\ud800\ud800""#, 1, "surrogate"),
        (r#""\udc00""#, 1, "surrogate"),
    ]);
    // A delete character is no control character in JSON.
    check_accepted(&["\"\u{7f}\""]);
}

#[test]
fn a_key_that_stands_twice_in_one_object_is_refused_at_any_level() {
    check_refused(&[
        (r#"{"a":1,"a":2}"#, 7, "twice"),
        (r#"{"a":1,"\u0061":2}"#, 7, "twice"),
        (r#"{"\u0061":1,"a":2}"#, 12, "twice"),
        (r#"[{"x":[{"a":1,"b":{},"a":2}]}]"#, 21, "twice"),
        (r#"{"a long key name":1,"a long key name":2}"#, 21, "twice"),
        (r#"{"":1,"":2}"#, 6, "twice"),
    ]);
    check_accepted(&[
        r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"a long key nam1":1,"a long key nam2":2}"#,
        r#"{"abcdefgh":1,"abcdefghi":1,"abcdefg":1}"#,
    ]);
}

#[test]
fn a_key_that_stands_twice_among_many_is_refused() {
    for count in [15, 16, 17, 18, 40, 2000] {
        for escaped in [false, true] {
            let distinct: Vec<_> = (0..count).map(|n| format!(r#""key number {n}":{{"k":{n}}}"#)).collect();
            let text = format!("{{{}}}", distinct.join(","));
            assert_eq!(validate(&text, 64), Ok(()), "{count} keys");
            let again = if escaped { r#""\u006bey number 3":0"# } else { r#""key number 3":0"# };
            let text = format!("{{{},{again}}}", distinct.join(","));
            let fault = validate(&text, 64).expect_err("a key stands twice");
            assert_eq!(fault.offset, text.len() - again.len() - 1, "{count} keys: {fault}");
        }
    }
}

#[test]
fn many_keys_that_look_alike_do_not_cost_quadratic_time() {
    // Compared pairwise these would take minutes.
    let keys: Vec<_> = (0..100_000).map(|n| format!(r#""same beginning {n:06}":0"#)).collect();
    assert_eq!(validate(&format!("{{{}}}", keys.join(",")), 64), Ok(()));
}

#[test]
fn nesting_is_accepted_up_to_the_depth_and_no_deeper() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    for nest in [nested as fn(usize) -> String, objects] {
        assert_eq!(validate(&nest(64), 64), Ok(()));
        assert_eq!(validate(&nest(65), 64).expect_err("too deep").reason, "nested too deeply");
        assert_eq!(validate(&nest(1), 1), Ok(()));
        assert!(validate(&nest(1), 0).is_err());
        // The stack stays bounded whatever depth was configured.
        assert!(validate(&nest(1_000_000), usize::MAX).is_err());
    }
}

#[test]
fn the_fault_is_told_with_its_place() {
    let fault = validate(r#"{"params":{"name"1}}"#, 64).expect_err("no colon");
    assert_eq!(fault.to_string(), "invalid JSON at byte 17: expected ':' after a key");
}

#[test]
fn members_are_found_without_building_the_object() {
    let object = r#" { "a" : [1,{"b":"]}"}] ,"\u0062\n":"x\"y", "c":-1.5e3 ,"d":{} } "#;
    let found: Vec<_> = members(object).map(|(key, value)| (key.into_owned(), value)).collect();
    let expected = [("a", r#"[1,{"b":"]}"}]"#), ("b\n", r#""x\"y""#), ("c", "-1.5e3"), ("d", "{}")];
    assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(member(object, "c"), Some("-1.5e3"));
    assert_eq!(member(object, "e"), None);
    for other in ["[]", "1", "\"{\"", "null", "{}", ""] {
        assert_eq!(members(other).count(), 0, "{other}");
    }
}
