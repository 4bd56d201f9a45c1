//! `Idempotency-Key`: the same request sent twice is carried out once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    body::{Body, to_bytes},
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    api::to_the_end,
    app::App,
    auth::User,
    db::idempotency::{self, Answer, Claim},
    error::ApiError,
};

/// Headers of an answer that are kept with it.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// Largest kept answer, in bytes; ours are a few kilobytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// The key of a request, if it has one, and what else tells this request from another.
#[derive(Clone, Debug)]
pub struct Idempotency {
    key: Option<String>,
    target: String,
}

impl<S: Sync> FromRequestParts<S> for Idempotency {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let target = format!("{} {}", parts.method, parts.uri);
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self { key: None, target }) };
        let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len())).ok_or_else(|| {
            ApiError::unreadable("idempotency-key-unreadable", "`Idempotency-Key` must be 1 to 255 ASCII characters")
        })?;
        Ok(Self { key: Some(key.to_owned()), target })
    }
}

impl Idempotency {
    /// Carries out `work` once for this key and body, to its end even where the client goes away; repeats its answer for 24 hours
    /// afterwards. Only successes are kept: after a refusal the same key may try again.
    ///
    /// # Errors
    /// Those of `work`; 422 `idempotency-key-reused` for another request; 409 `request-in-progress` while the first one runs; 409
    /// `outcome-lost` where the first one is over and its answer was not kept.
    pub async fn run<F>(self, app: &App, user: &User, body: &impl Serialize, work: F) -> Result<Response, ApiError>
    where
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        let Some(key) = self.key else { return to_the_end(work).await };
        let body = serde_json::to_vec(body).map_err(ApiError::internal)?;
        let request =
            hex::encode(Sha256::new().chain_update(&self.target).chain_update([0]).chain_update(&body).finalize());
        let place = app.in_flight.enter(&user.id, &key);
        let mut tx = app.db.write().await?;
        let claim = idempotency::claim(&mut tx, &user.id, &key, &request).await?;
        tx.commit().await?;
        match claim {
            Claim::Ours => {
                let (app, user_id) = (app.clone(), user.id.clone());
                to_the_end(async move {
                    let _place = place;
                    finish(app, user_id, key, work).await
                })
                .await
            }
            Claim::Done(answer) => repeat(answer),
            Claim::OtherRequest => Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "this Idempotency-Key was sent with another request; make a new key for a new request",
            )),
            Claim::Unanswered if place.others() => Err(ApiError::conflict(
                "request-in-progress",
                "the first request with this Idempotency-Key is still running; ask again shortly",
            )),
            Claim::Unanswered => Err(ApiError::conflict(
                "outcome-lost",
                "the server stopped during the first request with this Idempotency-Key, or could not keep its answer; look what it did (GET /api/jobs), then use a new key",
            )),
        }
    }
}

/// Requests with a key that this process works on, by user and key.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashMap<(String, String), usize>>>);

/// One request's place among those with the same key, given back on drop.
#[derive(Debug)]
struct Place {
    all: InFlight,
    of: (String, String),
}

impl InFlight {
    fn enter(&self, user_id: &str, key: &str) -> Place {
        let of = (user_id.to_owned(), key.to_owned());
        *self.counts().entry(of.clone()).or_default() += 1;
        Place { all: self.clone(), of }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<(String, String), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Others with the same key are worked on.
    fn others(&self) -> bool {
        self.all.counts().get(&self.of).is_some_and(|count| *count > 1)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

/// Does the work and keeps its answer, or gives the key back.
async fn finish(
    app: App,
    user_id: String,
    key: String,
    work: impl Future<Output = Result<Response, ApiError>>,
) -> Result<Response, ApiError> {
    let response = match work.await {
        Ok(response) if response.status().is_success() => response,
        refused => {
            let release = async {
                let mut tx = app.db.write().await?;
                idempotency::release(&mut tx, &user_id, &key).await?;
                tx.commit().await
            };
            told_all_the_same(release.await);
            return refused;
        }
    };
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LARGEST).await.map_err(ApiError::internal)?;
    let headers: BTreeMap<_, _> =
        KEPT_HEADERS.iter().filter_map(|name| Some((name.as_str(), parts.headers.get(name)?.to_str().ok()?))).collect();
    let headers = serde_json::to_string(&headers).map_err(ApiError::internal)?;
    let answer = Answer { status: parts.status.as_u16(), headers, body: body.to_vec() };
    let keep = async {
        let mut tx = app.db.write().await?;
        idempotency::finish(&mut tx, &user_id, &key, &answer).await?;
        tx.commit().await
    };
    told_all_the_same(keep.await);
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What was done or refused is told, whether or not it could be kept for a repetition: the key is then used up.
fn told_all_the_same(kept: sqlx::Result<()>) {
    if let Err(error) = kept {
        tracing::warn!(%error, "the answer to a request with an Idempotency-Key can't be kept");
    }
}

/// The kept answer, marked as a repetition.
fn repeat(answer: Answer) -> Result<Response, ApiError> {
    let headers: BTreeMap<String, String> = serde_json::from_str(&answer.headers).map_err(ApiError::internal)?;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(ApiError::internal)?;
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(ApiError::internal)?;
        response.headers_mut().insert(name, HeaderValue::try_from(value).map_err(ApiError::internal)?);
    }
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    Ok(response)
}
