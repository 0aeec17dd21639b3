//! Where a page comes from (RFC 6454), and from which pages requests are taken: from those of the same host, and from those
//! that are listed.

use super::name::Name;

/// What is right in the settings.
pub(super) const RIGHT: &str =
    "an origin such as https://app.example.com or https://*.example.com, null, or *";

/// A scheme with a host and a port; the scheme's own port is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    name: Name,
}

impl Origin {
    /// `None` if it is none, as `null` is, and whatever has a user, a path or a query.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, name) = text.split_once("://")?;
        let mut letters = scheme.bytes();
        if !letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let name = normal(&scheme, Name::parse(name)?);
        Some(Self { scheme, name })
    }
}

/// Without the port that the scheme has anyway.
fn normal(scheme: &str, name: Name) -> Name {
    let own = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    Name { port: name.port.filter(|port| Some(*port) != own), ..name }
}

/// One that is listed.
#[derive(Clone, Debug)]
enum Listed {
    This(Origin),
    /// Every host with one label or more before this one's.
    Below(Origin),
}

/// Origins from which requests are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    all: bool,
    null: bool,
    listed: Vec<Listed>,
    /// Pages of this machine, at whatever port.
    loopback: bool,
}

impl Origins {
    /// # Errors
    /// Gives the origin that is none.
    pub(super) fn new(listed: &[String], is_local: bool) -> Result<Self, &str> {
        let mut origins = Self { loopback: is_local, ..Self::default() };
        for text in listed {
            match &**text {
                "*" => origins.all = true,
                "null" => origins.null = true,
                text => origins.listed.push(match text.split_once("://*.") {
                    Some((scheme, rest)) => {
                        Listed::Below(Origin::parse(&format!("{scheme}://{rest}")).ok_or(text)?)
                    }
                    None => Listed::This(Origin::parse(text).ok_or(text)?),
                }),
            }
        }
        Ok(origins)
    }

    /// Whether requests from there are taken at this host. `origin` is what `text` is, if it is one.
    pub(super) fn has(&self, origin: Option<&Origin>, text: &str, host: &Name) -> bool {
        let Some(origin) = origin else { return text == "null" && self.null };
        let is_of_the_host = ["http", "https"].contains(&&*origin.scheme)
            && origin.name == normal(&origin.scheme, host.clone());
        self.all
            || is_of_the_host
            || (self.loopback && origin.name.is_loopback())
            || self.listed.iter().any(|listed| listed.has(origin))
    }
}

impl Listed {
    fn has(&self, origin: &Origin) -> bool {
        match self {
            Self::This(this) => this == origin,
            Self::Below(this) => {
                let labels =
                    origin.name.host.strip_suffix(&this.name.host).and_then(|rest| rest.strip_suffix('.'));
                this.scheme == origin.scheme
                    && this.name.port == origin.name.port
                    && labels.is_some_and(|labels| !labels.is_empty())
            }
        }
    }
}
