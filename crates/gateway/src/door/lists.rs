//! Networks from which clients may come, and those from which none may: of the settings, and of a file that may change.

use super::networks::{Networks, RIGHT};
use crate::config::ConfigError;
use arc_swap::ArcSwap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What stands in a line of the file.
const LINE: &str = "\"allow\" or \"deny\" and a network or an address, a line each";

/// Those that one place lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub(super) allowed: Networks,
    pub(super) denied: Networks,
}

/// Those of a file, as it was when it was last good.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    lists: ArcSwap<Lists>,
}

impl Lists {
    /// Whether an address may come by these and those others. Where nothing is allowed by name, all is.
    pub(super) fn welcome(&self, others: &Self, address: IpAddr) -> bool {
        let has = |list: fn(&Self) -> &Networks| list(self).has(address) || list(others).has(address);
        let is_any = self.allowed.is_empty() && others.allowed.is_empty();
        (is_any || has(|lists| &lists.allowed)) && !has(|lists| &lists.denied)
    }

    /// Reads the lines of a file. Empty ones, and those that begin with `#`, say nothing.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "the file is no UTF-8".to_owned())?;
        let mut lists = Self::default();
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, network) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let list = match word {
                "allow" => &mut lists.allowed,
                "deny" => &mut lists.denied,
                _ => return Err(format!("line {number} begins with {word:?}; right is {LINE}")),
            };
            let network = network.trim();
            if !list.add(network) {
                return Err(format!("line {number} has {network:?}; right is {RIGHT}"));
            }
        }
        Ok(lists)
    }
}

impl File {
    /// Reads the file once.
    ///
    /// # Errors
    /// It can't be read, or what is wrong in it.
    pub(super) fn load(path: &Path) -> Result<Self, ConfigError> {
        let path = path.to_owned();
        match std::fs::read(&path).map(|text| Lists::parse(&text)) {
            Ok(Ok(lists)) => Ok(Self { path, lists: ArcSwap::from_pointee(lists) }),
            Ok(Err(message)) => Err(ConfigError::Malformed { path, line: None, message }),
            Err(reason) => Err(ConfigError::Unreadable { path, reason }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what is in it now, and says how many networks that are.
    ///
    /// # Errors
    /// What is wrong with it. Then the last lists stay.
    pub(crate) fn install(&self, text: &[u8]) -> Result<usize, String> {
        let lists = Lists::parse(text)?;
        let count = lists.allowed.len() + lists.denied.len();
        self.lists.store(lists.into());
        Ok(count)
    }

    pub(super) fn lists(&self) -> arc_swap::Guard<std::sync::Arc<Lists>> {
        self.lists.load()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, found: &str) {
        let told = Lists::parse(text.as_bytes()).expect_err("it is wrong");
        assert!(told.starts_with(found), "{told}");
    }

    #[test]
    fn a_line_that_says_nothing_known_is_told_with_its_number() {
        check("deny 10.0.0.0/8\nrefuse 10.0.0.1\n", "line 2 begins with \"refuse\"");
        check("\n# those next door\nallow here\n", "line 3 has \"here\"");
        check("deny", "line 1 has \"\"");
        check("deny 10.0.0.0/8 10.1.0.0/16", "line 1 has \"10.0.0.0/8 10.1.0.0/16\"");
        assert!(Lists::parse(b"\xff").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_or_wrong_ends_the_start() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("addresses");
        let told = || File::load(&path).expect_err("it can't be loaded").to_string();
        assert!(told().starts_with(&path.display().to_string()), "{}", told());
        std::fs::write(&path, "deny 10.0.0.0/33").expect("the folder is ours");
        assert!(told().ends_with(&format!("line 1 has \"10.0.0.0/33\"; right is {RIGHT}")), "{}", told());
    }

    #[test]
    fn denied_counts_whoever_says_so_and_allowed_too() {
        let lists = |text: &str| Lists::parse(text.as_bytes()).expect("it is right");
        let address = |text: &str| text.parse().expect("an address");
        let (none, some) = (lists(""), lists("  allow\t10.0.0.0/8\n\n# but\ndeny 10.1.0.0/16\n"));
        for (own, file) in [(&none, &some), (&some, &none)] {
            assert!(own.welcome(file, address("10.0.0.1")));
            assert!(!own.welcome(file, address("10.1.0.1")));
            assert!(!own.welcome(file, address("192.0.2.1")));
        }
        assert!(none.welcome(&none, address("192.0.2.1")));
        assert!(lists("allow 192.0.2.1").welcome(&some, address("192.0.2.1")));
    }
}
