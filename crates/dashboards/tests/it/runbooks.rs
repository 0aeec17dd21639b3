//! docs/runbooks.md and the alerts: each has the other.

use crate::shipped::read;
use crate::{alerts, text};

#[test]
fn every_alert_has_its_section_and_every_section_its_alert_in_the_same_order() {
    let page = read("docs/runbooks.md");
    let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let alerts = alerts();
    let names: Vec<_> = alerts.iter().map(|alert| text(&alert["alert"])).collect();
    assert_eq!(sections, names);
    for alert in &alerts {
        let anchor = text(&alert["alert"]).to_lowercase();
        assert_eq!(alert["annotations"]["runbook_url"], format!("docs/runbooks.md#{anchor}"));
    }
}

/// What it means, how to check, what to do.
#[test]
fn every_section_says_what_to_do() {
    let page = read("docs/runbooks.md");
    for section in page.split("\n### ").skip(1) {
        for part in ["**Means.** ", "**Check.** ", "**Do.** "] {
            assert_eq!(section.matches(part).count(), 1, "{part} in {section}");
        }
    }
}

#[test]
fn every_alert_says_how_urgent_it_is_and_what_is_so() {
    for alert in alerts() {
        let severity = text(&alert["labels"]["severity"]);
        assert!(["critical", "warning"].contains(&severity), "{alert}");
        for annotation in ["summary", "description"] {
            assert!(text(&alert["annotations"][annotation]).ends_with('.'), "{alert}");
        }
    }
}
