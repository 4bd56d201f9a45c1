//! The binary: serve, user, doctor, migrate

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::support::{Binary, command, drls, stderr, stdout};

async fn database(home: &TempDir) -> SqliteConnection {
    SqliteConnectOptions::new().filename(home.path().join("drls.db")).connect().await.unwrap()
}

async fn change(home: &TempDir, statements: &[&'static str]) {
    let mut connection = database(home).await;
    for statement in statements {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// The secret that a command prints last.
fn last_word(done: &Output) -> String {
    stdout(done).trim().split(' ').next_back().unwrap().to_owned()
}

fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args([name, &id.to_string()]).status().unwrap().success());
}

/// Serves on `bind`, whose first line must name `address`, and ends in order though nobody reads the next one.
fn serves_at(home: &TempDir, bind: &str, address: &str) {
    let mut child =
        command(home.path(), &["serve", "--bind", bind]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.contains(&format!(" at {address}")), "{line}");
    signal(child.id(), "-TERM");
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn serves_with_a_sign_in_link_and_ends_at_a_signal() {
    let home = TempDir::new().unwrap();
    for name in ["-TERM", "-INT"] {
        let mut server = Binary::serve(home.path());
        let client = reqwest::Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none());
        let client = client.build().unwrap();
        assert_eq!(client.get(&server.link).send().await.unwrap().status(), 303);
        let who: Value = client.get(format!("{}/api/session", server.url)).send().await.unwrap().json().await.unwrap();
        assert_eq!(who["role"], "admin");
        // A feed that is open must not hold up the end.
        let feed = client.get(format!("{}/api/events", server.url)).send().await.unwrap();
        let started = Instant::now();
        signal(server.child.id(), name);
        assert!(server.child.wait().unwrap().success());
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        drop(feed);
    }
}

#[test]
fn makes_no_home_for_a_command_that_only_reads_one() {
    let folder = TempDir::new().unwrap();
    let mistyped = folder.path().join("hoem");
    for words in [&["user", "list"][..], &["user", "token", "ada"], &["user", "link", "ada"]] {
        let refused = drls(&mistyped, words);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("there is no DRLS home at"), "{}", stderr(&refused));
    }
    assert!(!mistyped.exists());
}

