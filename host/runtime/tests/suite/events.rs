//! Whatever happens to the files of the plugins folder, and however fast: once it is over, what serves is what the last
//! files say. Sequences come by chance from a seed, which a failure names: `DRLS_SEED=7` runs that one again, and
//! `DRLS_LONG=600` new ones for ten minutes.

mod chance;
mod folder;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use drls_runtime::{PluginState, Runtime};

use self::{
    chance::Chance,
    folder::{Folder, IDS, Said, is_known},
};
use crate::support::{
    home::{Home, status, version},
    table,
};

/// Seeds of every test run.
const SEEDS: std::ops::Range<u64> = 0..8;
/// Sequences that run at once; they wait most of the time.
const AT_ONCE: usize = 8;
/// Events of a short sequence, and of a long one.
const EVENTS: [u64; 2] = [14, 60];
/// How long what serves may take to be what the files say: a file that ends too early is judged after 5 s, one that is gone
/// after 2 s. Less than the time from one rescan to the next, which must not be what finds a change.
const PATIENCE: Duration = Duration::from_secs(20);
/// An absence that may have been long enough to retire a plugin.
const LONG_GONE: Duration = Duration::from_millis(1500);

#[test]
fn serves_what_the_last_files_say_whatever_happened_before() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let started = Instant::now();
    let failed = Mutex::new(Vec::new());
    let (seeds, long) = match (number("DRLS_SEED"), number("DRLS_LONG")) {
        (Some(seed), long) => (seed..seed + 1, long.is_some()),
        (None, Some(_)) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
            (now * 1000..u64::MAX, true)
        }
        (None, None) => (SEEDS, false),
    };
    let end = number("DRLS_LONG").map(|seconds| started + Duration::from_secs(seconds));
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = end.is_some_and(|end| Instant::now() > end) && seed > seeds.start;
                    if !seeds.contains(&seed) || is_over {
                        return;
                    }
                    let ran = catch_unwind(AssertUnwindSafe(|| Sequence::new(seed).run(EVENTS[usize::from(long)])));
                    if ran.is_err() {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic while locked");
    let again = if long { "DRLS_LONG=1 DRLS_SEED" } else { "DRLS_SEED" };
    assert!(failed.is_empty(), "sequences {failed:?} failed; {again}=N runs one again");
}

/// What may serve under an id whose file is bad.
#[derive(Default)]
struct Before {
    /// What served when it was last looked at; nothing else is sure.
    sure: Option<String>,
    /// Versions whose files were there since.
    seen: BTreeSet<String>,
    absent: Option<Instant>,
    /// The file was gone for so long that its plugin may have been retired.
    long_gone: bool,
}

struct Sequence {
    seed: u64,
    chance: Chance,
    home: Home,
    folder: Folder,
    runtime: Arc<Runtime>,
    before: BTreeMap<&'static str, Before>,
    /// What happened, for whoever looks for the mistake.
    told: Vec<String>,
}

impl Sequence {
    fn new(seed: u64) -> Self {
        let home = Home::new();
        let mut folder = Folder::new(home.path());
        IDS.iter().for_each(|id| folder.install(id, 1));
        let runtime = home.start();
        let before = IDS.iter().map(|id| (*id, Before::default())).collect();
        Self { seed, chance: Chance::new(seed), home, folder, runtime, before, told: Vec::new() }
    }

    fn run(mut self, events: u64) {
        self.holds();
        for number in 1..=events {
            let began = self.runtime.snapshot().generation();
            let what = self.folder.happens(&mut self.chance);
            self.told.push(format!("{number}: {what} (at generation {began})"));
            self.look();
            // Mostly at once or before the watcher's own pauses are over, now and then after a swap.
            let pause = match self.chance.below(10) {
                0..4 => 0,
                4..7 => self.chance.below(30),
                7..9 => self.chance.below(300),
                _ => self.chance.below(2500),
            };
            std::thread::sleep(Duration::from_millis(pause));
            self.look();
            self.calls_are_answered();
            if number % 20 == 0 {
                self.holds();
            }
        }
        self.holds();
        self.runtime.shutdown();
    }

