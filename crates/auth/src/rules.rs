//! Who may do what: rules of the configuration, beside the scopes of a token. It refuses to know what a method does.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, Identity};

/// Whether something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It may.
    #[default]
    Allow,
    /// It may not.
    Deny,
}

/// What the configuration says under `authorization:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Authorization {
    /// What holds where no rule matches. Default allow: then scopes alone decide.
    pub default: Effect,
    /// Of the rules that match one that denies counts, wherever it stands. Default none.
    pub rules: Vec<AuthorizationRule>,
}

/// A rule. Each list holds names, or prefixes that end with `*`; one that is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRule {
    /// What follows where it matches.
    pub effect: Effect,
    /// The tenants that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<String>>,
    /// The agents that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<String>>,
    /// The methods that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// The tools that it is about; it then matches `tool.execute` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
}

/// Rules that were checked.
#[derive(Clone, Debug)]
pub struct Rules {
    default: Effect,
    /// Those that deny come first, so that the first that matches counts.
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    tenants: Names,
    agents: Names,
    action: Arc<Action>,
}

/// What may be done, or not, by whomever a rule is about.
#[derive(Debug)]
struct Action {
    effect: Effect,
    methods: Names,
    tools: Names,
}

/// The rules that can ever concern one holder: picked once, asked for each message.
#[derive(Clone, Debug)]
pub struct Permit(Option<Box<Picked>>);

#[derive(Clone, Debug)]
struct Picked {
    default: Effect,
    actions: Box<[Arc<Action>]>,
}

/// Why something may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A rule says so.
    Rule,
    /// No rule allows it, and the default is to deny.
    Default,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule => "a rule of authorization denies it",
            Self::Default => "no rule of authorization allows it",
        })
    }
}

/// The only method that is about a tool.
const EXECUTE: &str = "tool.execute";

impl Rules {
    /// Takes the patterns apart.
    ///
    /// # Errors
    /// [`Error::Rule`], with what would be right.
    pub fn new(settings: &Authorization) -> Result<Self, Error> {
        let rules = settings.rules.iter().enumerate();
        let mut rules = rules.map(|(index, rule)| Rule::new(index, rule)).collect::<Result<Vec<_>, _>>()?;
        rules.sort_by_key(|rule| rule.action.effect == Effect::Allow);
        Ok(Self { default: settings.default, rules })
    }

    /// What this holder may do, whatever its scopes are.
    pub fn permit(&self, identity: &Identity) -> Permit {
        let about = |rule: &&Rule| {
            rule.tenants.match_name(identity.tenant()) && rule.agents.match_name(identity.agent())
        };
        let actions: Box<[_]> =
            self.rules.iter().filter(about).map(|rule| Arc::clone(&rule.action)).collect();
        let denies = |action: &Arc<Action>| action.effect == Effect::Deny;
        let is_free = self.default == Effect::Allow && !actions.iter().any(denies);
        Permit((!is_free).then(|| Box::new(Picked { default: self.default, actions })))
    }
}

impl Permit {
    /// Whether the holder may call this method.
    ///
    /// # Errors
    /// Why not.
    #[inline]
    pub fn check_method(&self, method: &str) -> Result<(), Denial> {
        self.0.as_ref().map_or(Ok(()), |picked| picked.check(method, None))
    }

    /// Whether the holder may execute this tool.
    ///
    /// # Errors
    /// Why not.
    #[inline]
    pub fn check_tool(&self, tool: &str) -> Result<(), Denial> {
        self.0.as_ref().map_or(Ok(()), |picked| picked.check(EXECUTE, Some(tool)))
    }
}

impl Picked {
    fn check(&self, method: &str, tool: Option<&str>) -> Result<(), Denial> {
        match (self.actions.iter().find(|action| action.matches(method, tool)), self.default) {
            (Some(action), _) if action.effect == Effect::Deny => Err(Denial::Rule),
            (None, Effect::Deny) => Err(Denial::Default),
            _ => Ok(()),
        }
    }
}

impl Action {
    fn matches(&self, method: &str, tool: Option<&str>) -> bool {
        self.methods.match_name(method)
            && match tool {
                Some(tool) => self.tools.match_name(tool),
                None => self.tools.0.is_none(),
            }
    }
}

impl Rule {
    fn new(index: usize, settings: &AuthorizationRule) -> Result<Self, Error> {
        let names = |list: &'static str, patterns: &Option<Vec<String>>| {
            let names = patterns.as_deref().map(Pattern::all).transpose();
            names.map(Names).map_err(|problem| Error::Rule { index, list, problem })
        };
        let action = Action {
            effect: settings.effect,
            methods: names("methods", &settings.methods)?,
            tools: names("tools", &settings.tools)?,
        };
        if action.tools.0.is_some() && !action.methods.match_name(EXECUTE) {
            let problem = format!("is about {EXECUTE} alone: leave methods out, or name it there");
            return Err(Error::Rule { index, list: "tools", problem });
        }
        let (tenants, agents) = (names("tenants", &settings.tenants)?, names("agents", &settings.agents)?);
        Ok(Self { tenants, agents, action: Arc::new(action) })
    }
}

/// Names and prefixes; none matches all.
#[derive(Clone, Debug)]
struct Names(Option<Box<[Pattern]>>);

/// A name, or all that begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Name(Box<str>),
    /// What stands before the `*`.
    Prefix(Box<str>),
}

impl Names {
    fn match_name(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(name)))
    }
}

