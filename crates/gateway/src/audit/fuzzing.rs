//! The reader of audit logs under fire.

use super::chain::Chain;
use super::verify::Walk;
use std::path::Path;

/// Nothing that was put into a whole log is overlooked: the input is a log, and a line of a real one before it.
///
/// # Panics
/// It is.
pub fn audit(input: &[u8]) {
    let verified = |log: &[u8]| {
        let mut walk = Walk::default();
        walk.read(Path::new("log"), log).and_then(|()| walk.end())
    };
    // Whatever comes is read to its end.
    let _ = verified(input);
    let (first, next) = Chain::default().close(r#"{"seq":1,"event":"connect"}"#);
    let (second, last) = next.close(r#"{"seq":2,"event":"refuse"}"#);
    let log = [first.as_bytes(), b"\n", second.as_bytes(), b"\n"].concat();
    assert!(verified(&log).is_ok_and(|whole| whole.lines == 2 && whole.hash == last.hash));
    // The input stands where something was removed or added.
    let middle = [first.as_bytes(), b"\n", input, b"\n", second.as_bytes(), b"\n"].concat();
    assert!(verified(&middle).is_err(), "a line was added");
    if let Ok(behind) = verified(&[&log[..], input].concat()) {
        // Whoever can hash may go on with a chain, and never at another place than behind it.
        assert!(behind.hash != last.hash || input.is_empty(), "a line was added behind the last");
    }
}
