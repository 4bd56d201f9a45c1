//! Plugins that ask for more than facts wait for an admin, and get what was granted and no more, whatever they try.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use drls_runtime::{Http, LifeState, Network, Plugin, PluginState, PluginStatus, Policy, Rights, Runtime, sign};
use serde_json::json;

use crate::support::{
    Guest,
    home::{Home, eventually, start_with, status, version},
    table,
};

/// A server on this machine that answers every request alike.
struct Server {
    host: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port");
        let host = listener.local_addr().expect("address").to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("connection");
                count.fetch_add(1, Ordering::Relaxed);
                let _ = stream.read(&mut [0; 4096]);
                // Whoever asked may have hung up.
                let _ = stream.write_all(answer.as_bytes());
                if answer.is_empty() {
                    // Says nothing, and holds the line.
                    thread::sleep(Duration::from_secs(30));
                }
            }
        });
        Self { host, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// A server on this machine that holds each answer until it is told to let it go.
struct Held {
    host: String,
    asked: Receiver<()>,
    go: Sender<()>,
}

impl Held {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port");
        let host = listener.local_addr().expect("address").to_string();
        let ((tell, asked), (go, let_go)) = (mpsc::channel(), mpsc::channel());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("connection");
                let _ = stream.read(&mut [0; 4096]);
                // The test may be over.
                if tell.send(()).is_err() || let_go.recv().is_err() {
                    return;
                }
                let _ = stream.write_all(OK.as_bytes());
            }
        });
        Self { host, asked, go }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn rights(hosts: &[&str]) -> Rights {
    let set = |words: &[&str]| -> BTreeSet<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    Rights { http: Http { hosts: set(hosts), methods: set(&["GET"]) } }
}

/// A rule that asks for `hosts` and sends a request to `url`.
fn sender(version: &str, hosts: &[&str], url: &str) -> Guest {
    let needs = json!({"http": {"hosts": hosts, "methods": ["GET"]}});
    Guest::rule("rule", version).manifest("needs", needs).sends("GET", url, &[200, 302])
}

/// A runtime whose operator named these hosts as internal.
fn inside(home: &Home, hosts: &[&str]) -> Arc<Runtime> {
    let network = Network { internal: rights(hosts).http.hosts };
    start_with(drls_runtime::RuntimeConfig { policy: Policy { network, ..Policy::default() }, ..home.config() })
}

fn grant(runtime: &Runtime, rights: &Rights) {
    let change = runtime.ledger().grant("rule", rights, None, "ada").expect("there");
    change.put().expect("written");
    assert!(runtime.decided("rule", Duration::from_secs(30)));
}

fn told(runtime: &Runtime) -> PluginStatus {
    status(runtime, "rule").expect("status")
}

fn plugin(runtime: &Runtime) -> Arc<Plugin> {
    Arc::clone(runtime.snapshot().plugin("rule").expect("it serves"))
}

fn code(plugin: &Plugin) -> String {
    plugin.evaluate(&table(), None).expect("an answer")[0].code.clone()
}

#[test]
fn a_plugin_waits_for_its_grant_and_then_sends() {
    let (home, server) = (Home::new(), Server::start(OK));
    let host = server.host.as_str();
    home.put(&sender("1.0.0", &[host], &format!("http://{host}/owners")));
    let runtime = inside(&home, &[host]);
    let waits = told(&runtime);
    assert_eq!((waits.state, waits.error_code), (PluginState::Waiting, Some("needs-grant")));
    assert_eq!(waits.error.as_deref(), Some(format!("1.0.0 waits for an admin to grant GET to {host}").as_str()));
    let wanted = waits.waiting.expect("what it waits for");
    assert_eq!((wanted.wanted.asked, wanted.wanted.missing), (rights(&[host]), rights(&[host])));
    assert_eq!(waits.history.last().map(|event| event.state), Some(LifeState::Waiting));
    grant(&runtime, &rights(&[host]));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    assert_eq!(code(&plugin(&runtime)), "status-200");
    assert_eq!(server.asked(), 1);
    let serves = told(&runtime);
    assert_eq!((serves.state, serves.error, serves.waiting), (PluginState::Active, None, None));
    assert_eq!(serves.entry.grant.expect("kept").decision.by, "ada");
    drop(runtime);
    // It holds over a restart.
    assert_eq!(code(&plugin(&inside(&home, &[host]))), "status-200");
}

