//! The one connection on which messages arrive, and who gets them. When it is lost, everybody is told once it is
//! back.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use redis::{FromRedisValue as _, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::{Notify, mpsc};

use super::dial::{Connection, Dial};
use super::event_log::news;
use super::keys::Keys;
use crate::Error;
use crate::mailbox::{Hub, Weighty};
use crate::tail::News;

/// How many pushed messages may wait to be handed out.
const WAITING: usize = 16_384;

/// How many channels one command names.
const CHUNK: usize = 200;

pub(super) struct Subscriptions {
    pub(super) dial: Arc<Dial>,
    pub(super) keys: Arc<Keys>,
    pub(super) tails: Arc<Hub<News>>,
    pub(super) inboxes: Arc<Hub<Bytes>>,
    /// Wakes this when a topic was joined or left.
    pub(super) changes: Arc<Notify>,
    /// Woken when the directory may have changed.
    pub(super) directory: Arc<Notify>,
    /// Woken when something may have been revoked.
    pub(super) revoked: Arc<Notify>,
    pub(super) command_timeout: Duration,
    pub(super) check_interval: Duration,
}

/// Who reads a channel.
enum Readers {
    Tails(Arc<str>),
    Inboxes(Arc<str>),
    Directory,
    Revocations,
}

/// A connection's channels. Everything in it is subscribed.
struct Subscribed {
    connection: Connection,
    channels: HashMap<Vec<u8>, Readers>,
}

impl Subscriptions {
    /// Hands messages out for as long as it is polled.
    pub(super) async fn keep(&self) {
        let mut wait = Duration::from_millis(50);
        loop {
            if self.session().await {
                wait = Duration::from_millis(50);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }

    /// One connection, until it is lost; whether there was one.
    async fn session(&self) -> bool {
        let (sender, mut pushed) = mpsc::channel::<PushInfo>(WAITING);
        let overflow = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&overflow);
        let pushes = move |push: PushInfo| {
            if matches!(
                push.kind,
                PushKind::Message | PushKind::SMessage | PushKind::Disconnection | PushKind::SUnsubscribe
            ) && sender.try_send(push).is_err()
            {
                flag.store(true, Ordering::Relaxed);
            }
        };
        let Ok(connection) = self.dial.connect(Some(Arc::new(pushes))).await else { return false };
        let mut subscribed = Subscribed { connection, channels: HashMap::new() };
        // What was live before is not any more, and is subscribed anew.
        self.tails.dead();
        self.inboxes.dead();
        let changes = vec![
            (self.keys.changes(), Readers::Directory),
            (self.keys.revocation_news(), Readers::Revocations),
        ];
        if !self.within(subscribed.subscribe(changes)).await {
            return false;
        }
        self.directory.notify_one();
        self.revoked.notify_one();
        self.changes.notify_one();
        let mut check = tokio::time::interval(self.check_interval);
        loop {
            tokio::select! {
                push = pushed.recv() => match push {
                    Some(push) if self.hand_out(&push, &subscribed) => {}
                    _ => return true,
                },
                () = self.changes.notified() => {
                    if !self.follow(&mut subscribed).await {
                        return true;
                    }
                }
                _ = check.tick() => {
                    if !self.within(subscribed.ping()).await {
                        return true;
                    }
                }
            }
            if overflow.load(Ordering::Relaxed) {
                tracing::warn!("more messages came than could be handed out; their readers check");
                return true;
            }
        }
    }

    async fn within<E: std::fmt::Display>(&self, work: impl Future<Output = Result<(), E>>) -> bool {
        match tokio::time::timeout(self.command_timeout, work).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the subscriptions are made anew");
                false
            }
            Err(_) => {
                tracing::warn!("the subscriptions are made anew: no answer in time");
                false
            }
        }
    }

    /// Subscribes to what is read and unsubscribes from what is not.
    async fn follow(&self, subscribed: &mut Subscribed) -> bool {
        let tails = self.tails.changed();
        let inboxes = self.inboxes.changed();
        let named = tails
            .into_iter()
            .map(|(topic, read)| (self.keys.news(&topic), Readers::Tails(topic), read))
            .chain(
                inboxes
                    .into_iter()
                    .map(|(topic, read)| (self.keys.pod(&topic), Readers::Inboxes(topic), read)),
            );
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for (channel, readers, read) in named {
            if read { joined.push((channel, readers)) } else { left.push(channel) }
        }
        left.retain(|channel| subscribed.channels.remove(channel.as_bytes()).is_some());
        for channels in left.chunks(CHUNK) {
            if !self.within(subscribed.unsubscribe(channels)).await {
                return false;
            }
        }
        while !joined.is_empty() {
            let rest = joined.split_off(joined.len().min(CHUNK));
            let (mut tails, mut inboxes) = (Vec::new(), Vec::new());
            for (_, readers) in &joined {
                match readers {
                    Readers::Tails(topic) => tails.push(Arc::clone(topic)),
                    Readers::Inboxes(topic) => inboxes.push(Arc::clone(topic)),
                    Readers::Directory | Readers::Revocations => {}
                }
            }
            if !self.within(subscribed.subscribe(joined)).await {
                return false;
            }
            self.tails.live(&tails);
            self.inboxes.live(&inboxes);
            joined = rest;
        }
        true
    }

    /// Hands one pushed message to its readers; `false` if the connection is lost.
    fn hand_out(&self, push: &PushInfo, subscribed: &Subscribed) -> bool {
        match push.kind {
            PushKind::Message | PushKind::SMessage => {}
            // A channel that moves to another server says so; one that we left says it, too.
            PushKind::SUnsubscribe => return !push.data.first().is_some_and(|name| subscribed.has(name)),
            _ => return false,
        }
        let [channel, message] = &push.data[..] else { return true };
        let (Some(readers), Ok(message)) =
            (subscribed.readers(channel), Bytes::from_redis_value_ref(message))
        else {
            return true;
        };
        let delivered = match readers {
            Readers::Tails(topic) => news(&message).map(|news| deliver(&self.tails, topic, &news)),
            Readers::Inboxes(topic) => {
                deliver(&self.inboxes, topic, &message);
                Ok(())
            }
            Readers::Directory => {
                self.directory.notify_one();
                Ok(())
            }
            Readers::Revocations => {
                self.revoked.notify_one();
                Ok(())
            }
        };
        if let Err(error) = delivered {
            tracing::error!(%error, "a message was not understood");
        }
        true
    }
}

