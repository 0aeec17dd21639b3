//! The service is killed while it writes: what it has acknowledged is there afterwards.

use crate::{Bed, get};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tests::{Client, until};

const WRITERS: usize = 6;
const KILLS: usize = 3;
/// Acknowledged writes before each kill.
const WRITES: usize = 60;

/// Makes contexts and changes them until it is told to stop; what was acknowledged last of each.
fn write(client: &mut Client, life: usize, done: &AtomicUsize, stop: &AtomicBool) -> HashMap<String, Value> {
    let mut acknowledged = HashMap::<String, Value>::new();
    let mut last = None;
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Each second one changes the context before it.
        let (method, params) = match last.take() {
            Some(id) => ("context.update", json!({"id": id, "patch": {"changed": n}})),
            None => ("context.create", json!({"content": {"made": n, "life": life, "pad": "x".repeat(500)}})),
        };
        client.request(&format!("{life}.{n}"), method, &params);
        let mut answer = client.message();
        if answer["type"] != 1 {
            // What is not acknowledged may or may not have been done: it is not looked at again.
            if let Some(id) = params["id"].as_str() {
                acknowledged.remove(id);
            }
            continue;
        }
        let context = answer["result"].take();
        let id = context["id"].as_str().expect("an id").to_owned();
        if method == "context.create" {
            last = Some(id.clone());
        }
        acknowledged.insert(id, context);
        done.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

fn check(mut bed: Bed) {
    let mut writers: Vec<_> = (0..WRITERS).map(|_| bed.client()).collect();
    let mut all = HashMap::new();
    for life in 0..KILLS {
        let (done, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let (done, stop) = (&done, &stop);
            let running: Vec<_> = writers
                .iter_mut()
                .map(|client| scope.spawn(move || write(client, life, done, stop)))
                .collect();
            until("enough writes", || (done.load(Ordering::Relaxed) >= WRITES).then_some(()));
            bed.service.kill();
            stop.store(true, Ordering::Relaxed);
            for writer in running {
                all.extend(writer.join().expect("a writer goes on to its end"));
            }
        });
        bed.restart();
        let mut client = bed.client();
        for (id, context) in &all {
            assert_eq!(&get(&mut client, id), context);
        }
    }
    assert!(all.len() >= KILLS * WRITES / 3, "{}", all.len());
}

#[test]
fn every_acknowledged_write_to_sqlite_outlives_a_kill() {
    check(Bed::sqlite());
}

#[test]
fn every_acknowledged_write_to_postgres_outlives_a_kill() {
    check(Bed::postgres());
}