    /// Remembers which versions are there, and which files are not.
    fn look(&mut self) {
        for (id, before) in &mut self.before {
            before.seen.extend(self.folder.took(id));
            match self.folder.says(id) {
                Said::Absent => {
                    let since = *before.absent.get_or_insert_with(Instant::now);
                    before.long_gone |= since.elapsed() > LONG_GONE;
                }
                Said::Good(version) => {
                    before.absent = None;
                    before.seen.insert(version);
                }
                Said::Bad => before.absent = None,
            }
        }
    }

    /// What serves answers, by the code of its own version.
    fn calls_are_answered(&self) {
        for plugin in self.runtime.snapshot().plugins() {
            // Read in the middle of a write, two versions of one size can make a third file that is whole.
            if !is_known(&plugin.identity().digest) {
                continue;
            }
            let findings = plugin.evaluate(&table(), None).unwrap_or_else(|error| panic!("{}", self.words(&error)));
            let own = format!("v-{}", plugin.identity().version.patch);
            assert_eq!(findings[0].code, own, "{}", self.words(&"code of another version"));
        }
    }

    /// Waits until what serves is what the files say.
    fn holds(&mut self) {
        let start = Instant::now();
        loop {
            self.look();
            let wrong: Vec<String> = IDS.iter().filter_map(|id| self.differs(id)).collect();
            if wrong.is_empty() {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{}", self.words(&wrong.join("\n")));
            std::thread::sleep(Duration::from_millis(20));
        }
        self.calls_are_answered();
        assert!(self.runtime.settle(PATIENCE), "{}", self.words(&"it does not settle"));
        for plugin in self.runtime.snapshot().plugins() {
            let copy = self.home.path().join("store").join(format!("{}.wasm", plugin.identity().digest));
            assert!(copy.is_file(), "{}", self.words(&format!("no copy of {} in the store", plugin.identity())));
        }
        for (id, before) in &mut self.before {
            *before = Before { sure: version(&self.runtime, id), absent: before.absent, ..Before::default() };
        }
    }

    /// How what serves under an id differs from what its file says.
    fn differs(&self, id: &str) -> Option<String> {
        let serving = version(&self.runtime, id);
        let told = status(&self.runtime, id);
        let error = told.as_ref().and_then(|told| told.error.clone());
        let said = self.folder.says(id);
        let holds = match &said {
            Said::Absent => serving.is_none() && told.is_none(),
            Said::Good(version) => {
                let active = told.as_ref().is_some_and(|told| told.state == PluginState::Active);
                let digest = told.as_ref().and_then(|told| told.digest.as_deref());
                serving.as_ref() == Some(version) && active && error.is_none() && digest.is_some_and(is_known)
            }
            Said::Bad => error.is_some() && self.may_serve(id, serving.as_ref()),
        };
        let state = told.map(|told| told.state);
        (!holds).then(|| format!("{id}: the file is {said:?}, but {serving:?} serves, {state:?}, {error:?}"))
    }

    /// Whether this may serve in the place of a bad file: the last good one.
    fn may_serve(&self, id: &str, serving: Option<&String>) -> bool {
        let before = &self.before[id];
        match serving {
            Some(version) => before.sure.as_ref() == Some(version) || before.seen.contains(version),
            None => before.sure.is_none() || before.long_gone,
        }
    }

    fn words(&self, what: &dyn std::fmt::Display) -> String {
        let seed = self.seed;
        let files: Vec<_> = fs::read_dir(self.home.plugins()).into_iter().flatten().flatten().collect();
        let files: Vec<_> = files.iter().map(fs::DirEntry::file_name).collect();
        format!("seed {seed}: {what}\nafter\n{}\nthe folder has {files:?}", self.told.join("\n"))
    }
}
