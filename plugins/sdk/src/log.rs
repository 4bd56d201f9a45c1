//! Lines in the host's log, stamped there with plugin, version and call. Only inside the host: a native test must not
//! call them.

use crate::wit::log::{Level, write};

/// For the author of the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// For an operator who looks.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something is odd, and the answer stands nevertheless.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// The call failed, or its answer cannot be trusted.
pub fn error(message: &str) {
    write(Level::Error, message);
}
