//! DRLS, a lakehouse console: the server and its command line.

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod error;
pub mod events;
pub mod health;
pub mod lakehouse;
pub mod metrics;
pub mod middleware;
pub(crate) mod plugins;
pub mod python;
pub mod router;
pub mod schema;
