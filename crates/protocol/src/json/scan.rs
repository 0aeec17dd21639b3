//! The strict scanner: one pass, no values built, position in and position out. Every rule of
//! [`super::validate`] is here.

use super::Malformed;
use super::keys::{Key, Keys};
use super::string::{escape_end, plain_end, unescape};
use crate::Limits;

/// The scan failed; the scanner knows where and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault;

/// A position after what was scanned.
pub(crate) type Scanned = Result<usize, Fault>;

/// Scans one text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    keys: Keys,
    fault: Malformed,
}

impl<'a> Scanner<'a> {
    /// Lets `scan` look at `text` with a scanner.
    #[inline(always)]
    pub(crate) fn run<T>(text: &'a str, scan: impl FnOnce(&mut Self) -> T) -> T {
        let fault = Malformed { offset: 0, reason: "" };
        let mut scanner = Self { text, keys: Keys::take(), fault };
        let answer = scan(&mut scanner);
        scanner.keys.put_back();
        answer
    }

    /// Why the last scan failed.
    pub(crate) const fn fault(&self) -> Malformed {
        self.fault
    }

    /// Fails at `offset`.
    #[cold]
    pub(crate) fn fail<T>(&mut self, offset: usize, reason: &'static str) -> Result<T, Fault> {
        self.fault = Malformed { offset, reason };
        Err(Fault)
    }

