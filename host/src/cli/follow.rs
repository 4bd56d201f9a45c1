//! What the server that runs on a home makes of a plugin, printed as it happens: for `drls plugin dev`.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Local};
use reqwest::{Client, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::runtime::Builder;

use super::{ACTOR, serve};
use crate::api::session::COOKIE;
use crate::auth::secret;
use crate::db::{Db, audit, sessions, users};

/// How often the server is asked.
const EVERY: Duration = Duration::from_millis(200);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A step in the plugin's life, as the server tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Step {
    at: String,
    state: String,
    version: Option<String>,
    digest: Option<String>,
    took_ms: f64,
    detail: Option<String>,
}

/// A line that the plugin logged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Line {
    at: String,
    level: String,
    message: String,
    version: String,
}

#[derive(Default, Deserialize)]
struct Plugin {
    history: Vec<Step>,
}

#[derive(Default, Deserialize)]
struct Log {
    items: Vec<Line>,
}

/// A server that runs, and the key of a session there.
struct Server {
    client: Client,
    address: String,
    key: String,
}

/// Prints what happens to a plugin until the program ends, on a thread of its own. Returns once nothing is missed any more.
pub(super) fn start(home: PathBuf, id: String) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (begun, has_begun) = mpsc::channel();
    std::thread::spawn(move || runtime.block_on(run(&home, &id, begun)));
    // Dropped, not sent.
    let _ = has_begun.recv();
    Ok(())
}

/// A server may come and go. `begun` is dropped once nothing that happens is missed any more.
async fn run(home: &Path, id: &str, begun: mpsc::Sender<()>) {
    let mut begun = Some(begun);
    let mut alone = false;
    loop {
        match Server::find(home).await {
            Ok(Some(server)) => {
                println!("following the server at http://{}/", server.address);
                alone = false;
                if let Err(error) = server.follow(id, &mut begun).await {
                    println!("the server is not followed any more: {error:#}");
                }
            }
            Ok(None) if alone => {}
            Ok(None) => {
                println!("no server runs on {}: what is installed serves from its start on", home.display());
                alone = true;
            }
            Err(error) => {
                println!("the server can't be followed: {error:#}");
                return;
            }
        }
        begun = None;
        tokio::time::sleep(EVERY).await;
    }
}

impl Server {
    /// The server of a home, where one runs. Whoever may write the home may open a session there.
    async fn find(home: &Path) -> Result<Option<Self>> {
        let Some(address) = serve::address_of(home) else { return Ok(None) };
        let db = Db::open(home).await?;
        let key = open_session(&db).await;
        db.close().await;
        let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Some(Self { client, address, key: key? }))
    }

    async fn follow(&self, id: &str, begun: &mut Option<mpsc::Sender<()>>) -> Result<()> {
        let plugin = format!("/api/plugins/{id}");
        let log = format!("{plugin}/log?limit=500");
        let (mut steps, mut lines) = (self.get::<Plugin>(&plugin).await?.history, self.get::<Log>(&log).await?.items);
        *begun = None;
        loop {
            tokio::time::sleep(EVERY).await;
            let (now, written) = (self.get::<Plugin>(&plugin).await?.history, self.get::<Log>(&log).await?.items);
            added(&lines, &written).iter().for_each(print_line);
            added(&steps, &now).iter().for_each(|step| print_step(id, step));
            (steps, lines) = (now, written);
        }
    }

    /// What is at a path; nothing where the server knows no such plugin, or not yet.
    fn get<T: DeserializeOwned + Default>(&self, path: &str) -> impl Future<Output = Result<T>> + use<T> {
        let cookie = format!("{COOKIE}={}", self.key);
        let request = self.client.get(format!("http://{}{path}", self.address)).header(header::COOKIE, cookie);
        async move {
            let answer = request.send().await?;
            if answer.status() == StatusCode::NOT_FOUND {
                return Ok(T::default());
            }
            Ok(answer.error_for_status()?.json().await?)
        }
    }
}

async fn open_session(db: &Db) -> Result<String> {
    let key = secret::make("")?;
    let mut tx = db.write().await?;
    let admin = users::first_admin(&mut *tx).await?;
    let admin = admin.context("nobody is admin there yet; `drls user add NAME --role admin` adds one")?;
    sessions::insert(&mut tx, &admin, &key).await?;
    audit::append(&mut tx, ACTOR, "session.open", &admin.name, &json!({ "by": "drls plugin dev" })).await?;
    tx.commit().await?;
    Ok(key)
}

/// What came to a list that grows at its end and loses at its beginning.
fn added<'a, T: PartialEq>(before: &[T], now: &'a [T]) -> &'a [T] {
    let kept = (0..=before.len()).find_map(|from| now.strip_prefix(&before[from..]));
    kept.unwrap_or(now)
}

fn print_line(line: &Line) {
    println!("{} {} {}: {}", clock(&line.at), line.version, line.level, line.message);
}

fn print_step(id: &str, step: &Step) {
    let at = clock(&step.at);
    let version = step.version.as_deref().unwrap_or_default();
    let digest = step.digest.as_deref().and_then(|digest| digest.get(..12)).unwrap_or_default();
    let detail = step.detail.as_deref().unwrap_or_default();
    match step.state.as_str() {
        "active" => {
            let detail = if detail.is_empty() { String::new() } else { format!("; {detail}") };
            println!("{at} serves: {id} {version} ({digest}), {:.0} ms after it was seen{detail}", step.took_ms);
        }
        "refused" | "quarantined" | "rolled-back" | "disabled" | "enabled" => {
            println!("{at} {}: {id} {version}: {detail}", step.state);
        }
        _ => {}
    }
}

/// The time of day here of a time in RFC 3339.
fn clock(at: &str) -> String {
    let time = DateTime::parse_from_rfc3339(at);
    time.map_or_else(|_| at.to_owned(), |time| time.with_timezone(&Local).format("%H:%M:%S%.3f").to_string())
}

#[cfg(test)]
mod tests {
    use super::added;

    #[test]
    fn tells_what_came_to_a_list_that_loses_its_oldest() {
        assert_eq!(added(&[1, 2], &[1, 2, 3]), [3]);
        assert_eq!(added(&[1, 2, 3], &[2, 3, 4, 5]), [4, 5]);
        assert_eq!(added(&[1, 1], &[1, 1, 1]), [1]);
        assert_eq!(added(&[1, 2], &[1, 2]), [0; 0]);
        assert_eq!(added(&[1, 2], &[8, 9]), [8, 9]);
        assert_eq!(added(&[], &[7]), [7]);
    }
}
