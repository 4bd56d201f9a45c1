//! What every request passes on its way to a handler, and every answer on its way out.

pub mod deadline;
pub mod guard;
pub mod observe;
pub mod query;
pub mod sign_in;
pub mod site;
