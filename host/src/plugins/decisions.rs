//! What admins decide about plugins, and what the runtime decides by itself: each is written to the audit trail.

use std::time::Duration;

use anyhow::Result;
use drls_runtime::{
    Change, DecisionError, Did, Ledger, LifeEvent, LifeState, Named, PluginState, PluginStatus, PublicKey, Rights,
};
use serde_json::{Value, json};

use crate::app::App;
use crate::db::{Db, audit};
use crate::error::{ApiError, FieldError};

/// How long a decision may take to hold: a version that is not in the cache is compiled anew.
const HOLDS: Duration = Duration::from_secs(20);

/// What somebody wants.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Back to a version or digest, or to what served before.
    Rollback(Option<String>),
    Disable,
    Enable,
    /// What it may do, in place of what it might before, for versions of this signer.
    Grant(Rights, Option<PublicKey>),
}

impl Wish {
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Rollback(_) => "plugin.rollback",
            Self::Disable => "plugin.disable",
            Self::Enable => "plugin.enable",
            Self::Grant(..) => "plugin.grant",
        }
    }

    /// Nothing changes yet.
    pub(crate) fn prepare(&self, ledger: &Ledger, id: &str, by: &str) -> Result<Change, DecisionError> {
        match self {
            Self::Rollback(to) => ledger.rollback(id, to.as_deref()),
            Self::Disable => ledger.disable(id, by),
            Self::Enable => ledger.enable(id),
            Self::Grant(rights, signer) => ledger.grant(id, rights, *signer, by),
        }
    }
}

/// Carries out a wish: written down first, then put in force, and answered once it holds.
///
/// # Errors
/// 404 `plugin-not-found`, 409 `no-version-before`, `kept-version-damaged` or `plugin-refused`, 422, 503 where a disk fails or `plugin-loading`.
pub(crate) async fn decide(app: &App, actor: &str, id: &str, wish: Wish) -> Result<PluginStatus, ApiError> {
    let runtime = app.lakehouse.runtime.clone();
    if !matches!(wish, Wish::Rollback(_)) && !runtime.status().iter().any(|status| status.id == id) {
        // Its file is gone: nothing is written that could not be shown.
        return Err(not_found(id));
    }
    let (ledger, name, by) = (runtime.ledger().clone(), id.to_owned(), actor.to_owned());
    let action = wish.action();
    let prepared = blocking(move || wish.prepare(&ledger, &name, &by)).await?.map_err(refused)?;
    let did = carry_out(&app.db, actor, action, id, prepared).await?;
    let name = id.to_owned();
    let status = blocking(move || {
        runtime.decided(&name, HOLDS);
        runtime.status().into_iter().find(|status| status.id == name)
    });
    let status = status.await?.ok_or_else(|| not_found(id))?;
    let wanted = did.to.map(|one| one.digest);
    if wanted.is_some() && status.digest != wanted && status.state != PluginState::Disabled {
        return Err(match status.error {
            Some(words) => ApiError::conflict("plugin-refused", format!("the version does not serve: {words}")),
            // It is decided, and holds: asked again, the answer is whether it serves by then.
            None => ApiError::unavailable(
                "plugin-loading",
                "the version takes its place once it is compiled, which takes its time; send this again to wait for it",
                Duration::from_secs(5),
            ),
        });
    }
    Ok(status)
}

/// Writes a decision down and puts it in force. One that changes nothing leaves no trace.
pub(crate) async fn carry_out(db: &Db, actor: &str, action: &str, id: &str, change: Change) -> Result<Did, ApiError> {
    if !change.did().nothing {
        let mut tx = db.write().await?;
        audit::append(&mut tx, actor, action, id, &told(change.did())).await?;
        tx.commit().await?;
    }
    blocking(move || change.put()).await?.map_err(|error| refused(DecisionError::Io(error)))
}

/// Writes down what the runtime decided by itself.
pub(super) async fn write_down_own(db: &Db, event: &LifeEvent) {
    let action = match event.state {
        LifeState::RolledBack => "plugin.rollback",
        LifeState::Denied => "plugin.denied",
        _ => "plugin.quarantine",
    };
    let version = event.version.as_ref().map(ToString::to_string);
    let detail = json!({"version": version, "digest": event.digest, "reason": event.detail});
    let written = async {
        let mut tx = db.write().await?;
        audit::append(&mut tx, "system", action, &event.id, &detail).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(%error, plugin = event.id, action, "the audit trail does not have it");
    }
}

/// 404 `plugin-not-found`.
pub(crate) fn not_found(id: &str) -> ApiError {
    ApiError::not_found("plugin-not-found", format!("there is no plugin `{id}`; GET /api/plugins lists what is there"))
}

fn told(did: &Did) -> Value {
    let one =
        |one: &Option<Named>| one.as_ref().map(|one| json!({"version": one.version.to_string(), "digest": one.digest}));
    json!({"from": one(&did.from), "to": one(&did.to), "released": one(&did.released), "granted": did.granted})
}

fn refused(error: DecisionError) -> ApiError {
    let words = error.to_string();
    match error {
        DecisionError::Unknown(id) => not_found(&id),
        DecisionError::NoneBefore(_) => ApiError::conflict("no-version-before", words),
        DecisionError::NotKept { .. } => ApiError::unprocessable(vec![FieldError::new("/to", words)]),
        DecisionError::Damaged { .. } => ApiError::conflict("kept-version-damaged", words),
        DecisionError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => ApiError::conflict(
            "ledger-unreadable",
            format!("{words}; mend that file, or remove it to forget the decisions"),
        ),
        DecisionError::Io(error) => ApiError::unavailable(
            "storage-failed",
            "the disk with the plugins failed; the server's log says how; mend it and try again",
            Duration::from_secs(2),
        )
        .because(error),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}