#[test]
fn listens_on_a_name_and_says_how_an_address_is_written() {
    let home = TempDir::new().unwrap();
    let wrong = drls(home.path(), &["serve", "--bind", "3000"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("say it as 127.0.0.1:3000"), "{}", stderr(&wrong));
    serves_at(&home, "localhost:0", "http://127.0.0.1:");
}

#[tokio::test]
async fn refuses_a_second_server_on_one_home() {
    let home = TempDir::new().unwrap();
    let _first = Binary::serve(home.path());
    let second = drls(home.path(), &["serve", "--bind", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains("another `drls serve` runs"), "{}", stderr(&second));
}

#[test]
fn refuses_an_open_address_until_an_admin_can_sign_in() {
    let home = TempDir::new().unwrap();
    let refused = drls(home.path(), &["serve", "--bind", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("drls user add NAME --role admin --token"), "{}", stderr(&refused));
    assert_eq!(stderr(&refused).trim().lines().count(), 1);
    assert!(drls(home.path(), &["user", "add", "ada", "--role", "admin", "--token"]).status.success());
    serves_at(&home, "0.0.0.0:0", "http://0.0.0.0:");
}

#[tokio::test]
async fn prints_a_token_as_the_last_word_that_works_on_a_running_server() {
    let home = TempDir::new().unwrap();
    let server = Binary::serve(home.path());
    let added = drls(home.path(), &["user", "add", "ada", "--role", "operator", "--token"]);
    let token = last_word(&added);
    let again = drls(home.path(), &["user", "token", "ada"]);
    let second = last_word(&again);
    assert_ne!(token, second);
    for token in [token, second] {
        assert!(token.starts_with("drls_"), "{token}");
        let who = reqwest::Client::new().get(format!("{}/api/session", server.url)).bearer_auth(token);
        assert_eq!(who.send().await.unwrap().json::<Value>().await.unwrap()["name"], "ada");
    }
    let list = stdout(&drls(home.path(), &["user", "list"]));
    assert!(list.lines().any(|line| line.starts_with("ada\toperator\tno password\t2 tokens")), "{list}");
}

#[tokio::test]
async fn removes_a_user_whose_token_ends_at_once() {
    let home = TempDir::new().unwrap();
    let server = Binary::serve(home.path());
    let added = drls(home.path(), &["user", "add", "ada", "--role", "operator", "--token"]);
    let token = last_word(&added);
    let who = async || {
        let asked = reqwest::Client::new().get(format!("{}/api/session", server.url)).bearer_auth(&token);
        asked.send().await.unwrap().status()
    };
    assert_eq!(who().await, 200);
    assert!(drls(home.path(), &["user", "remove", "ada"]).status.success());
    assert_eq!(who().await, 401);
    let again = drls(home.path(), &["user", "remove", "ada"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("there is no user ada"), "{}", stderr(&again));
    let mut database = database(&home).await;
    let told: String = sqlx::query_scalar("SELECT subject FROM audit WHERE action = 'user.remove'")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(told, "ada");
}

#[tokio::test]
async fn makes_links_and_passwords() {
    let home = TempDir::new().unwrap();
    assert!(drls(home.path(), &["user", "add", "ada", "--role", "viewer"]).status.success());
    let set = |word: &str| {
        let mut child = command(home.path(), &["user", "passwd", "ada", "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(word.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let short = set("short\n");
    assert_eq!(short.status.code(), Some(1));
    assert!(stderr(&short).contains("at least 12"), "{}", stderr(&short));
    assert!(set("correct horse battery\n").status.success());
    let server = Binary::serve(home.path());
    let body = serde_json::json!({ "name": "ada", "password": "correct horse battery" });
    let opened = reqwest::Client::new().post(format!("{}/api/session", server.url)).json(&body).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    let link = stdout(&drls(home.path(), &["user", "link", "ada"]));
    let code = link.trim().rsplit('=').next().unwrap();
    let opened = reqwest::Client::new().post(format!("{}/api/session", server.url));
    assert_eq!(opened.json(&serde_json::json!({ "code": code })).send().await.unwrap().status(), 200);
}

#[test]
fn tells_what_is_wrong_with_a_command_in_one_line() {
    let home = TempDir::new().unwrap();
    assert!(drls(home.path(), &["migrate"]).status.success());
    for (arguments, code, words) in [
        (vec!["user", "token", "nobody"], 1, "there is no user nobody"),
        (vec!["user", "add", "a b", "--role", "viewer"], 1, "no spaces"),
        (vec!["user", "add", "ada", "--role", "king"], 2, "viewer, operator, approver, admin"),
        (vec!["serve", "--bind", "here"], 2, "invalid value 'here'"),
    ] {
        let failed = drls(home.path(), &arguments);
        assert_eq!(failed.status.code(), Some(code), "{arguments:?}");
        assert!(stderr(&failed).contains(words), "{arguments:?}: {}", stderr(&failed));
    }
    std::fs::write(home.path().join("config.json"), r#"{"spark": {"driver_memory": 1}, "server": {"bind": "x"}}"#)
        .unwrap();
    let failed = drls(home.path(), &["serve"]);
    assert_eq!(failed.status.code(), Some(1));
    for words in ["/spark/driver_memory must be string, is number", "/server/bind must be ADDRESS:PORT"] {
        assert!(stderr(&failed).contains(words), "{}", stderr(&failed));
    }
}

#[tokio::test]
async fn finds_an_audit_row_that_was_altered_taken_out_or_cut_off() {
    let home = TempDir::new().unwrap();
    for name in ["ada", "grace", "edsger"] {
        assert!(drls(home.path(), &["user", "add", name, "--role", "viewer"]).status.success());
    }
    let audit = || {
        let output = drls(home.path(), &["doctor", "--audit", "--json"]);
        let findings: Vec<Value> = serde_json::from_str(&stdout(&output)).unwrap();
        let finding = findings.into_iter().find(|one| one["check"] == "audit").unwrap();
        (output.status.code(), finding["level"].clone(), finding["detail"].as_str().unwrap().to_owned())
    };
    let (_, level, detail) = audit();
    assert_eq!((level, detail.as_str()), (Value::from("ok"), "all 3 rows hold"));
    let mut connection = database(&home).await;
    let refused = sqlx::query("UPDATE audit SET actor = 'x'").execute(&mut connection).await;
    assert!(refused.unwrap_err().to_string().contains("never changed"));
    connection.close().await.unwrap();
    change(&home, &["DROP TRIGGER audit_refuse_update", "DROP TRIGGER audit_refuse_delete"]).await;

    change(&home, &["UPDATE audit SET subject = 'alan' WHERE seq = 2"]).await;
    let (code, level, detail) = audit();
    assert_eq!((code, level), (Some(1), Value::from("broken")));
    assert!(detail.contains("row 2: it was altered"), "{detail}");
    change(&home, &["UPDATE audit SET subject = 'grace' WHERE seq = 2"]).await;
    assert_eq!(audit().2, "all 3 rows hold");

    change(&home, &["DELETE FROM audit WHERE seq = 3"]).await;
    assert!(audit().2.contains("rows 3 to 3 were cut off"), "{}", audit().2);
    change(&home, &["DELETE FROM audit WHERE seq = 1"]).await;
    assert!(audit().2.contains("rows 1 to 1 are missing"), "{}", audit().2);
}

#[tokio::test]
async fn refuses_a_database_of_a_newer_version() {
    let home = TempDir::new().unwrap();
    assert!(drls(home.path(), &["migrate"]).status.success());
    change(
        &home,
        &["INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)"],
    )
    .await;
    for arguments in [vec!["serve", "--bind", "127.0.0.1:0"], vec!["user", "list"], vec!["migrate"]] {
        let refused = drls(home.path(), &arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&refused).contains("was written by a newer DRLS (schema 9999"), "{}", stderr(&refused));
    }
    let doctor = drls(home.path(), &["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    assert!(stdout(&doctor).contains("newer DRLS"), "{}", stdout(&doctor));
}

#[tokio::test]
async fn tells_a_locked_a_damaged_and_a_foreign_database_apart() {
    let home = TempDir::new().unwrap();
    assert!(drls(home.path(), &["migrate"]).status.success());
    let mut connection = database(&home).await;
    sqlx::query("PRAGMA locking_mode = EXCLUSIVE").execute(&mut connection).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
    let locked = drls(home.path(), &["user", "list"]);
    assert!(stderr(&locked).contains("locked by another process"), "{}", stderr(&locked));
    connection.close().await.unwrap();
    let file = home.path().join("drls.db");
    std::fs::write(&file, "this is a letter, not a database").unwrap();
    let foreign = drls(home.path(), &["user", "list"]);
    assert!(stderr(&foreign).contains("no SQLite database"), "{}", stderr(&foreign));
    assert!(stdout(&drls(home.path(), &["doctor"])).contains("no SQLite database"));
}

#[test]
fn reports_unknown_settings_in_the_doctor() {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("config.json"), r#"{"spark": {"drivr_memory": "1g"}}"#).unwrap();
    let doctor = drls(home.path(), &["doctor"]);
    assert!(stdout(&doctor).contains("/spark/drivr_memory"), "{}", stdout(&doctor));
}