    /// The whole text.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// The part of the text between two positions that a scan answered.
    #[inline(always)]
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        &self.text[start..end]
    }

    /// The byte at `at`; 0, which no JSON has outside of strings, after the end.
    #[inline(always)]
    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// The first position from `at` on that is no whitespace.
    #[inline(always)]
    pub(crate) fn space(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\n' | b'\r' | b'\t') {
            at += 1;
        }
        at
    }

    /// Where a document begins.
    pub(crate) fn start(&mut self) -> Scanned {
        match i32::try_from(self.text.len()) {
            Ok(_) => Ok(self.space(0)),
            Err(_) => self.fail(0, "a text of 2 GiB or more"),
        }
    }

    /// Checks that nothing but whitespace follows.
    #[inline(always)]
    pub(crate) fn end(&mut self, at: usize) -> Scanned {
        let at = self.space(at);
        if at == self.text.len() { Ok(at) } else { self.fail(at, "expected the end of the text") }
    }

    /// Scans any value. `depth` is how many arrays and objects may still open.
    #[inline(always)]
    pub(crate) fn value(&mut self, at: usize, depth: usize) -> Scanned {
        match self.byte(at) {
            b'"' => self.string(at).map(|(end, _)| end + 1),
            b'{' | b'[' => self.nested(at, depth),
            b'-' | b'0'..=b'9' => self.number(at),
            _ => self.word(at),
        }
    }

    /// The only function that calls itself: strings and numbers stay out of its large frame.
    #[inline(never)]
    fn nested(&mut self, at: usize, depth: usize) -> Scanned {
        match self.byte(at) {
            b'{' => self.members(at, depth, |_, _, _, _| Ok(None)),
            _ => self.elements(at, depth, |scanner, at| scanner.value(at, depth - 1)),
        }
    }

    /// Scans the array that opens at `open`, its elements with `element`.
    #[inline(always)]
    pub(crate) fn elements(
        &mut self,
        open: usize,
        depth: usize,
        mut element: impl FnMut(&mut Self, usize) -> Scanned,
    ) -> Scanned {
        if depth == 0 {
            return self.fail(open, "nested too deeply");
        }
        let mut at = self.space(open + 1);
        if self.byte(at) == b']' {
            return Ok(at + 1);
        }
        loop {
            at = element(self, at)?;
            at = self.space(at);
            match self.byte(at) {
                b',' => at = self.space(at + 1),
                b']' => return Ok(at + 1),
                _ => return self.fail(at, "expected ',' or ']' after an element"),
            }
        }
    }

    /// Scans the object that opens at `open`. `member` gets each key unescaped, where it stands and
    /// where its value stands: it scans the values of keys that it knows, and of them it finds
    /// those that stand twice; it answers `None` for all others.
    #[inline(always)]
    pub(crate) fn members(
        &mut self,
        open: usize,
        depth: usize,
        mut member: impl FnMut(&mut Self, &[u8], usize, usize) -> Result<Option<usize>, Fault>,
    ) -> Scanned {
        if depth == 0 {
            return self.fail(open, "nested too deeply");
        }
        let mut at = self.space(open + 1);
        if self.byte(at) == b'}' {
            return Ok(at + 1);
        }
        let base = self.keys.open();
        loop {
            let key = at;
            if self.byte(key) != b'"' {
                return self.fail(key, "expected a key in double quotes");
            }
            let (end, escaped) = self.string(key)?;
            at = self.space(end + 1);
            if self.byte(at) != b':' {
                return self.fail(at, "expected ':' after a key");
            }
            at = self.space(at + 1);
            let taken = if escaped {
                let name = unescape(self.slice(key + 1, end)).into_owned();
                member(self, name.as_bytes(), key, at)?
            } else {
                let text = self.text;
                member(self, &text.as_bytes()[key + 1..end], key, at)?
            };
            at = match taken {
                Some(end) => end,
                None => {
                    if !self.keys.add(base, Key::new(self.text, key + 1, end, escaped), self.text) {
                        return self.twice(key);
                    }
                    self.value(at, depth - 1)?
                }
            };
            at = self.space(at);
            match self.byte(at) {
                b',' => at = self.space(at + 1),
                b'}' => break,
                _ => return self.fail(at, "expected ',' or '}' after a member"),
            }
        }
        match self.keys.close(base, self.text) {
            Ok(()) => Ok(at + 1),
            Err(key) => self.twice(key),
        }
    }

    /// Fails since the key at `key` is not the first of its name in its object.
    #[cold]
    pub(crate) fn twice<T>(&mut self, key: usize) -> Result<T, Fault> {
        self.fail(key, "this key stands twice in one object")
    }

    /// Scans the string that opens at `open`. Answers where its closing quote is, and whether it
    /// has escapes.
    #[inline(always)]
    fn string(&mut self, open: usize) -> Result<(usize, bool), Fault> {
        let at = plain_end(self.text.as_bytes(), open + 1);
        if self.byte(at) == b'"' { Ok((at, false)) } else { self.string_rest(at).map(|end| (end, true)) }
    }

    #[inline(never)]
    fn string_rest(&mut self, mut at: usize) -> Scanned {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b'"') => return Ok(at),
                Some(b'\\') => match escape_end(bytes, at) {
                    Ok(end) => at = plain_end(bytes, end),
                    Err((at, reason)) => return self.fail(at, reason),
                },
                Some(_) => return self.fail(at, "a control character in a string must be escaped"),
                None => return self.fail(at, "expected a closing quote"),
            }
        }
    }

    #[inline(always)]
    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    #[inline(never)]
    fn number(&mut self, start: usize) -> Scanned {
        let first = start + usize::from(self.byte(start) == b'-');
        let mut at = match self.byte(first) {
            b'0' => first + 1,
            b'1'..=b'9' => self.digits(first + 1),
            _ => return self.fail(first, "expected a digit"),
        };
        // Only an exponent or more digits than f64::MAX has can overflow.
        let mut large = at - first > 308;
        if self.byte(at) == b'.' {
            let fraction = at + 1;
            at = self.digits(fraction);
            if at == fraction {
                return self.fail(at, "expected a digit after '.'");
            }
        }
        if let b'e' | b'E' = self.byte(at) {
            let exponent = at + 1 + usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
            at = self.digits(exponent);
            if at == exponent {
                return self.fail(at, "expected a digit in the exponent");
            }
            large = true;
        }
        if large { self.finite(start, at) } else { Ok(at) }
    }

    #[cold]
    fn finite(&mut self, start: usize, end: usize) -> Scanned {
        match self.slice(start, end).parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(end),
            _ => self.fail(start, "a number beyond the range of a double"),
        }
    }

    #[inline(never)]
    fn word(&mut self, at: usize) -> Scanned {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        match rest {
            [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => Ok(at + 4),
            [b'f', b'a', b'l', b's', b'e', ..] => Ok(at + 5),
            [b't' | b'f' | b'n', ..] => {
                self.fail(at, "expected a value: true, false and null are the only words")
            }
            _ => self.fail(at, "expected a value"),
        }
    }
}

/// [`super::validate`].
pub(super) fn validate(text: &str, depth: usize) -> Result<(), Malformed> {
    Scanner::run(text, |scanner| {
        let scanned = scanner
            .start()
            .and_then(|at| scanner.value(at, depth.min(Limits::MAX_DEPTH)))
            .and_then(|at| scanner.end(at));
        scanned.map(|_| ()).map_err(|Fault| scanner.fault())
    })
}
