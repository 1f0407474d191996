//! Every repository that real servers wrote gives the documents and the metadata that those servers
//! returned; where they are, `fixture/beside.rs` says.

#[path = "fixture/beside.rs"]
mod beside;
mod fixture;

use beside::{SERVERS, of_server};

#[tokio::test]
async fn documents_are_those_that_the_server_returned() {
    for fixtures in SERVERS.iter().filter_map(|server| of_server(server)) {
        for folder in &fixtures.folders {
            let count = fixture::check(folder, &fixture::open(folder)).await;
            println!("{}: {count} documents", folder.file_name().expect("a file name").display());
        }
    }
}

#[tokio::test]
async fn metadata_is_what_the_server_returned() {
    for fixtures in SERVERS.iter().filter_map(|server| of_server(server)) {
        for folder in &fixtures.folders {
            fixture::check_metadata(folder, &fixture::open(folder)).await;
        }
    }
}
