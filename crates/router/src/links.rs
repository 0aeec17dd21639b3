//! Bringing the links of a shard in line with a table.
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use protocol::Replica;

use crate::Table;
use crate::connection;
use crate::core::Core;
use crate::link::{Link, State};

impl Core {
    pub(crate) fn apply(self: &Rc<Self>, table: Arc<Table>) {
        let old = self.links.take().into_iter().chain(self.retiring.take());
        let mut known: HashMap<String, Vec<Rc<Link>>> = HashMap::new();
        for link in old.filter(|link| link.state.get() != State::Closed) {
            known.entry(link.replica.instance.clone()).or_default().push(link);
        }
        let links = table
            .replicas()
            .iter()
            .map(|replica| {
                let mut candidates = known.get_mut(&replica.instance);
                let kept = candidates.as_mut().and_then(|links| {
                    let place = links.iter().position(|link| link.serves(replica))?;
                    Some(links.swap_remove(place))
                });
                match kept {
                    Some(link) => {
                        link.retired.set(false);
                        if link.state.get() == State::Down {
                            link.hurry.notify_one();
                        }
                        link
                    }
                    None => self.open(replica),
                }
            })
            .collect();
        let gone: Vec<_> = known.into_values().flatten().collect();
        *self.links.borrow_mut() = links;
        *self.table.borrow_mut() = table;
        for link in &gone {
            link.retire();
        }
        *self.retiring.borrow_mut() =
            gone.into_iter().filter(|link| link.state.get() != State::Closed).collect();
    }

    fn open(self: &Rc<Self>, replica: &Arc<Replica>) -> Rc<Link> {
        let id = self.next_link.replace(self.next_link.get() + 1);
        let link = Rc::new(Link::new(id, Arc::clone(replica)));
        let run = connection::run(Rc::downgrade(self), Rc::clone(&link), self.dialer.clone());
        *link.task.borrow_mut() = Some(tokio::task::spawn_local(run).abort_handle());
        link
    }
}
