//! The file of networks from which clients may come or not, followed for as long as the gateway runs.

use super::file::Followed;
use crate::door::Door;
use std::sync::Arc;

/// Takes the lists whenever the file has changed. Who is connected stays.
pub(crate) async fn follow(door: Arc<Door>) {
    let Some(lists) = door.addresses.file() else { return };
    let mut file = Followed::new(lists.path().to_owned(), "networks of clients");
    loop {
        file.taken(|text| lists.install(text)).await;
    }
}
