//! The files of each crate depend on each other in one direction; `lists/cycles.txt` holds the cycles of today.

mod repository;

use crossdock_structure::cycles::{compare, of_crate};
use repository::Repository;

#[test]
fn the_files_of_a_crate_depend_on_each_other_in_one_direction() {
    let repository = Repository::read();
    let mut found = Vec::new();
    for manifest in repository.crates.values() {
        found.extend(of_crate(&repository.tree, manifest).unwrap());
    }
    repository.enforce("cycles.txt", |list| compare(&found, list));
}