#[test]
fn a_version_that_asks_for_more_waits_while_the_one_before_serves() {
    let home = Home::new();
    home.put(&Guest::rule("rule", "1.0.0").code("old"));
    let runtime = home.start();
    home.put(&sender("1.1.0", &["a.example", "b.example"], "https://a.example/"));
    eventually("it waits", || told(&runtime).waiting);
    grant(&runtime, &rights(&["a.example"]));
    let waits = told(&runtime);
    assert_eq!((waits.state, version(&runtime, "rule").as_deref()), (PluginState::Active, Some("1.0.0")));
    assert_eq!(waits.waiting.expect("it waits").wanted.missing, rights(&["b.example"]));
    assert!(waits.error.expect("why").ends_with("grant GET to b.example; 1.0.0 serves"));
    drop(runtime);
    let runtime = home.start();
    eventually("the one before serves", || version(&runtime, "rule").filter(|v| v == "1.0.0"));
    grant(&runtime, &rights(&["a.example", "b.example"]));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.1.0"));
}

#[test]
fn what_is_not_granted_is_denied_counted_and_told_once() {
    let (home, server, other) = (Home::new(), Server::start(OK), Server::start(OK));
    let (host, elsewhere) = (server.host.as_str(), other.host.as_str());
    home.put(&sender("1.0.0", &[host], &format!("http://{elsewhere}/")));
    let runtime = inside(&home, &[host, elsewhere]);
    grant(&runtime, &rights(&[host, elsewhere]));
    for _ in 0..3 {
        assert_eq!(code(&plugin(&runtime)), "denied", "granted, but not asked for");
    }
    assert_eq!(other.asked(), 0);
    eventually("it is told", || told(&runtime).history.into_iter().find(|event| event.state == LifeState::Denied));
    let now = told(&runtime);
    assert_eq!(now.denials, 3);
    let denied: Vec<_> = now.history.into_iter().filter(|event| event.state == LifeState::Denied).collect();
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].detail.as_deref(), Some(format!("{elsewhere} is not granted").as_str()));
}

