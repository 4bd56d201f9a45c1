//! A plugins folder to which things happen, and what its files say.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::chance::Chance;
use crate::support::Guest;

pub(super) const IDS: [&str; 3] = ["anna", "bert", "carl"];
/// Versions of each, all of one size.
const VERSIONS: u64 = 9;

/// What a file says should serve under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Absent,
    /// Not a plugin of that id.
    Bad,
    /// This version.
    Good(String),
}

/// Components by id and version.
fn component(id: &'static str, version: u64) -> &'static [u8] {
    static ALL: OnceLock<BTreeMap<(&'static str, u64), Vec<u8>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let each = IDS.into_iter().flat_map(|id| (1..=VERSIONS).map(move |version| (id, version)));
        let built = |(id, n)| ((id, n), Guest::rule(id, &format!("1.0.{n}")).code(&format!("v-{n}")).build());
        each.map(built).collect()
    });
    &all[&(id, version)]
}

/// Id and version of a component.
fn known(bytes: &[u8]) -> Option<(&'static str, u64)> {
    static ALL: OnceLock<HashMap<&'static [u8], (&'static str, u64)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let each = IDS.into_iter().flat_map(|id| (1..=VERSIONS).map(move |version| (id, version)));
        each.map(|(id, version)| (component(id, version), (id, version))).collect()
    });
    all.get(bytes).copied()
}

/// Whether this is the digest of one of the components.
pub(super) fn is_known(digest: &str) -> bool {
    static ALL: OnceLock<HashSet<String>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let each = IDS.into_iter().flat_map(|id| (1..=VERSIONS).map(move |version| component(id, version)));
        each.map(|bytes| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()).collect()
    });
    all.contains(digest)
}

/// The folder, and places beside it.
pub(super) struct Folder {
    home: PathBuf,
    /// Versions that were there for a moment within one event.
    passed: BTreeMap<&'static str, Vec<String>>,
    number: u64,
}

impl Folder {
    pub(super) fn new(home: &Path) -> Self {
        fs::create_dir(home.join("away")).expect("folder");
        Self { home: home.to_owned(), passed: BTreeMap::new(), number: 0 }
    }

    fn plugins(&self) -> PathBuf {
        self.home.join("plugins")
    }

    fn file(&self, id: &str) -> PathBuf {
        self.plugins().join(format!("{id}.wasm"))
    }

    /// A name beside the folder that nobody has.
    fn beside(&mut self, what: &str) -> PathBuf {
        self.number += 1;
        self.home.join(format!("{what}-{}", self.number))
    }

    pub(super) fn install(&mut self, id: &'static str, version: u64) {
        self.rename_over(id, component(id, version));
    }

    /// Versions of an id that were there for a moment since this was last asked.
    pub(super) fn took(&mut self, id: &str) -> Vec<String> {
        self.passed.remove(id).unwrap_or_default()
    }

    /// What a file says now.
    pub(super) fn says(&self, id: &str) -> Said {
        let file = self.file(id);
        if fs::symlink_metadata(&file).is_err() {
            return Said::Absent;
        }
        let read = || {
            let (target, folder) = (file.canonicalize().ok()?, self.plugins().canonicalize().ok()?);
            let bytes = target.starts_with(folder).then(|| fs::read(target).ok())??;
            known(&bytes).filter(|(of, _)| *of == id)
        };
        read().map_or(Said::Bad, |(_, version)| Said::Good(format!("1.0.{version}")))
    }

