//! What `wit-bindgen` makes of `wit/`. Nothing here is public by its own name: the crate's root picks what authors see.
//! The two worlds share one set of types, so that a helper written for one serves the other.

/// The world `health-rule`, with the interfaces that both worlds import.
pub mod rule {
    wit_bindgen::generate!({
        path: "wit",
        world: "health-rule",
        pub_export_macro: true,
        export_macro_name: "export_world",
        default_bindings_module: "drls_plugin::__bindings::rule",
        additional_derives: [PartialEq],
    });
}

/// The world `table-operation`.
pub mod operation {
    wit_bindgen::generate!({
        path: "wit",
        world: "table-operation",
        with: {
            "drls:plugin/types@0.1.0": super::rule::drls::plugin::types,
            "drls:plugin/facts@0.1.0": super::rule::drls::plugin::facts,
            "drls:plugin/log@0.1.0": super::rule::drls::plugin::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_world",
        default_bindings_module: "drls_plugin::__bindings::operation",
        additional_derives: [PartialEq],
    });
}

/// The capability to send requests, beside either world: a component imports it where the plugin sends one.
pub mod http {
    wit_bindgen::generate!({
        path: "wit/http",
        world: "capability",
        additional_derives: [PartialEq],
    });
}
