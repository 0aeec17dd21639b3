//! `POST /tools/{tool}/execute`: the result at once, as it comes, or later.

use super::answer::{self, Answer};
use super::ask::{Ask, EVENT_STREAM, JSON};
use super::body::object;
use super::problem::Problem;
use super::running::Running;
use super::schema::{CallState, Execute};
use super::{calls, route, sse, tools};
use crate::config::ms;
use crate::kept::Work;
use crate::measure;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue, LOCATION};
use protocol::Method;
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn answer(mut ask: Ask, tool: &str) -> Result<Answer, Problem> {
    let kind = ask.accepts(&[JSON, EVENT_STREAM])?;
    let body = ask.json(JSON).await?.unwrap_or_else(|| "{}".to_owned());
    let execute: Execute<'_> = object(&body)?;
    let table = ask.shard().router.table();
    let handler = table.tool(tool).ok_or_else(|| {
        measure::not_found(ask.shard());
        tools::unknown(tool)
    })?;
    let work = Work {
        handler: Arc::clone(handler),
        method: Method::ToolExecute.name().into(),
        params: execute.arguments.map_or("{}", |arguments| arguments.get()).as_bytes().into(),
        timeout: execute.timeout_ms.map(|timeout| Duration::from_millis(timeout.get())),
        session: None,
    };
    if kind == JSON && ask.prefers_async() {
        let id = ask.hand_over(work, &body).await?;
        let mut answer = calls::written(StatusCode::ACCEPTED, id, &CallState::Running);
        let headers = answer.headers_mut();
        if let Ok(location) = HeaderValue::from_str(&route::call(id)) {
            headers.insert(LOCATION, location);
        }
        let applied = HeaderName::from_static("preference-applied");
        headers.insert(applied, HeaderValue::from_static("respond-async"));
        return Ok(answer);
    }
    let mut running = ask.run(work, &body).await?;
    if kind == EVENT_STREAM {
        let is_repeated = running.is_repeated();
        let heartbeat = ms(ask.shard().terms().config.websocket.ping_interval_ms);
        return Ok(told(sse::call(running, heartbeat), is_repeated));
    }
    let result = running.end().await.map_err(|failure| with_repetition(failure.into(), &running))?;
    let body = [b"{\"result\":", &result[..], b"}"].concat();
    Ok(told(answer::json(StatusCode::OK, body), running.is_repeated()))
}

const REPEATED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The answer, and whether it is one to an earlier request with the same key.
pub(super) fn told(mut answer: Answer, is_repeated: bool) -> Answer {
    if is_repeated {
        answer.headers_mut().insert(REPEATED, HeaderValue::from_static("true"));
    }
    answer
}

/// As [`told`].
pub(super) fn with_repetition(problem: Problem, running: &Running) -> Problem {
    if running.is_repeated() {
        return problem.with(REPEATED, HeaderValue::from_static("true"));
    }
    problem
}