    /// Lets something happen; says what.
    pub(super) fn happens(&mut self, chance: &mut Chance) -> String {
        let id = *chance.of(&IDS);
        let other = *chance.of(&IDS);
        let version = 1 + chance.below(VERSIONS);
        let bytes = component(id, version);
        let pause = || Duration::from_millis(3);
        let said = format!("{id} {version}");
        match chance.below(24) {
            0..3 => {
                self.rename_over(id, bytes);
                format!("{said} is renamed over")
            }
            3..6 => {
                let pieces = 1 + chance.below(4);
                self.in_place(id, bytes, pieces, Duration::from_millis(chance.below(40)));
                format!("{said} is written in place in {pieces} pieces")
            }
            6 => {
                self.in_place_at_the_same_time(id, bytes);
                format!("{said} is written in place with the time of the file before")
            }
            7 => {
                let moved = fs::rename(self.file(id), self.home.join("away").join(id));
                format!("{id} is moved away: {}", moved.is_ok())
            }
            8..10 => {
                let moved = fs::rename(self.home.join("away").join(id), self.file(id));
                format!("{id} is moved back: {}", moved.is_ok())
            }
            10 => {
                let source = self.beside("copied");
                fs::write(&source, bytes).expect("write");
                let copied = self.without_link(id) && fs::copy(source, self.file(id)).is_ok();
                format!("{said} is copied over: {copied}")
            }
            11 => {
                let removed = fs::remove_file(self.file(id));
                fs::write(self.file(id), bytes).expect("write");
                format!("{id} is removed ({}) and {said} is made", removed.is_ok())
            }
            12 => {
                let removed = fs::remove_file(self.file(id));
                format!("{id} is removed: {}", removed.is_ok())
            }
            13 => {
                let inside = self.plugins().join(".versions");
                fs::create_dir_all(&inside).expect("folder");
                fs::write(inside.join(&said), bytes).expect("write");
                self.link(id, &Path::new(".versions").join(&said));
                format!("{said} is linked from inside the folder")
            }
            14 => {
                let outside = self.beside("outside");
                fs::write(&outside, bytes).expect("write");
                self.link(id, &outside);
                format!("{said} is linked from outside the folder")
            }
            15 => {
                let cut = usize::try_from(chance.below(bytes.len() as u64)).expect("small");
                self.in_place(id, &bytes[..cut], 1, Duration::ZERO);
                std::thread::sleep(Duration::from_millis(chance.below(250)));
                let mut file = OpenOptions::new().append(true).open(self.file(id)).expect("open");
                file.write_all(&bytes[cut..]).expect("write");
                format!("{said} is cut at {cut} and completed")
            }
            16 => {
                self.rename_over(id, &bytes[..bytes.len() / 2]);
                format!("half of {said} is renamed over")
            }
            17 => {
                self.rename_over(id, b"this is no plugin");
                std::thread::sleep(Duration::from_millis(chance.below(60)));
                self.rename_over(id, bytes);
                format!("text and then {said} are renamed over")
            }
            18 => {
                self.rename_over(id, b"this is no plugin");
                format!("text is renamed over {id}")
            }
            19 => {
                let Ok(same) = fs::read(self.file(id)) else { return format!("{id} has no bytes to write again") };
                self.in_place(id, &same, 2, pause());
                format!("{id} is written again")
            }
            20 => {
                let (one, two) = (self.file(id), self.file(other));
                let third = self.plugins().join(".swap");
                let swapped = fs::rename(&one, &third).is_ok();
                let swapped = (swapped, fs::rename(&two, &one).is_ok(), fs::rename(&third, &two).is_ok());
                format!("{id} and {other} are swapped: {swapped:?}")
            }
            21 => {
                self.be_a_folder();
                let files = self.contents();
                let away = self.beside("old");
                if chance.below(2) == 0 {
                    fs::remove_dir_all(self.plugins()).expect("remove");
                } else {
                    fs::rename(self.plugins(), &away).expect("rename");
                }
                std::thread::sleep(Duration::from_millis(chance.below(100)));
                fs::create_dir(self.plugins()).expect("folder");
                Self::fill(&self.plugins(), files, id, bytes);
                format!("the folder is made again, with {said}")
            }
            22 => {
                self.be_a_folder();
                let (next, old) = (self.beside("next"), self.beside("old"));
                fs::create_dir(&next).expect("folder");
                Self::fill(&next, self.contents(), id, bytes);
                fs::rename(self.plugins(), old).expect("rename");
                fs::rename(next, self.plugins()).expect("rename");
                format!("the folder is another, with {said}")
            }
            _ => {
                if self.be_a_folder() {
                    return "the folder is a folder again".to_owned();
                }
                let real = self.beside("real");
                fs::rename(self.plugins(), &real).expect("rename");
                symlink(real, self.plugins()).expect("link");
                "the folder is replaced by a link to it".to_owned()
            }
        }
    }

