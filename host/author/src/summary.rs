//! What a plugin file holds, as text for people.

use drls_runtime::{Inspection, Interface, Limits, Plugin, Signed};
use serde_json::Value;

use crate::artifact::Artifact;

const MIB: u64 = 1 << 20;

/// Several lines: name, file, digest, imports, exports, needs, schema, limits.
pub(crate) fn text(artifact: &Artifact, inspection: &Inspection, plugin: Option<&Plugin>, limits: &Limits) -> String {
    let kinds: Vec<_> = inspection.kinds.iter().map(|kind| kind.name()).collect();
    let name = match &inspection.manifest {
        Some(manifest) => format!("{} {}", manifest.id, manifest.version),
        None => "no manifest".to_owned(),
    };
    let needs: Vec<_> = inspection.needs.iter().map(|group| group.name()).collect();
    let mut lines = vec![
        format!("{name}: {}, contract {}", kinds.join(" and "), inspection.contract),
        line("file", &artifact.file.display().to_string()),
        line("size", &format!("{} bytes", inspection.size)),
        line("digest", &artifact.digest()),
    ];
    lines.extend(interfaces("imports", &inspection.imports));
    lines.extend(interfaces("exports", &inspection.exports));
    lines.push(line("needs", &if needs.is_empty() { "no facts".to_owned() } else { needs.join(", ") }));
    if let Some(manifest) = inspection.manifest.as_ref().filter(|_| inspection.http) {
        lines.push(line("asks", &format!("for {}; an admin grants it", manifest.needs.words())));
    }
    lines.push(line(
        "signed",
        &match &inspection.signed {
            Signed::Not => "no".to_owned(),
            Signed::By(key) => format!("with {key}"),
            Signed::Wrong => "with a signature that is not of this file".to_owned(),
        },
    ));
    for kind in &inspection.kinds {
        if let Some(descriptor) = plugin.and_then(|plugin| plugin.descriptor(*kind)) {
            lines.push(line("title", &descriptor.title));
            lines.push(line("schema", &format!("valid: {}", properties(&descriptor.schema))));
        }
    }
    if let Some(manifest) = &inspection.manifest {
        let memory = manifest.memory.unwrap_or(limits.memory).div_ceil(MIB);
        let time = manifest.time.map_or_else(|| limits.time.as_millis(), u128::from);
        let asked = |asked: bool| if asked { "asked" } else { "default" };
        let (most_memory, most_time) = (limits.memory_ceiling / MIB, limits.time_ceiling.as_millis());
        let memory_by = asked(manifest.memory.is_some());
        let time_by = asked(manifest.time.is_some());
        lines.push(line("memory", &format!("{memory} MiB a call ({memory_by}), ceiling {most_memory} MiB")));
        lines.push(line("time", &format!("{time} ms a call ({time_by}), ceiling {most_time} ms")));
    }
    lines.join("\n")
}

fn line(label: &str, value: &str) -> String {
    format!("  {label:<8} {value}")
}

fn interfaces(label: &str, all: &[Interface]) -> Vec<String> {
    // An interface of types alone has no functions, and nothing to say.
    let all = all.iter().filter(|interface| !interface.functions.is_empty());
    let text = |interface: &Interface| {
        let short = |function: &String| function.trim_start_matches("[method]").to_owned();
        let functions: Vec<_> = interface.functions.iter().map(short).collect();
        format!("{} ({})", interface.name, functions.join(", "))
    };
    all.enumerate().map(|(i, interface)| line(if i == 0 { label } else { "" }, &text(interface))).collect()
}

/// Names of the properties that a schema has, an asterisk after each that must be given.
fn properties(schema: &Value) -> String {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(properties) = schema["properties"].as_object().filter(|p| !p.is_empty()) else {
        return "no properties".to_owned();
    };
    let mark =
        |name: &String| if required.contains(&Value::from(name.as_str())) { format!("{name}*") } else { name.clone() };
    properties.keys().map(mark).collect::<Vec<_>>().join(", ")
}
