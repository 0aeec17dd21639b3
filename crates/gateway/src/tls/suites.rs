//! Cipher suites by the names that IANA gave them.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;

/// The name of a suite.
pub(super) fn name(suite: &SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or("unnamed");
    name.strip_prefix("TLS13_").map_or_else(|| name.to_owned(), |rest| format!("TLS_{rest}"))
}

/// All that are known.
pub(crate) fn names() -> Vec<String> {
    ALL_CIPHER_SUITES.iter().map(name).collect()
}

/// The suites of these names, in this order; unknown ones are left out.
pub(super) fn of_names(wanted: &[String]) -> Vec<SupportedCipherSuite> {
    let find = |wanted: &String| ALL_CIPHER_SUITES.iter().find(|suite| name(suite) == *wanted).copied();
    wanted.iter().filter_map(find).collect()
}
