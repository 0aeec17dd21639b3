//! What every [`Directory`] does, whatever it keeps its list in.
use std::sync::Arc;

use protocol::{Replica, pb};
use session_store::{Bounds, Directory, Error};
use tokio::sync::watch;

use super::{Mount, soon};

fn replica(instance: &str, backend: &str) -> Arc<Replica> {
    Arc::new(Replica {
        instance: instance.to_owned(),
        address: "http://127.0.0.1:1".to_owned(),
        description: pb::Description { name: backend.to_owned(), ..Default::default() },
    })
}

fn instances(watch: &mut watch::Receiver<Arc<[Arc<Replica>]>>) -> Vec<String> {
    watch.borrow_and_update().iter().map(|replica| replica.instance.clone()).collect()
}

/// A directory of at most so many replicas.
async fn holding<M: Mount>(mount: &M, replicas: usize) -> M::Store {
    mount.pods(Bounds { replicas, ..Bounds::default() }).await.0
}

async fn filled<D: Directory>(directory: D, names: &[&str]) -> D {
    for name in names {
        put(&directory, name).await;
    }
    directory
}

async fn put(directory: &impl Directory, name: &str) -> Arc<Replica> {
    let replica = replica(name, "b");
    directory.put(Arc::clone(&replica)).await.expect("there is room");
    replica
}

pub(crate) async fn a_new_directory_is_empty(mount: &impl Mount) {
    assert!(instances(&mut holding(mount, 9).await.watch()).is_empty());
}

pub(crate) async fn a_replica_that_was_put_is_listed(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let one = replica("one", "tools");
    directory.put(Arc::clone(&one)).await.expect("there is room");
    assert_eq!(directory.watch().borrow().as_ref(), [one]);
}

pub(crate) async fn replicas_are_listed_in_the_order_they_became_known(mount: &impl Mount) {
    let directory = filled(holding(mount, 9).await, &["c", "a", "b"]).await;
    assert_eq!(instances(&mut directory.watch()), ["c", "a", "b"]);
}

pub(crate) async fn an_instance_put_again_is_replaced_in_its_place(mount: &impl Mount) {
    let directory = filled(holding(mount, 9).await, &["a", "b", "c"]).await;
    directory.put(replica("b", "other")).await.expect("it is known");
    let mut watch = directory.watch();
    assert_eq!(instances(&mut watch), ["a", "b", "c"]);
    assert_eq!(watch.borrow()[1].backend(), "other");
}

pub(crate) async fn putting_the_same_replica_again_wakes_nobody(mount: &impl Mount) {
    let directory = filled(holding(mount, 9).await, &["a"]).await;
    let mut watch = directory.watch();
    instances(&mut watch);
    directory.put(replica("a", "b")).await.expect("it is known");
    assert!(!watch.has_changed().expect("the directory lives"));
}

pub(crate) async fn a_removed_replica_is_gone(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let (a, _) = (put(&directory, "a").await, put(&directory, "b").await);
    directory.remove(&a).await.expect("in reach");
    assert_eq!(instances(&mut directory.watch()), ["b"]);
}

pub(crate) async fn a_replica_that_was_put_again_is_not_removed_by_who_put_it_first(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let (first, second) = (put(&directory, "a").await, put(&directory, "a").await);
    let mut watch = directory.watch();
    instances(&mut watch);
    directory.remove(&first).await.expect("in reach");
    assert!(!watch.has_changed().expect("the directory lives"));
    assert_eq!(instances(&mut watch), ["a"]);
    directory.remove(&second).await.expect("in reach");
    assert!(instances(&mut watch).is_empty());
}

pub(crate) async fn a_replica_that_is_put_again_while_it_is_removed_is_listed(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let mut watch = directory.watch();
    let mut listed = put(&directory, "a").await;
    for _ in 0..20 {
        let (again, removed) = tokio::join!(put(&directory, "a"), directory.remove(&listed));
        removed.expect("in reach");
        listed = again;
        soon("it is listed", watch.wait_for(|list| list.len() == 1)).await.expect("the directory lives");
    }
    directory.remove(&listed).await.expect("in reach");
    soon("it is gone", watch.wait_for(|list| list.is_empty())).await.expect("the directory lives");
}

pub(crate) async fn removing_an_unknown_instance_wakes_nobody(mount: &impl Mount) {
    let directory = filled(holding(mount, 9).await, &["a"]).await;
    let mut watch = directory.watch();
    instances(&mut watch);
    directory.remove(&replica("z", "b")).await.expect("in reach");
    assert!(!watch.has_changed().expect("the directory lives"));
    assert_eq!(instances(&mut watch), ["a"]);
}

