//! A short run of every fuzz target on any toolchain: its seeds, and changes of them that are the same each time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Changed inputs for each target.
const CHANGED: usize = 2_000;

/// No input is longer.
const LONGEST: usize = 4_096;

/// What decoders trip over: ends of ranges, marks of formats, and letters of several bytes.
const WORDS: [&[u8]; 20] = [
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x80",
    b"\r\n",
    b"\n",
    b"\"",
    b"\\u0000",
    b"{}",
    b"[]",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"..",
    b"%00",
    b"=",
    b"*",
    "é".as_bytes(),
    "\u{1F980}".as_bytes(),
];

/// A generator of numbers that begins with a text (xorshift64*).
struct Dice(u64);

impl Dice {
    fn of(name: &str) -> Self {
        Self(
            name.bytes().fold(0x9E37_79B9_7F4A_7C15, |sum, byte| {
                (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
            }),
        )
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// What is in a folder, in the order of names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

fn changed(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        match dice.below(6) {
            0 if at < input.len() => input[at] ^= 1 << dice.below(8),
            1 if at < input.len() => input[at] = dice.below(256) as u8,
            2 => input.truncate(at),
            3 => drop(input.splice(at..at, WORDS[dice.below(WORDS.len())].iter().copied())),
            4 => {
                let end = at + dice.below(input.len() - at + 1);
                input.drain(at..end);
            }
            _ => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len() + 1);
                input.splice(at..at, other[from..].iter().copied());
            }
        }
    }
    input.truncate(LONGEST);
    input
}

fn smoke(target: &str) {
    let paths = files(&fuzz().join("corpus").join(target));
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("a seed can be read")).collect();
    assert!(seeds.len() >= 4, "{target} has {} seeds", seeds.len());
    let try_out = |input: &[u8]| {
        let outcome = std::panic::catch_unwind(|| targets::run(target, input));
        assert!(outcome.is_ok(), "{target} breaks its promise on b\"{}\"", input.escape_ascii());
    };
    seeds.iter().for_each(|seed| try_out(seed));
    let mut dice = Dice::of(target);
    for _ in 0..CHANGED {
        try_out(&changed(&seeds, &mut dice));
    }
}

macro_rules! smoke {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            smoke(stringify!($name));
        })*

        #[test]
        fn every_target_is_known_to_libfuzzer_and_has_seeds_and_a_test() {
            let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
            let known = named(&targets::ALL.map(|(name, _)| name));
            assert_eq!(known, named(&[$(stringify!($name)),*]), "tests");
            let stems = |folder: &str| {
                let entries = fs::read_dir(fuzz().join(folder)).expect("the folder is there");
                let paths = entries.map(|entry| entry.expect("the folder can be read").path());
                paths.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect::<BTreeSet<_>>()
            };
            assert_eq!(stems("fuzz_targets"), known, "fuzz/fuzz_targets");
            assert_eq!(stems("corpus"), known, "fuzz/corpus");
            let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest is there");
            for name in &known {
                let path = fuzz().join("fuzz_targets").join(format!("{name}.rs"));
                let text = fs::read_to_string(path).expect("the file is there");
                assert!(text.contains(&format!("targets::run(\"{name}\", ")), "{name}.rs runs another target");
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is no [[bin]]");
            }
        }
    };
}

smoke! {
    api_keys audit binary_decode call_events call_requests certificates claims cursor descriptions discovery event_names
    forwarded frames inflate jwks mcp_cursors mcp_edits mcp_headers mcp_messages merge_patch params proxy replies rest search streamable text_decode
    tickets tokens traceparent upgrade
}
