//! What happened, told to everyone who listens: a bounded ring of numbered events.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::db;

/// Events kept for listeners that come back.
const KEPT: usize = 1024;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Number in this run of the server, from 1, without holes.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// `resource.verb`: `config.changed`, `job.progressed`, `plugin.swapped`.
    pub kind: &'static str,
    /// Particulars; anyone who is signed in may see them.
    pub data: Arc<Value>,
}

/// What a listener finds after the event it saw last.
#[derive(Debug)]
pub enum Since {
    /// What came after, oldest first; empty where nothing did.
    Events(Vec<Event>),
    /// Some events are gone or the server was restarted: the listener must ask for the state anew and go on after this number.
    Lost(u64),
}

/// The bus. Publishing never waits; slow listeners lose events and are told so.
#[derive(Clone, Debug)]
pub struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Tells the numbers of this run of the server from those of the run before.
    run: String,
    ring: Mutex<Ring>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    last: u64,
    events: VecDeque<Event>,
}

impl Default for Events {
    fn default() -> Self {
        let run = Uuid::now_v7().simple().to_string();
        Self { inner: Arc::new(Inner { run, ring: Mutex::default(), news: Notify::new() }) }
    }
}

impl Events {
    /// Tells every listener; answers the event's number.
    pub fn publish(&self, kind: &'static str, data: Value) -> u64 {
        let seq = {
            let mut ring = self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.last += 1;
            let event = Event { seq: ring.last, at: db::now(), kind, data: Arc::new(data) };
            if ring.events.len() == KEPT {
                ring.events.pop_front();
            }
            ring.events.push_back(event);
            ring.last
        };
        self.inner.news.notify_waiters();
        seq
    }

    /// The number of the newest event; 0 before the first.
    pub fn last(&self) -> u64 {
        self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    /// The text form of an event's number, good across restarts.
    pub fn id(&self, seq: u64) -> String {
        format!("{}-{seq}", self.inner.run)
    }

    /// The number behind a text form; `None` where it is of another run of the server.
    pub fn seq(&self, id: &str) -> Option<u64> {
        let (run, seq) = id.rsplit_once('-')?;
        (run == self.inner.run).then(|| seq.parse().ok()).flatten()
    }

    /// What happened after event `seq`, without waiting.
    pub fn since(&self, seq: u64) -> Since {
        let ring = self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = ring.events.front().map_or(ring.last + 1, |event| event.seq);
        if seq > ring.last || seq + 1 < oldest {
            return Since::Lost(ring.last);
        }
        Since::Events(ring.events.iter().filter(|event| event.seq > seq).cloned().collect())
    }

    /// Waits until something happened after event `seq`.
    pub async fn after(&self, seq: u64) -> Since {
        loop {
            let news = self.inner.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            match self.since(seq) {
                Since::Events(events) if events.is_empty() => news.await,
                found => return found,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn gives_what_came_after_and_says_when_some_is_lost() {
        let events = Events::default();
        assert!(matches!(events.since(0), Since::Events(found) if found.is_empty()));
        for number in 0..(KEPT as u64 + 5) {
            events.publish("test.counted", json!(number));
        }
        assert!(matches!(events.since(0), Since::Lost(last) if last == KEPT as u64 + 5));
        assert!(matches!(events.after(events.last() - 2).await, Since::Events(found) if found.len() == 2));
        assert!(matches!(events.since(events.last() + 1), Since::Lost(_)));
    }

    #[test]
    fn knows_the_numbers_of_this_run_only() {
        let (one, other) = (Events::default(), Events::default());
        assert_eq!(one.seq(&one.id(7)), Some(7));
        assert_eq!(one.seq(&other.id(7)), None);
        assert_eq!(one.seq("rubbish"), None);
    }
}
