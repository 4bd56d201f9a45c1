//! Types of a component in the words of WIT.

use std::collections::HashMap;

use wasmparser::{
    component_types::{
        ComponentAnyTypeId, ComponentDefinedType as Defined, ComponentDefinedTypeId, ComponentEntityType as Entity,
        ComponentFuncTypeId, ComponentValType as Val, ResourceId,
    },
    types::TypesRef,
};

use super::{Instance, defined};

/// The most characters of a type that are told: a component may hold one of any size.
const LONGEST: usize = 400;

/// A type in words: `open`, `parts` by commas, `close`.
pub(super) struct Words {
    open: &'static str,
    parts: Vec<String>,
    close: String,
}

/// The names that an interface has for its types.
pub(super) struct Names<'a> {
    types: TypesRef<'a>,
    defined: HashMap<ComponentDefinedTypeId, &'a str>,
    resources: HashMap<ResourceId, &'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(instance: &Instance<'a>) -> Self {
        let mut names = Self { types: instance.types, defined: HashMap::new(), resources: HashMap::new() };
        for (name, entity) in instance.exports() {
            match entity {
                Entity::Type { created: ComponentAnyTypeId::Defined(id), .. } => {
                    names.defined.entry(names.first(id)).or_insert(name);
                }
                Entity::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                    names.resources.insert(id.resource(), name);
                }
                _ => {}
            }
        }
        names
    }

    /// What a type is another name of.
    fn first(&self, mut id: ComponentDefinedTypeId) -> ComponentDefinedTypeId {
        while let Some(before) = self.types.peel_alias(id) {
            id = before;
        }
        id
    }

    pub(super) fn function(&self, id: ComponentFuncTypeId) -> Words {
        let function = &self.types[id];
        let parts = function.params.iter().map(|(name, ty)| format!("{name}: {}", self.name(*ty))).collect();
        let result = function.result.map(|ty| format!(" -> {}", self.name(ty))).unwrap_or_default();
        Words { open: if function.async_ { "async func(" } else { "func(" }, parts, close: format!("){result}") }
    }

    /// What a name stands for.
    pub(super) fn definition(&self, id: ComponentDefinedTypeId) -> Words {
        let braced = |open, parts| Words { open, parts, close: "}".to_owned() };
        match defined(self.types, Val::Type(id)) {
            Ok(Defined::Record(record)) => braced(
                "record {",
                record.fields.iter().map(|(name, ty)| format!("{name}: {}", self.name(*ty))).collect(),
            ),
            Ok(Defined::Variant(variant)) => {
                let case = |ty: Option<Val>| ty.map(|ty| format!("({})", self.name(ty))).unwrap_or_default();
                let cases = variant.cases.iter().map(|(name, of)| format!("{name}{}", case(of.ty)));
                braced("variant {", cases.collect())
            }
            Ok(Defined::Enum(cases)) => braced("enum {", cases.iter().map(ToString::to_string).collect()),
            Ok(Defined::Flags(flags)) => braced("flags {", flags.iter().map(ToString::to_string).collect()),
            _ => Words::plain(self.structure(Val::Type(id))),
        }
    }

    fn name(&self, ty: Val) -> String {
        let named = match ty {
            Val::Type(id) => self.defined.get(&self.first(id)),
            Val::Primitive(_) => None,
        };
        named.map_or_else(|| self.structure(ty), |name| (*name).to_owned())
    }

    fn structure(&self, ty: Val) -> String {
        let defined = match defined(self.types, ty) {
            Ok(defined) => defined,
            Err(primitive) => return primitive.to_string(),
        };
        let resource = |id: ResourceId| self.resources.get(&id).copied().unwrap_or("resource");
        let or_none = |ty: Option<Val>| ty.map_or_else(|| "_".to_owned(), |ty| self.name(ty));
        match defined {
            Defined::List { element, .. } => format!("list<{}>", self.name(*element)),
            Defined::Option { ty, .. } => format!("option<{}>", self.name(*ty)),
            Defined::Tuple(tuple) => {
                let types: Vec<String> = tuple.types.iter().map(|ty| self.name(*ty)).collect();
                format!("tuple<{}>", types.join(", "))
            }
            Defined::Result { ok, err, .. } => format!("result<{}, {}>", or_none(*ok), or_none(*err)),
            Defined::Own(id) => resource(id.resource()).to_owned(),
            Defined::Borrow(id) => format!("borrow<{}>", resource(id.resource())),
            _ => "a type that the contract does not use".to_owned(),
        }
    }
}

impl Words {
    pub(super) fn plain(close: String) -> Self {
        Self { open: "", parts: Vec::new(), close }
    }

    /// As it reads beside another one: without the parts that both have, where only parts differ.
    pub(super) fn beside(&self, other: &Self) -> String {
        let own: Vec<&str> = self.parts.iter().filter(|part| !other.parts.contains(part)).map(String::as_str).collect();
        let others = other.parts.iter().any(|part| !self.parts.contains(part));
        let alike = (self.open, &self.close) == (other.open, &other.close) && (!own.is_empty() || others);
        let parts = match own.len() < self.parts.len() {
            true if alike => [&own[..], &["..."]].concat().join(", "),
            _ => self.parts.join(", "),
        };
        let mut text = format!("{}{parts}{}", self.open, self.close);
        if text.len() > LONGEST {
            text.truncate(text.floor_char_boundary(LONGEST));
            text.push_str("...");
        }
        text
    }
}