    /// Where the folder is a link: what it leads to, in its place.
    fn be_a_folder(&self) -> bool {
        let link = self.plugins();
        if !link.is_symlink() {
            return false;
        }
        let real = link.canonicalize().expect("a folder");
        fs::remove_file(&link).expect("remove");
        fs::rename(real, link).expect("rename");
        true
    }

    /// What the files hold that are no links.
    fn contents(&self) -> Vec<(&'static str, Vec<u8>)> {
        let plain = IDS.into_iter().filter(|id| !self.file(id).is_symlink());
        plain.filter_map(|id| Some((id, fs::read(self.file(id)).ok()?))).collect()
    }

    fn fill(folder: &Path, files: Vec<(&'static str, Vec<u8>)>, id: &str, bytes: &[u8]) {
        let others = files.into_iter().filter(|(other, _)| *other != id);
        others.for_each(|(other, held)| fs::write(folder.join(format!("{other}.wasm")), held).expect("write"));
        fs::write(folder.join(format!("{id}.wasm")), bytes).expect("write");
    }

    fn rename_over(&mut self, id: &'static str, bytes: &[u8]) {
        let part = self.plugins().join(format!(".{id}.wasm.part"));
        fs::write(&part, bytes).expect("write");
        fs::rename(part, self.file(id)).expect("rename");
        self.pass(id, bytes);
    }

    /// As `rsync --inplace` writes: over what is there, and cut at the end.
    fn in_place(&mut self, id: &'static str, bytes: &[u8], pieces: u64, pause: Duration) {
        self.without_link(id);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(self.file(id)).expect("open");
        let length = bytes.len().div_ceil(usize::try_from(pieces).expect("few")).max(1);
        for piece in bytes.chunks(length) {
            file.write_all(piece).expect("write");
            if pieces > 1 {
                std::thread::sleep(pause);
            }
        }
        file.set_len(bytes.len() as u64).expect("cut");
        drop(file);
        self.pass(id, bytes);
    }

    /// As a copy that keeps times writes a file whose builds all have one time.
    fn in_place_at_the_same_time(&mut self, id: &'static str, bytes: &[u8]) {
        self.without_link(id);
        let before = fs::metadata(self.file(id)).and_then(|meta| meta.modified());
        let mut file = File::create(self.file(id)).expect("create");
        file.write_all(bytes).expect("write");
        if let Ok(before) = before {
            file.set_modified(before).expect("time");
        }
        drop(file);
        self.pass(id, bytes);
    }

    fn link(&mut self, id: &'static str, target: &Path) {
        let part = self.plugins().join(format!(".{id}.link"));
        // What is left of one that was not renamed.
        let _ = fs::remove_file(&part);
        symlink(target, &part).expect("link");
        fs::rename(part, self.file(id)).expect("rename");
    }

    /// Removes a link, through which a write would go to where no watch is.
    fn without_link(&self, id: &str) -> bool {
        let file = self.file(id);
        if file.is_symlink() {
            fs::remove_file(&file).expect("remove");
        }
        true
    }

    fn pass(&mut self, id: &'static str, bytes: &[u8]) {
        if let Some((of, version)) = known(bytes)
            && of == id
        {
            self.passed.entry(id).or_default().push(format!("1.0.{version}"));
        }
    }
}
