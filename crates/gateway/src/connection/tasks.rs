//! What operators have a connection do: say how it stands, close, tell its messages.

use super::{Connection, Phase};
use crate::inquiry::{CLOSED, ENDED, Errand, Filter, Report};
use crate::shard::{Shard, TICK, Task};
use crate::stream::Stream;

impl Connection {
    /// Does what was left for it.
    pub(super) fn do_tasks(&mut self, shard: &Shard, out: &mut Vec<u8>) {
        for task in shard.take_tasks(self.peer.key()) {
            // Who asked may have gone: then nobody hears the answer.
            match task {
                Task::Census(census) => {
                    if self.fits(&census.filter) {
                        census.enter(self.report(shard, out));
                    }
                }
                Task::Errand(Errand::Report(answer)) => {
                    let _ = answer.try_send(self.report(shard, out));
                }
                Task::Errand(Errand::Close(answer)) => {
                    let _ = answer.try_send(self.report(shard, out));
                    if self.phase == Phase::Open {
                        self.close(out, CLOSED.0, CLOSED.1);
                    }
                }
                Task::Errand(Errand::End(answer)) => {
                    let _ = answer.try_send(self.report(shard, out));
                    if self.phase == Phase::Open {
                        self.session.give_up();
                        self.close(out, ENDED.0, ENDED.1);
                    }
                }
                Task::Errand(Errand::Tail(watch, answer)) => {
                    let _ = answer.try_send(self.phase == Phase::Open && self.session.watch(watch));
                }
            }
        }
    }

    fn fits(&self, filter: &Filter) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
        let (tenant, agent) = self.session.whose();
        is(&filter.tenant, tenant)
            && is(&filter.agent, agent)
            && filter.address.is_none_or(|address| self.peer.address() == Some(address))
            && filter.session.is_none_or(|session| session == self.session.id())
            && (!filter.opened || self.session.opened_as().is_some())
    }

    fn report(&self, shard: &Shard, out: &[u8]) -> Report {
        let (tenant, agent) = self.session.whose();
        let (subscriptions, lag) = self.session.subscriptions();
        Report {
            key: self.peer.key(),
            connection: self.peer.id(),
            address: self.peer.address(),
            tenant: tenant.into(),
            agent: agent.into(),
            session: self.session.id(),
            opened: self.session.opened_as(),
            protocol: self.wire.name(),
            tls: matches!(self.stream, Stream::Tls(_)),
            age: TICK.saturating_mul(shard.now().steps_since(self.since)),
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            messages_received: self.session.messages(),
            unsent: self.unsent(out),
            calls_in_flight: self.session.calls_in_flight(),
            subscriptions: subscriptions.into(),
            lag,
            state: match (self.phase, self.draining) {
                (Phase::Closing { .. }, _) => "closing",
                (Phase::Open, Some(_)) => "draining",
                (Phase::Open, None) => "open",
            },
        }
    }
}
