//! Files and folders that look as they did before and are others.

use std::{fs, io::Write as _, os::unix::fs::symlink};

use crate::support::{
    Guest,
    home::{Home, eventually, status, version},
};

/// Files of all versions have one size.
fn numbered(n: u64) -> Vec<u8> {
    Guest::rule("rule", &format!("1.0.{n}")).code(&format!("v-{n}")).build()
}

#[test]
fn takes_a_file_that_is_written_over_with_the_size_and_time_of_the_one_before() {
    let home = Home::new();
    home.put_bytes("rule.wasm", &numbered(1));
    let runtime = home.start();
    let file = home.file("rule.wasm");
    let before = fs::metadata(&file).expect("there");
    let mut over = fs::File::create(&file).expect("create");
    over.write_all(&numbered(2)).expect("write");
    over.set_modified(before.modified().expect("a time")).expect("time");
    drop(over);
    assert_eq!(fs::metadata(&file).expect("there").len(), before.len(), "the two would differ in size");
    eventually("the one that was written over it", || version(&runtime, "rule").filter(|v| v == "1.0.2"));
}

#[test]
fn finds_by_a_rescan_a_file_with_the_size_and_time_of_the_one_before() {
    let home = Home::new();
    home.put_bytes("rule.wasm", &numbered(1));
    // Through a link, so that no event tells of the write.
    fs::create_dir(home.file(".versions")).expect("folder");
    fs::rename(home.file("rule.wasm"), home.file(".versions/one")).expect("rename");
    symlink(".versions/one", home.file("rule.wasm")).expect("link");
    let runtime = home.start();
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.1"));
    let target = home.file(".versions/one");
    let time = fs::metadata(&target).and_then(|meta| meta.modified()).expect("a time");
    fs::write(&target, numbered(2)).expect("write");
    fs::File::options().write(true).open(&target).and_then(|file| file.set_modified(time)).expect("time");
    runtime.rescan();
    eventually("what the link leads to now", || version(&runtime, "rule").filter(|v| v == "1.0.2"));
}

#[test]
fn takes_files_from_a_folder_that_became_a_link() {
    let home = Home::new();
    home.put_bytes("rule.wasm", &numbered(1));
    let runtime = home.start();
    let real = home.path().join("real");
    fs::rename(home.plugins(), &real).expect("rename");
    symlink(&real, home.plugins()).expect("link");
    home.put_bytes("rule.wasm", &numbered(2));
    eventually("a file of the folder behind the link", || version(&runtime, "rule").filter(|v| v == "1.0.2"));
    fs::write(home.path().join("outside"), numbered(3)).expect("write");
    symlink(home.path().join("outside"), home.file(".link")).expect("link");
    fs::rename(home.file(".link"), home.file("rule.wasm")).expect("rename");
    let refused = eventually("a link out of it", || status(&runtime, "rule")?.error);
    assert!(refused.contains("a symbolic link out of the plugins folder"), "{refused}");
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.2"));
}
