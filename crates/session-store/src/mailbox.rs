//! What waits for a reader: bounded, and if it was too much, a word that something was missed.
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::{HashMap, HashMapExt as _};
use tokio::sync::Notify;

use crate::Bounds;

/// Something that can wait, and weighs so many bytes while it does.
pub(crate) trait Weighty: Clone {
    fn weight(&self) -> usize;
}

/// What lies in a mailbox.
#[derive(Clone, Debug)]
pub(crate) enum Letter<T> {
    Message(T),
    /// From here on nothing is missed, but something may have been before.
    Missed,
}

#[derive(Debug)]
struct Queue<T> {
    letters: VecDeque<(Arc<str>, Letter<T>)>,
    bytes: usize,
}

/// One reader's queue.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    arrived: Notify,
    most_letters: usize,
    most_bytes: usize,
}

impl<T: Weighty> Mailbox<T> {
    pub(crate) fn new(bounds: &Bounds) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Queue { letters: VecDeque::new(), bytes: 0 }),
            arrived: Notify::new(),
            most_letters: bounds.waiting_messages,
            most_bytes: bounds.waiting_bytes,
        })
    }

    /// The oldest letter, with its topic. Dropped while it waits, it has taken none.
    pub(crate) async fn next(&self) -> (Arc<str>, Letter<T>) {
        loop {
            if let Some(letter) = self.take() {
                return letter;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<(Arc<str>, Letter<T>)> {
        let mut queue = lock(&self.queue);
        let letter = queue.letters.pop_front()?;
        if let Letter::Message(message) = &letter.1 {
            queue.bytes -= message.weight();
        }
        Some(letter)
    }

    fn put(&self, topic: &Arc<str>, letter: Letter<T>) {
        let mut queue = lock(&self.queue);
        let weight = match &letter {
            Letter::Message(message) => message.weight(),
            Letter::Missed => 0,
        };
        queue.letters.push_back((Arc::clone(topic), letter));
        queue.bytes += weight;
        if queue.letters.len() > self.most_letters || queue.bytes > self.most_bytes {
            queue.overflow();
        }
        drop(queue);
        self.arrived.notify_one();
    }

    /// A topic that is no longer read leaves nothing behind.
    fn clear(&self, topic: &str) {
        let mut queue = lock(&self.queue);
        queue.letters.retain(|(other, _)| **other != *topic);
        queue.bytes = queue.weigh();
    }
}

impl<T: Weighty> Queue<T> {
    fn overflow(&mut self) {
        let mut seen = HashSet::new();
        for (topic, _) in std::mem::take(&mut self.letters) {
            if seen.insert(Arc::clone(&topic)) {
                self.letters.push_back((topic, Letter::Missed));
            }
        }
        self.bytes = 0;
    }

    fn weigh(&self) -> usize {
        let weights = self.letters.iter().map(|(_, letter)| match letter {
            Letter::Message(message) => message.weight(),
            Letter::Missed => 0,
        });
        weights.sum()
    }
}

#[derive(Debug)]
struct Topic<T> {
    /// Whether messages reach it: before that, nobody is told that nothing is missed.
    live: bool,
    mailboxes: Vec<Arc<Mailbox<T>>>,
}

#[derive(Debug)]
struct Topics<T> {
    known: HashMap<Arc<str>, Topic<T>>,
    /// Those that were joined or left since somebody asked.
    changed: HashSet<Arc<str>>,
}

/// Who reads which topic.
#[derive(Debug)]
pub(crate) struct Hub<T> {
    topics: Mutex<Topics<T>>,
    changes: Option<Arc<Notify>>,
}

impl<T: Weighty> Hub<T> {
    /// A hub whose topics are reached as soon as they are joined.
    pub(crate) fn local() -> Self {
        Self { topics: Mutex::new(Topics { known: HashMap::new(), changed: HashSet::new() }), changes: None }
    }

    /// A hub whose topics are reached when somebody says so, after `changes` has woken him.
    pub(crate) fn remote(changes: Arc<Notify>) -> Self {
        Self { changes: Some(changes), ..Self::local() }
    }

    pub(crate) fn join(&self, topic: &str, mailbox: &Arc<Mailbox<T>>) {
        let mut topics = lock(&self.topics);
        let topic: Arc<str> = match topics.known.get_key_value(topic) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(topic),
        };
        let live = self.changes.is_none();
        let entry =
            topics.known.entry(Arc::clone(&topic)).or_insert_with(|| Topic { live, mailboxes: Vec::new() });
        if entry.mailboxes.iter().any(|known| Arc::ptr_eq(known, mailbox)) {
            return;
        }
        entry.mailboxes.push(Arc::clone(mailbox));
        if entry.live {
            mailbox.put(&topic, Letter::Missed);
        } else {
            self.change(&mut topics, topic);
        }
    }

    pub(crate) fn leave(&self, topic: &str, mailbox: &Arc<Mailbox<T>>) {
        let mut topics = lock(&self.topics);
        let Some(entry) = topics.known.get_mut(topic) else { return };
        entry.mailboxes.retain(|known| !Arc::ptr_eq(known, mailbox));
        if entry.mailboxes.is_empty()
            && let Some((topic, _)) = topics.known.remove_entry(topic)
        {
            self.change(&mut topics, topic);
        }
        drop(topics);
        mailbox.clear(topic);
    }

    fn change(&self, topics: &mut Topics<T>, topic: Arc<str>) {
        if let Some(changes) = &self.changes {
            topics.changed.insert(topic);
            changes.notify_one();
        }
    }

    /// Hands a message to all who read the topic; how many they are.
    pub(crate) fn deliver(&self, topic: &str, message: &T) -> usize {
        let topics = lock(&self.topics);
        let Some((topic, entry)) = topics.known.get_key_value(topic) else { return 0 };
        for mailbox in &entry.mailboxes {
            mailbox.put(topic, Letter::Message(message.clone()));
        }
        entry.mailboxes.len()
    }

    /// The topics that were joined or left since the last time, each with whether somebody reads it now.
    pub(crate) fn changed(&self) -> Vec<(Arc<str>, bool)> {
        let mut topics = lock(&self.topics);
        let changed = std::mem::take(&mut topics.changed);
        changed.into_iter().map(|topic| (Arc::clone(&topic), topics.known.contains_key(&topic))).collect()
    }

    /// From now on messages reach these topics.
    pub(crate) fn live<'a>(&self, reached: impl IntoIterator<Item = &'a Arc<str>>) {
        let mut topics = lock(&self.topics);
        for topic in reached {
            if let Some(entry) = topics.known.get_mut(topic) {
                entry.live = true;
                for mailbox in &entry.mailboxes {
                    mailbox.put(topic, Letter::Missed);
                }
            }
        }
    }

    /// Messages reach no topic any more; all of them count as changed.
    pub(crate) fn dead(&self) {
        let mut topics = lock(&self.topics);
        let topics = &mut *topics;
        for (topic, entry) in &mut topics.known {
            entry.live = false;
            topics.changed.insert(Arc::clone(topic));
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