impl Pattern {
    fn all(patterns: &[String]) -> Result<Box<[Self]>, String> {
        if patterns.is_empty() {
            return Err(
                "is an empty list, which matches nothing: leave it out to match everything".to_owned()
            );
        }
        patterns.iter().map(|pattern| Self::new(pattern)).collect()
    }

    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let (text, is_prefix) = pattern.strip_suffix('*').map_or((pattern, false), |text| (text, true));
        if pattern.is_empty() || text.contains('*') {
            return Err(format!(
                "has {pattern:?}: a name, a prefix that ends with * such as \"fs.*\", or \"*\" is needed"
            ));
        }
        Ok(if is_prefix { Self::Prefix(text.into()) } else { Self::Name(text.into()) })
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(text) => **text == *name,
            Self::Prefix(text) => name.starts_with(&**text),
        }
    }

    /// Whether all that another pattern matches is matched here.
    pub(crate) fn covers(&self, pattern: &str) -> bool {
        match (self, pattern.strip_suffix('*')) {
            (Self::Prefix(text), Some(prefix)) => prefix.starts_with(&**text),
            (Self::Name(_), Some(_)) => false,
            (_, None) => self.matches(pattern),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Rules, Error> {
        Rules::new(&serde_saphyr::from_str(text).expect("the form is right"))
    }

    /// What the agent of the tenant may do by these rules.
    fn permit(text: &str, tenant: &str, agent: &str) -> Permit {
        parse(text).expect("the rules are right").permit(&Identity::new(tenant, agent, "", [], 0))
    }

    #[test]
    fn without_rules_everything_goes_and_nothing_is_kept() {
        let permit = permit("{}", "t", "a");
        assert!(permit.0.is_none());
        assert_eq!(permit.check_method("echo"), Ok(()));
        assert_eq!(permit.check_tool("fs.read"), Ok(()));
    }

    #[test]
    fn a_rule_denies_its_methods_and_no_others() {
        let permit = permit("rules: [{effect: deny, methods: [echo, 'event.*']}]", "t", "a");
        for method in ["echo", "event.publish", "event."] {
            assert_eq!(permit.check_method(method), Err(Denial::Rule), "{method}");
        }
        for method in ["echoes", "ech", "event", "events.publish", "tool.list"] {
            assert_eq!(permit.check_method(method), Ok(()), "{method}");
        }
        assert_eq!(permit.check_tool("echo"), Ok(()), "a tool is no method");
    }

    #[test]
    fn a_rule_about_tools_is_about_no_method() {
        for rule in ["tools: ['*']", "tools: ['*'], methods: [tool.execute]", "tools: ['*'], methods: ['*']"]
        {
            let permit = permit(&format!("rules: [{{effect: deny, {rule}}}]"), "t", "a");
            assert_eq!(permit.check_tool("fs.read"), Err(Denial::Rule));
            assert_eq!(permit.check_method("tool.list"), Ok(()));
        }
        let all = permit("rules: [{effect: deny, methods: [tool.execute]}]", "t", "a");
        assert_eq!(all.check_tool("fs.read"), Err(Denial::Rule));
    }

    #[test]
    fn what_no_rule_matches_follows_the_default() {
        let text =
            "{default: deny, rules: [{effect: allow, tools: ['fs.*']}, {effect: allow, methods: [echo]}]}";
        let some = permit(text, "t", "a");
        assert_eq!(some.check_tool("fs.read"), Ok(()));
        assert_eq!(some.check_tool("time.now"), Err(Denial::Default));
        assert_eq!(some.check_method("echo"), Ok(()));
        assert_eq!(some.check_method("tool.list"), Err(Denial::Default));
        let nothing = permit("default: deny", "t", "a");
        assert_eq!(nothing.check_method("initialize"), Err(Denial::Default));
    }

    #[test]
    fn deny_wins_wherever_it_stands() {
        let (allow, deny) = ("{effect: allow, tools: [fs.read]}", "{effect: deny, tools: ['fs.*']}");
        for text in [format!("rules: [{allow}, {deny}]"), format!("rules: [{deny}, {allow}]")] {
            assert_eq!(permit(&text, "t", "a").check_tool("fs.read"), Err(Denial::Rule), "{text}");
        }
    }

    #[test]
    fn a_rule_is_about_its_tenants_and_agents_alone() {
        let text = "rules: [{effect: deny, tenants: [acme, 'test-*'], agents: ['bot-*']}]";
        for (tenant, agent, denied) in [
            ("acme", "bot-1", true),
            ("test-7", "bot-", true),
            ("acme", "human", false),
            ("acme2", "bot-1", false),
            ("other", "bot-1", false),
        ] {
            let permit = permit(text, tenant, agent);
            assert_eq!(permit.check_method("echo").is_err(), denied, "{tenant} {agent}");
            assert_eq!(permit.0.is_some(), denied, "nothing is kept of rules about others");
        }
    }

    #[test]
    fn what_is_no_rule_is_told_with_its_place() {
        for (rule, expected) in [
            ("tools: ['']", "authorization.rules[1].tools has \"\""),
            ("methods: ['a*b']", "authorization.rules[1].methods has \"a*b\""),
            ("agents: ['**']", "authorization.rules[1].agents has \"**\""),
            ("tenants: []", "authorization.rules[1].tenants is an empty list"),
            ("tools: [x], methods: [echo]", "authorization.rules[1].tools is about tool.execute alone"),
        ] {
            let text = format!("rules: [{{effect: allow}}, {{effect: deny, {rule}}}]");
            let error = parse(&text).expect_err(rule).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(
            serde_saphyr::from_str::<Authorization>("rules: [{tools: [x]}]").is_err(),
            "an effect is needed"
        );
        assert!(serde_saphyr::from_str::<Authorization>("rules: [{effect: deny, tool: [x]}]").is_err());
    }
}
