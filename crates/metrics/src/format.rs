//! Which text a scraper is given, by what it says that it accepts.

/// A form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0, which has exemplars.
    OpenMetrics,
}

impl Format {
    /// The `Content-Type` of the text.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What is preferred by a header `Accept`. Prometheus' own where both are liked alike, and where neither is named.
    pub fn preferred(accept: &str) -> Self {
        let quality =
            |format| accept.split(',').filter_map(|range| liking(range, format)).max().map_or(0, |(_, q)| q);
        if quality(Self::OpenMetrics) > quality(Self::Prometheus) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }
}

/// How exactly a media range names this format, and its quality in thousandths. `None`: not at all.
fn liking(range: &str, format: Format) -> Option<(u8, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let (own, group, version) = match format {
        Format::Prometheus => ("text/plain", "text/*", "0.0.4"),
        Format::OpenMetrics => ("application/openmetrics-text", "application/*", "1.0.0"),
    };
    let mut exact = match &*kind {
        "*/*" => 0,
        kind if kind == group => 1,
        kind if kind == own => 2,
        _ => return None,
    };
    let mut quality = 1_000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("q") {
            quality = value
                .parse::<f32>()
                .ok()
                .filter(|q| (0.0..=1.0).contains(q))
                .map(|q| (q * 1_000.0) as u16)?;
        } else if name.trim().eq_ignore_ascii_case("version") {
            if value != version {
                return None;
            }
            exact += 1;
        }
    }
    Some((exact, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_is_liked_more() {
        use Format::{OpenMetrics, Prometheus};
        for (accept, format) in [
            ("", Prometheus),
            ("*/*", Prometheus),
            ("text/plain", Prometheus),
            ("text/html, image/png", Prometheus),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; Version=1.0.0", OpenMetrics),
            ("application/openmetrics-text;version=\"1.0.0\"", OpenMetrics),
            ("application/openmetrics-text;version=0.0.1", Prometheus),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.4", OpenMetrics),
            ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Prometheus),
            ("application/openmetrics-text;q=0.4, */*;q=0.5", Prometheus),
            ("application/openmetrics-text, */*", Prometheus),
            ("application/openmetrics-text, */*;q=0.1", OpenMetrics),
            ("application/openmetrics-text;q=0, */*", Prometheus),
            ("text/plain;q=0, */*;q=0.5", OpenMetrics),
            ("application/openmetrics-text;q=2", Prometheus),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
        ] {
            assert_eq!(Format::preferred(accept), format, "{accept}");
        }
    }
}
