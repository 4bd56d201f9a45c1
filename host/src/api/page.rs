//! Lists: `{items, next}` with opaque cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::error::{ApiError, FieldError};

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// In a stable order.
    pub items: Vec<T>,
    /// `cursor` of the next page; null after the last.
    pub next: Option<String>,
}

/// Packs a position.
///
/// # Errors
/// Never for the plain values that positions are made of.
pub fn cursor<T: Serialize>(position: &T) -> Result<String, ApiError> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).map_err(ApiError::internal)?))
}

/// Reads a position back; none for the first page.
///
/// # Errors
/// 422 where it is not one that a page gave.
pub fn position<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    read.map(Some).ok_or_else(|| {
        ApiError::unprocessable(vec![FieldError::new("?cursor", "take it from `next` of the page before, unchanged")])
    })
}

/// The page of a whole list that starts at number `start`; the list stands still while `version` does.
///
/// # Errors
/// 409 `cursor-stale` where the cursor is of another version.
pub fn of_whole<T>(
    list: impl IntoIterator<Item = T>,
    version: &str,
    cursor_text: Option<&str>,
    limit: usize,
) -> Result<Page<T>, ApiError> {
    let start = start_of(version, cursor_text)?;
    let mut rest = list.into_iter().skip(start).peekable();
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let next = rest.peek().is_some().then(|| cursor(&(version, start + items.len()))).transpose()?;
    Ok(Page { items, next })
}

/// Where the page of a list that moves with `version` starts.
///
/// # Errors
/// 409 `cursor-stale` where the cursor is of another version.
pub fn start_of(version: &str, cursor_text: Option<&str>) -> Result<usize, ApiError> {
    let Some((of, start)) = position::<(String, usize)>(cursor_text)? else { return Ok(0) };
    if of != version {
        let words = "the table has changed since the page before; start again without a cursor";
        return Err(ApiError::conflict("cursor-stale", words));
    }
    Ok(start)
}
