//! Where a backend can be dialled. Pure text: nothing is resolved here.
use crate::Error;

/// Brings `host:port`, `http://host:port` or `https://host:port` into the one form that is dialled, `http://host:port` or
/// `https://host:port`.
///
/// # Errors
/// [`Error::Address`] for another scheme, a missing or zero port, an empty host, a path, a query or
/// a user name.
pub fn normalise(address: &str) -> Result<String, Error> {
    let refuse = |reason| Err(Error::Address { address: address.chars().take(200).collect(), reason });
    let text = address.trim();
    let (scheme, authority) = match text.split_once("://") {
        None => ("http", text),
        Some((scheme, rest)) => {
            let known = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
            let Some(known) = known else { return refuse("has a scheme other than http and https") };
            (known, rest.strip_suffix('/').unwrap_or(rest))
        }
    };
    if authority.contains(['/', '?', '#']) {
        return refuse("has a path or a query");
    }
    if authority.contains('@') {
        return refuse("has a user name");
    }
    let Some((host, port)) = authority.rsplit_once(':') else {
        return refuse("has no port");
    };
    match port.parse::<u16>() {
        Ok(0) => return refuse("has port 0"),
        Ok(_) if port.bytes().all(|byte| byte.is_ascii_digit()) => {}
        _ => return refuse("has a port that is not a number from 1 to 65535"),
    }
    if let Some(inner) = host.strip_prefix('[') {
        let v6 = inner.strip_suffix(']').and_then(|inner| inner.parse::<std::net::Ipv6Addr>().ok());
        if v6.is_none() {
            return refuse("has brackets around what is not an IPv6 address");
        }
    } else if host.is_empty() {
        return refuse("has no host");
    } else if host.contains(':') {
        return refuse("has an IPv6 address without brackets, or two ports");
    } else if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
        return refuse("has a host that is neither a DNS name nor an IP address");
    }
    Ok(format!("{scheme}://{}:{port}", host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_becomes_one() {
        for (given, normal) in [
            ("127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("HTTP://Tools.Local:80/", "http://tools.local:80"),
            (" tools_a:1 ", "http://tools_a:1"),
            ("[::1]:9000", "http://[::1]:9000"),
            ("https://127.0.0.1:9000", "https://127.0.0.1:9000"),
            ("HTTPS://Tools.Local:443/", "https://tools.local:443"),
        ] {
            assert_eq!(normalise(given), Ok(normal.to_owned()), "{given}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (given, reason) in [
            ("", "no port"),
            ("tools", "no port"),
            (":9000", "no host"),
            ("tools:0", "port 0"),
            ("tools:99999", "not a number"),
            ("tools:+5", "not a number"),
            ("https://tools", "no port"),
            ("ftp://tools:1", "scheme"),
            ("http://tools:1/x", "path"),
            ("a@tools:1", "user"),
            ("::1:9000", "brackets"),
            ("[::zz]:1", "IPv6"),
            ("to ols:1", "DNS"),
        ] {
            let error = normalise(given).expect_err(given).to_string();
            assert!(error.contains(reason), "{given}: {error}");
        }
    }
}
