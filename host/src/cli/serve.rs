//! `drls serve`.

use std::{
    fs::File,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::exit,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

use crate::{
    app::App,
    auth::{Role, secret},
    config::{ConfigStore, Environment},
    db::{audit, sessions, users},
    router,
};

/// How long running requests may take to end after a signal.
const GRACE: Duration = Duration::from_secs(10);

/// Pauses between tries for the lock: whoever asks where a server is holds it for a moment.
const TRIES: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(50), Duration::ZERO];

/// How long jobs, Spark and tasks may take to end after the requests.
const CLOSE: Duration = Duration::from_secs(30);

/// Serves until SIGINT or SIGTERM; a second signal ends it at once.
pub(super) async fn run(environment: Environment) -> Result<()> {
    environment.make_home()?;
    let mut only_one = lock(environment.home())?;
    let config = ConfigStore::open(environment)?;
    for pointer in &config.get().unknown {
        tracing::warn!(pointer, "config.json has a key that this version does not know; it is kept");
    }
    let app = App::open(config).await?;
    let bind = app.config.get().settings.server.bind;
    refuse_open_bind(&app, bind).await?;
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(bind)
        .await
        .with_context(|| format!("can't listen on {bind}; stop what uses it or choose another with --bind"))?;
    let address = listener.local_addr()?;
    tell_where(&mut only_one, address)?;
    app.start()?;
    announce(&app, address).await?;
    tokio::spawn(stop_on_signal(app.clone(), interrupt, terminate));
    let stopping = app.stopping.clone();
    let served = axum::serve(listener, router::build(app.clone()))
        .with_graceful_shutdown(async move { stopping.cancelled().await });
    served.await.context("the server failed")?;
    if timeout(CLOSE, app.close()).await.is_err() {
        tracing::warn!("some tasks did not end in time");
    }
    Ok(())
}

/// Holds `<home>/serve.lock`: two servers on one home would run two writers a table.
fn lock(home: &Path) -> Result<File> {
    let path = home.join("serve.lock");
    // What another wrote stays until the lock is ours.
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("{} can't be written; make the home writable", path.display()))?;
    for wait in TRIES {
        if file.try_lock().is_ok() {
            file.set_len(0)?;
            return Ok(file);
        }
        std::thread::sleep(wait);
    }
    bail!("another `drls serve` runs on {}; stop it or choose another --home", home.display());
}

/// Writes into the lock where the server is, for whoever asks [`address_of`].
fn tell_where(lock: &mut File, address: SocketAddr) -> Result<()> {
    Ok(write!(lock, "{address}")?)
}

/// Where the server of a home is, as this machine reaches it; none where no server runs.
pub(super) fn address_of(home: &Path) -> Option<String> {
    let path = home.join("serve.lock");
    let file = File::open(&path).ok()?;
    if file.try_lock_shared().is_ok() {
        return None;
    }
    let mut address: SocketAddr = std::fs::read_to_string(&path).ok()?.parse().ok()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some(address.to_string())
}

/// An address that others reach needs an admin who can sign in from there.
async fn refuse_open_bind(app: &App, bind: SocketAddr) -> Result<()> {
    if bind.ip().is_loopback() || users::admin_can_sign_in(app.db.read()).await? {
        return Ok(());
    }
    bail!(
        "refused to listen on {bind}: other machines reach it and no admin has a password or token; make one first with `drls user add NAME --role admin --token`"
    )
}

/// Prints where the server is; on loopback with a one-time link for the first admin, who is made where there is none.
async fn announce(app: &App, address: SocketAddr) -> Result<()> {
    say(&format!("DRLS {} at http://{address}/", env!("CARGO_PKG_VERSION")));
    if !address.ip().is_loopback() {
        return Ok(());
    }
    let code = secret::make("")?;
    let mut tx = app.db.write().await?;
    let admin = match users::first_admin(&mut *tx).await? {
        Some(admin) => admin,
        None => {
            let admin = users::insert(&mut tx, "admin", Role::Admin).await.context(
                "the user admin can't be made: it is there with another role; `drls user add NAME --role admin`",
            )?;
            audit::append(&mut tx, "system", "user.add", &admin.name, &json!({ "role": admin.role })).await?;
            admin
        }
    };
    sessions::insert_link(&mut tx, &admin, &code).await?;
    audit::append(&mut tx, "system", "user.link", &admin.name, &json!({})).await?;
    tx.commit().await?;
    say(&format!("Sign in once as {}, within an hour: http://{address}/sign-in?code={code}", admin.name));
    Ok(())
}

/// Prints a line; whoever started the server may not be reading any more, and it serves all the same.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Starts the end at the first signal; ends at once at the second, or when the grace is over.
async fn stop_on_signal(app: App, mut interrupt: Signal, mut terminate: Signal) {
    one_of(&mut interrupt, &mut terminate).await;
    tracing::info!("stopping; a second signal stops at once");
    app.stopping.cancel();
    tokio::select! {
        () = one_of(&mut interrupt, &mut terminate) => exit(130),
        () = tokio::time::sleep(GRACE + CLOSE) => {
            tracing::warn!("requests did not end in time");
            exit(1)
        }
    }
}

async fn one_of(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
