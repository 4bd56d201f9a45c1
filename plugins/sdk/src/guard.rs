//! A panic ends in a trap, which tells the host nothing: the hook says where and why before it.

use std::sync::Once;

/// Makes panics write their message and location to the host's log. Cheap after the first call.
pub(crate) fn install() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|info| crate::log::error(&info.to_string()))));
}