#[test]
fn every_way_around_a_grant_is_closed() {
    let (home, server) = (Home::new(), Server::start(OK));
    let host = server.host.as_str();
    let port = host.rsplit(':').next().expect("port");
    let attempts = [
        // A grant says nothing of the operator's network, and nothing is sent in the clear.
        (format!("https://{host}/"), "GET", "denied"),
        (format!("http://{host}/"), "GET", "denied"),
        (format!("https://localhost:{port}/"), "GET", "denied"),
        (format!("https://{host}/"), "POST", "denied"),
        (format!("https://{host}/"), "TRACE", "invalid"),
        (format!("https://{host}@elsewhere.example/"), "GET", "invalid"),
        (format!("file://{host}/etc/passwd"), "GET", "denied"),
        ("/owners".to_owned(), "GET", "invalid"),
        ("https://[::1]/".to_owned(), "GET", "invalid"),
        ("https://elsewhere.example/".to_owned(), "GET", "denied"),
    ];
    let runtime = home.start();
    for (n, (url, method, expected)) in attempts.iter().enumerate() {
        let asked = json!({"http": {"hosts": [host, format!("localhost:{port}")], "methods": ["GET"]}});
        let guest = Guest::rule("rule", &format!("1.0.{n}")).manifest("needs", asked).sends(method, url, &[200]);
        home.put(&guest);
        grant(&runtime, &rights(&[host, &format!("localhost:{port}")]));
        eventually("it serves", || version(&runtime, "rule").filter(|v| *v == format!("1.0.{n}")));
        assert_eq!(code(&plugin(&runtime)), *expected, "{method} {url}");
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn redirects_big_and_missing_answers_are_told_as_what_they_are() {
    let big = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", 2 << 20, "x".repeat(2 << 20)).leak();
    let cases = [
        ("HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n", "status-302"),
        (&*big, "too-big"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", "unreachable"),
        ("no HTTP at all\r\n\r\n", "unreachable"),
        ("", "timed-out"),
    ];
    for (answer, expected) in cases {
        let (home, server) = (Home::new(), Server::start(answer));
        let host = server.host.as_str();
        home.put(&sender("1.0.0", &[host], &format!("http://{host}/")));
        let runtime = inside(&home, &[host]);
        grant(&runtime, &rights(&[host]));
        assert_eq!(code(&plugin(&runtime)), expected);
        assert_eq!(server.asked(), 1);
    }
}

#[test]
fn a_grant_that_is_taken_back_holds_for_what_is_held_already() {
    let (home, server) = (Home::new(), Server::start(OK));
    let host = server.host.as_str();
    home.put(&sender("1.0.0", &[host], &format!("http://{host}/")));
    let runtime = inside(&home, &[host]);
    grant(&runtime, &rights(&[host]));
    let held = plugin(&runtime);
    assert_eq!(code(&held), "status-200");
    grant(&runtime, &Rights::default());
    assert_eq!(code(&held), "denied");
    assert_eq!((told(&runtime).state, version(&runtime, "rule")), (PluginState::Waiting, None));
    assert_eq!(server.asked(), 1);
    grant(&runtime, &rights(&[host]));
    assert_eq!(code(&plugin(&runtime)), "status-200");
}

#[test]
fn a_grant_that_is_taken_back_while_a_call_runs_holds_for_its_next_request() {
    let (home, server) = (Home::new(), Held::start());
    let host = server.host.as_str();
    home.put(&sender("1.0.0", &[host], &format!("http://{host}/")).twice());
    let runtime = inside(&home, &[host]);
    grant(&runtime, &rights(&[host]));
    let held = plugin(&runtime);
    thread::scope(|scope| {
        let call = scope.spawn(|| code(&held));
        server.asked.recv_timeout(Duration::from_secs(30)).expect("the first request");
        grant(&runtime, &Rights::default());
        server.go.send(()).expect("it waits");
        assert_eq!(call.join().expect("the first is answered"), "denied");
    });
    assert_eq!(told(&runtime).denials, 1);
    assert!(server.asked.try_recv().is_err(), "the second was not sent");
}

#[test]
fn a_grant_is_for_versions_of_the_same_signer() {
    let home = Home::new();
    let key = drls_runtime::PrivateKey::new(&[1; 32]);
    let guest = sender("1.0.0", &["a.example"], "https://a.example/");
    home.put(&guest);
    let runtime = home.start();
    grant(&runtime, &rights(&["a.example"]));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    let signed = sign(&sender("1.1.0", &["a.example"], "https://a.example/").build(), &key).expect("signed");
    home.put_bytes("rule.wasm", &signed);
    let waiting = eventually("it waits", || told(&runtime).waiting);
    assert_eq!(waiting.wanted.signer, Some(key.public()));
    let change = runtime.ledger().grant("rule", &rights(&["a.example"]), Some(key.public()), "ada").expect("there");
    change.put().expect("written");
    eventually("it serves", || version(&runtime, "rule").filter(|v| v == "1.1.0"));
}

#[test]
fn a_plugin_that_names_no_hosts_is_refused_and_self_tests_reach_nothing() {
    let home = Home::new();
    home.put(&Guest::rule("rule", "1.0.0").sends("GET", "https://a.example/", &[]));
    let runtime = home.start();
    let refused = told(&runtime);
    assert_eq!((refused.state, refused.error_code), (PluginState::Refused, Some("needs")));
    assert!(refused.error.expect("why").contains("add [needs.http] with hosts"));
    let test = json!([{"name": "t", "export": "evaluate", "facts": *table(), "expect": {"codes": ["denied"]}}]);
    let guest = sender("1.1.0", &["a.example"], "https://a.example/").manifest("selftests", test);
    home.put(&guest);
    eventually("it waits", || told(&runtime).waiting);
    grant(&runtime, &rights(&["a.example"]));
    let serves = told(&runtime);
    assert_eq!((serves.state, serves.denials), (PluginState::Active, 0), "{serves:?}");
}

#[test]
fn hosts_of_a_manifest_are_read_in_their_one_form_or_not_at_all() {
    let home = Home::new();
    home.put(&sender("1.0.0", &["API.Example.com:443"], "https://api.example.com/"));
    let runtime = home.start();
    grant(&runtime, &rights(&["api.example.com"]));
    assert_eq!(version(&runtime, "rule").as_deref(), Some("1.0.0"));
    let needs = json!({"http": {"hosts": ["anything at all"], "methods": ["GET"]}}).to_string();
    let section =
        format!("{{\"format\": 1, \"id\": \"rule\", \"version\": \"1.1.0\", \"title\": \"t\", \"needs\": {needs}}}");
    let bare = sender("1.1.0", &["a.example"], "https://a.example/").bare();
    home.put_bytes("rule.wasm", &crate::support::custom_section(&bare, section.as_bytes()));
    let refused = eventually("it is refused", || Some(told(&runtime)).filter(|s| s.error_code == Some("bad-manifest")));
    assert!(refused.error.expect("why").contains("needs/http/hosts/0: \"anything at all\" is no host"));
}