fn deliver<T: Weighty>(hub: &Hub<T>, topic: &str, message: &T) {
    hub.deliver(topic, message);
}

impl Subscribed {
    fn readers(&self, channel: &Value) -> Option<&Readers> {
        match channel {
            Value::BulkString(name) => self.channels.get(&name[..]),
            Value::SimpleString(name) => self.channels.get(name.as_bytes()),
            _ => None,
        }
    }

    fn has(&self, channel: &Value) -> bool {
        self.readers(channel).is_some()
    }

    async fn subscribe(&mut self, channels: Vec<(String, Readers)>) -> RedisResult<()> {
        let names: Vec<_> = channels.iter().map(|(name, _)| name.clone()).collect();
        self.channels.extend(channels.into_iter().map(|(name, readers)| (name.into_bytes(), readers)));
        match &mut self.connection {
            Connection::Single(connection) => connection.subscribe(names).await,
            // Each channel lives at the server of its slot.
            Connection::Cluster(connection) => {
                let each = stream::iter(names).map(|name| {
                    let mut connection = connection.clone();
                    async move { connection.ssubscribe(name).await }
                });
                each.buffer_unordered(32).try_collect().await
            }
        }
    }

    async fn unsubscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        match &mut self.connection {
            Connection::Single(connection) => connection.unsubscribe(channels).await,
            Connection::Cluster(connection) => {
                for channel in channels {
                    connection.sunsubscribe(channel).await?;
                }
                Ok(())
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Error> {
        match self.connection.send(&::redis::cmd("PING")).await {
            Ok(_) => Ok(()),
            Err(error) => Err(super::failure::judge(&error).1),
        }
    }
}
