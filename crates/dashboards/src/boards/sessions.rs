//! Sessions, how they move and are taken up again, their journal, their events.

use super::WINDOW;
use crate::{Board, Panel, Row, Scope, Unit};
use metrics::catalogue as instrument;

const UID: &str = "mcpw-sessions";

pub(super) fn board() -> Board {
    Board {
        uid: UID,
        title: "mcpw: sessions and resume",
        description: "Sessions, how they move between pods and are taken up again, their journal and their events.",
        choices: Vec::new(),
        rows: vec![
            Row::new("At a glance", glance()),
            Row::new("Sessions", sessions()),
            Row::new("Events", events()),
            Row::new("Store", store()),
        ],
    }
}

fn glance() -> Vec<Panel> {
    let scope = Scope::Board;
    let resumes = || scope.of(&instrument::SESSION_RESUMES);
    let went_on = resumes().among("outcome", &["resumed"]).increase("1h").sum(&[]);
    let journal =
        |state| scope.of(&instrument::SESSION_JOURNAL_CALLS).among("state", &[state]).now().sum(&[]);
    vec![
        Panel::number("Sessions", "That a connection holds.")
            .ask(scope.of(&instrument::SESSIONS_ATTACHED).now().sum(&[]), "attached"),
        Panel::number(
            "Resumed whole",
            "Of the clients that came back in the last hour, with nothing missing.",
        )
        .unit(Unit::Share)
        .ask(went_on.divided_by(&resumes().increase("1h").sum(&[])), "whole")
        .bounds(0.99, 0.9),
        Panel::number("Calls running", "That stand in the journal.").ask(journal("running"), "running"),
        Panel::number("Unacknowledged", "Answers that their clients have not said they have.")
            .ask(journal("unacknowledged"), "unacknowledged"),
        Panel::number(
            "Furthest behind",
            "By how many events the subscriber is behind that is furthest behind.",
        )
        .ask(scope.of(&instrument::EVENT_LOG_LAG).now().max(&[]), "events")
        .bounds(1_000.0, 5_000.0),
        Panel::number("Slow readers", "Connections that leave unread what was written to them.")
            .ask(scope.of(&instrument::SLOW_READERS).now().sum(&[]), "connections"),
    ]
}

fn sessions() -> Vec<Panel> {
    let scope = Scope::Board;
    vec![
        Panel::stack("Sessions", "That a connection holds, by pod.")
            .ask(scope.of(&instrument::SESSIONS_ATTACHED).now().sum(&["pod"]), "{{pod}}"),
        Panel::stack("Resumes", "Clients that asked for their session, by what became of it, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::SESSION_RESUMES).rate(WINDOW).sum(&["outcome"]), "{{outcome}}"),
        Panel::lines("Moves", "Sessions that came from another pod, a second.")
            .unit(Unit::PerSecond)
            .ask(scope.of(&instrument::SESSION_MOVES).rate(WINDOW).sum(&["pod"]), "{{pod}}"),
        Panel::stack("Journal", "Calls that stand in it, by state.")
            .wide(12)
            .ask(scope.of(&instrument::SESSION_JOURNAL_CALLS).now().sum(&["state"]), "{{state}}"),
        Panel::lines("Unacknowledged by pod", "Answers that their clients have not said they have.")
            .wide(12)
            .ask(
                scope
                    .of(&instrument::SESSION_JOURNAL_CALLS)
                    .among("state", &["unacknowledged"])
                    .now()
                    .sum(&["pod"]),
                "{{pod}}",
            ),
    ]
}

fn events() -> Vec<Panel> {
    let scope = Scope::Board;
    let rate = |instrument| scope.of(instrument).rate(WINDOW).sum(&[]);
    vec![
        Panel::lines("Events", "Published by clients and written to subscribers, a second.")
            .unit(Unit::PerSecond)
            .ask(rate(&instrument::EVENTS_PUBLISHED), "published")
            .ask(rate(&instrument::EVENTS_DELIVERED), "delivered"),
        Panel::lines(
            "Furthest behind",
            "By how many events the subscriber is behind that is furthest behind.",
        )
        .ask(scope.of(&instrument::EVENT_LOG_LAG).now().max(&["pod"]), "{{pod}}")
        .bounds(1_000.0, 5_000.0),
        Panel::lines(
            "Missed",
            "Gaps that subscribers were told of, and events of the platform that were dropped, a second.",
        )
        .unit(Unit::PerSecond)
        .ask(rate(&instrument::EVENT_GAPS), "gaps")
        .ask(rate(&instrument::EVENTS_DROPPED), "dropped"),
        Panel::lines("Pages", "Read from the store for subscribers that lag behind, a second.")
            .unit(Unit::PerSecond)
            .wide(12)
            .ask(scope.of(&instrument::EVENT_PAGES).rate(WINDOW).sum(&["pod"]), "{{pod}}"),
        Panel::lines("Slow readers", "Connections that leave unread what was written to them.")
            .wide(12)
            .ask(scope.of(&instrument::SLOW_READERS).now().sum(&["pod"]), "{{pod}}"),
    ]
}

fn store() -> Vec<Panel> {
    let scope = Scope::Board;
    let duration = || scope.of(&instrument::STORE_COMMAND_DURATION);
    vec![
        Panel::stack("Asked of the store", "By what, a second.")
            .unit(Unit::PerSecond)
            .ask(duration().count().rate(WINDOW).sum(&["operation"]), "{{operation}}"),
        Panel::lines("Time to an answer", "99 of 100 answers take no longer, by what was asked.")
            .unit(Unit::Seconds)
            .ask(duration().quantile(0.99, WINDOW, &["operation"]), "{{operation}}"),
        Panel::lines("Errors", "What Redis was asked and did not do, a second.").unit(Unit::PerSecond).ask(
            scope.of(&instrument::STORE_ERRORS).rate(WINDOW).sum(&["operation"]).or_zero(),
            "{{operation}}",
        ),
    ]
}