pub(crate) async fn a_watcher_that_came_later_sees_the_present_list(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let early = directory.watch();
    let directory = filled(directory, &["a"]).await;
    drop(early);
    assert_eq!(instances(&mut directory.watch()), ["a"]);
}

pub(crate) async fn a_waiting_watcher_is_woken_by_a_change(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let mut watch = directory.watch();
    instances(&mut watch);
    let (changed, put) = tokio::join!(watch.changed(), directory.put(replica("a", "b")));
    put.expect("there is room");
    changed.expect("the directory lives");
    assert_eq!(instances(&mut watch), ["a"]);
}

pub(crate) async fn a_slow_watcher_sees_the_last_state(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let mut watch = directory.watch();
    let (_, b, _) = (put(&directory, "a").await, put(&directory, "b").await, put(&directory, "c").await);
    directory.remove(&b).await.expect("in reach");
    watch.changed().await.expect("the directory lives");
    assert_eq!(instances(&mut watch), ["a", "c"]);
    assert!(!watch.has_changed().expect("the directory lives"));
}

pub(crate) async fn a_snapshot_does_not_change_under_its_reader(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    let a = put(&directory, "a").await;
    let before = Arc::clone(&directory.watch().borrow());
    directory.remove(&a).await.expect("in reach");
    assert_eq!(before.len(), 1);
}

pub(crate) async fn a_new_instance_over_the_limit_is_refused(mount: &impl Mount) {
    let directory = filled(holding(mount, 2).await, &["a", "b"]).await;
    assert_eq!(directory.put(replica("c", "b")).await, Err(Error::Full { limit: 2 }));
    assert_eq!(instances(&mut directory.watch()), ["a", "b"]);
}

pub(crate) async fn a_full_directory_still_replaces_and_removes(mount: &impl Mount) {
    let directory = holding(mount, 2).await;
    let (a, _) = (put(&directory, "a").await, put(&directory, "b").await);
    directory.put(replica("b", "other")).await.expect("it is known");
    directory.remove(&a).await.expect("in reach");
    directory.put(replica("c", "b")).await.expect("there is room again");
    assert_eq!(instances(&mut directory.watch()), ["b", "c"]);
}

pub(crate) async fn an_instance_without_a_name_is_refused(mount: &impl Mount) {
    let directory = holding(mount, 9).await;
    assert_eq!(directory.put(replica("", "b")).await, Err(Error::Instance { length: 0 }));
    let long = "x".repeat(129);
    assert_eq!(directory.put(replica(&long, "b")).await, Err(Error::Instance { length: 129 }));
    assert!(instances(&mut directory.watch()).is_empty());
}

pub(crate) async fn changes_from_many_threads_are_all_there(mount: &impl Mount) {
    let directory = Arc::new(holding(mount, 1_000).await);
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let directory = Arc::clone(&directory);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime can be built");
                runtime.block_on(async {
                    for number in 0..50 {
                        let name = format!("{thread}-{number}");
                        let replica = put(&*directory, &name).await;
                        if number % 2 == 0 {
                            directory.remove(&replica).await.expect("in reach");
                        }
                    }
                });
            })
        })
        .collect();
    // Joined elsewhere, since the store's own connections may be served by this thread.
    let joined = tokio::task::spawn_blocking(|| threads.into_iter().all(|thread| thread.join().is_ok()));
    assert!(joined.await.expect("no thread panics"), "a thread has panicked");
    assert_eq!(instances(&mut directory.watch()).len(), 8 * 25);
}

pub(crate) async fn a_replica_of_one_pod_is_seen_at_the_other(mount: &impl Mount) {
    let (a, b) = mount.pods(Bounds::default()).await;
    let mut there = b.watch();
    a.put(replica("one", "tools")).await.expect("there is room");
    soon("the replica is seen", there.wait_for(|list| list.len() == 1)).await.expect("the directory lives");
    assert_eq!(there.borrow()[0].backend(), "tools");
    let others = replica("one", "others");
    a.put(Arc::clone(&others)).await.expect("it is known");
    soon("the change is seen", there.wait_for(|list| list[0].backend() == "others"))
        .await
        .expect("the directory lives");
    a.remove(&others).await.expect("in reach");
    soon("it is gone", there.wait_for(|list| list.is_empty())).await.expect("the directory lives");
}
