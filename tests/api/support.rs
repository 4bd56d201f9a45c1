//! A server on a private home, and what tests ask of answers.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use axum::Router;
use drls::{
    app::App,
    auth::{Role, secret},
    config::{ConfigStore, Environment},
    db::users,
    router,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The built router on a free port of 127.0.0.1.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    pub(crate) home: TempDir,
    client: Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(&Value::Null).await
    }

    /// With this as its `config.json`, unless it is null.
    pub(crate) async fn start_with(config: &Value) -> Self {
        Self::start_routes(config, Router::from(router::routes())).await
    }

    /// With other routes behind the same layers.
    pub(crate) async fn start_routes(config: &Value, routes: Router<App>) -> Self {
        let home = TempDir::new().unwrap();
        if !config.is_null() {
            std::fs::write(home.path().join("config.json"), config.to_string()).unwrap();
        }
        let app = App::open(ConfigStore::open(Environment::of_home(home.path())).unwrap()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router::with_layers(routes, app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, address, home, client }
    }

    /// A request without sign-in.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A bearer token of a new user with this role.
    pub(crate) async fn token(&self, role: Role) -> String {
        let token = secret::make("drls_").unwrap();
        let mut tx = self.app.db.write().await.unwrap();
        let user = users::insert(&mut tx, &format!("{role}-{}", &token[5..13]), role).await.unwrap();
        users::insert_token(&mut tx, &user, &token).await.unwrap();
        tx.commit().await.unwrap();
        token
    }
}

/// Asserts that the answer is a problem of this status and code in the form that every problem has; answers its body.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status(), StatusCode::from_u16(status).unwrap(), "{response:?}");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["type"], "about:blank");
    assert_eq!(body["request_id"], request_id.as_str());
    assert!(!body["title"].as_str().unwrap().is_empty() && body["detail"].as_str().unwrap().len() > 10, "{body}");
    body
}

/// The mistakes of a 422 as `pointer: detail`, sorted.
pub(crate) fn mistakes(problem: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}: {}", text(&one["pointer"]), text(&one["detail"])))
        .collect();
    all.sort();
    all
}

/// Runs the binary to its end.
pub(crate) fn drls(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).stdin(Stdio::null()).output().unwrap()
}

/// The binary on a home, without anything from the environment of the tests.
pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drls"));
    command.args(arguments).arg("--home").arg(home);
    for variable in ["DRLS_HOME", "DRLS_BIND", "FRONTEND_DIR", "DRLS_PYTHON", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The binary serving on a free port; killed when dropped.
pub(crate) struct Binary {
    pub(crate) child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// The one-time sign-in link.
    pub(crate) link: String,
}

impl Binary {
    pub(crate) fn serve(home: &Path) -> Self {
        let mut command = command(home, &["serve", "--bind", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut last_word = || lines.next().unwrap().unwrap().split(' ').next_back().unwrap().to_owned();
        let url = last_word().trim_end_matches('/').to_owned();
        let link = last_word();
        Self { child, url, link }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
