//! The types of the contract's interfaces, as the frozen WIT has them, and what of a component's differs from them.
//!
//! What the linker would refuse is found here first: it has words for its own makers only.

mod words;

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use wasmparser::{
    BinaryReaderError, PrimitiveValType, Validator, WasmFeatures,
    component_types::{
        ComponentAnyTypeId, ComponentDefinedType as Defined, ComponentEntityType as Entity, ComponentFuncType,
        ComponentInstanceTypeId, ComponentValType as Val, RecordType,
    },
    types::{Types, TypesRef},
};
use wit_parser::{Resolve, SourceMap};

use self::words::{Names, Words};
use crate::{
    inspect::{Interface, interfaces},
    refusal::Mismatch,
};

/// The files of each package.
const PACKAGES: [&[(&str, &str)]; 2] = [
    &[
        ("types.wit", include_str!("../../../wit/frozen/0.1.0/types.wit")),
        ("facts.wit", include_str!("../../../wit/frozen/0.1.0/facts.wit")),
        ("health-rule.wit", include_str!("../../../wit/frozen/0.1.0/health-rule.wit")),
        ("table-operation.wit", include_str!("../../../wit/frozen/0.1.0/table-operation.wit")),
    ],
    &[("client.wit", include_str!("../../../wit/frozen/http/0.1.0/client.wit"))],
];

/// Read once, when the first component is looked at.
static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    Contract::read().unwrap_or_else(|error| {
        tracing::error!("types of plugins are not held against the contract, which can't be read: {error}");
        Contract::default()
    })
});

#[derive(Default)]
struct Contract {
    packages: Vec<Types>,
    /// Interfaces by full name, and the package that each belongs to.
    interfaces: BTreeMap<String, (usize, ComponentInstanceTypeId)>,
}

/// An interface of one component: where its types are.
#[derive(Clone, Copy)]
pub(crate) struct Instance<'a> {
    types: TypesRef<'a>,
    id: ComponentInstanceTypeId,
}

/// What a component has under the name of an item of the contract, and the contract itself.
struct Pair<'a> {
    interface: &'a str,
    item: &'a str,
    wanted: (Instance<'a>, Entity),
    found: (Instance<'a>, Entity),
}

/// Items of a component's interfaces that have other types than the contract's, by the full names of the interfaces.
pub(crate) fn differences<'a>(interfaces: &[(&'a str, Instance<'a>)]) -> Vec<Mismatch> {
    let pairs = |(name, found): &(&'a str, Instance<'a>)| {
        let (name, found) = (*name, *found);
        let wanted = CONTRACT.interface(name)?;
        let (ours, theirs) = (wanted.exports(), found.exports());
        let both = move |(item, entity): (&'a str, Entity)| {
            let (_, other) = ours.iter().find(|(name, _)| *name == item)?;
            Some(Pair { interface: name, item, wanted: (wanted, *other), found: (found, entity) })
        };
        Some(theirs.into_iter().filter_map(both))
    };
    let pairs: Vec<Pair<'_>> = interfaces.iter().filter_map(pairs).flatten().collect();
    // A type that no function of it uses may be any.
    if !pairs.iter().any(|pair| matches!(pair.found.1, Entity::Func(_)) && !pair.fits()) {
        return Vec::new();
    }
    let mut told: Vec<Mismatch> = Vec::new();
    let mut seen = HashSet::new();
    for pair in pairs.iter().filter(|pair| !pair.fits()) {
        // An interface that uses a type of another one has it too.
        if matches!(pair.found.1, Entity::Type { .. }) && !seen.insert(pair.item) {
            continue;
        }
        let Some((wanted, found)) = pair.words() else { continue };
        let (interface, item) = (pair.interface.to_owned(), pair.item.to_owned());
        told.push(Mismatch::OtherType { interface, item, wanted, found });
    }
    told
}

impl Contract {
    fn read() -> Result<Self, String> {
        let mut contract = Self::default();
        for (number, files) in PACKAGES.iter().enumerate() {
            let bytes = encode(files)?;
            let invalid = |error: BinaryReaderError| error.to_string();
            let types = Validator::new_with_features(WasmFeatures::default()).validate_all(&bytes).map_err(invalid)?;
            for Interface { name, .. } in interfaces(&bytes, &types).map_err(invalid)?.1 {
                let item = types.as_ref().component_item_for_export(&name);
                let Some(Entity::Type { referenced: ComponentAnyTypeId::Component(id), .. }) = item.map(|i| i.ty)
                else {
                    continue;
                };
                let of_package = types[id].exports.iter();
                contract.interfaces.extend(of_package.filter_map(|(name, item)| match item.ty {
                    Entity::Instance(id) => Some((name.clone(), (number, id))),
                    _ => None,
                }));
            }
            contract.packages.push(types);
        }
        Ok(contract)
    }

    fn interface(&self, name: &str) -> Option<Instance<'_>> {
        let (package, id) = self.interfaces.get(name)?;
        Some(Instance { types: self.packages.get(*package)?.as_ref(), id: *id })
    }
}

/// A package as a component whose exports are its interfaces and worlds, as types.
fn encode(files: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let mut sources = SourceMap::new();
    files.iter().for_each(|(name, text)| sources.push_str(name, *text));
    let group = sources.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|error| error.to_string())?;
    wit_component::encode(&resolve, package).map_err(|error| format!("{error:#}"))
}

impl Pair<'_> {
    /// True where the two link.
    fn fits(&self) -> bool {
        let ((a, wanted), (b, found)) = (self.wanted, self.found);
        match (wanted, found) {
            (Entity::Func(wanted), Entity::Func(found)) => {
                let (wanted, found) = (&a.types[wanted], &b.types[found]);
                let params = |of: &ComponentFuncType| of.params.iter().map(|(_, ty)| *ty).collect::<Vec<_>>();
                wanted.async_ == found.async_
                    && all(a.types, &params(wanted), b.types, &params(found))
                    && maybe(a.types, wanted.result, b.types, found.result)
            }
            (Entity::Type { created: wanted, .. }, Entity::Type { created: found, .. }) => match (wanted, found) {
                (ComponentAnyTypeId::Defined(wanted), ComponentAnyTypeId::Defined(found)) => {
                    equal(a.types, Val::Type(wanted), b.types, Val::Type(found))
                }
                (ComponentAnyTypeId::Resource(_), ComponentAnyTypeId::Resource(_)) => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Both in words, where these tell the two apart: what uses a type that differs is not told beside it.
    fn words(&self) -> Option<(String, String)> {
        let (wanted, found) = (self.wanted.0.words(self.wanted.1), self.found.0.words(self.found.1));
        let (wanted, found) = (wanted.beside(&found), found.beside(&wanted));
        (wanted != found).then_some((wanted, found))
    }
}

fn equal(a: TypesRef<'_>, wanted: Val, b: TypesRef<'_>, found: Val) -> bool {
    match (defined(a, wanted), defined(b, found)) {
        (Ok(Defined::Record(wanted)), Ok(Defined::Record(found))) => {
            let fields = |of: &RecordType| of.fields.values().copied().collect::<Vec<_>>();
            wanted.fields.keys().eq(found.fields.keys()) && all(a, &fields(wanted), b, &fields(found))
        }
        (Ok(Defined::Variant(wanted)), Ok(Defined::Variant(found))) => {
            wanted.cases.keys().eq(found.cases.keys())
                && wanted.cases.values().zip(found.cases.values()).all(|(x, y)| maybe(a, x.ty, b, y.ty))
        }
        (Ok(Defined::Enum(wanted)), Ok(Defined::Enum(found)))
        | (Ok(Defined::Flags(wanted)), Ok(Defined::Flags(found))) => wanted.iter().eq(found.iter()),
        (Ok(Defined::List { element: wanted, .. }), Ok(Defined::List { element: found, .. }))
        | (Ok(Defined::Option { ty: wanted, .. }), Ok(Defined::Option { ty: found, .. })) => {
            equal(a, *wanted, b, *found)
        }
        (Ok(Defined::Tuple(wanted)), Ok(Defined::Tuple(found))) => all(a, &wanted.types, b, &found.types),
        (Ok(Defined::Result { ok: x, err: wanted, .. }), Ok(Defined::Result { ok: y, err: found, .. })) => {
            maybe(a, *x, b, *y) && maybe(a, *wanted, b, *found)
        }
        // There is one resource, which the linker looks at.
        (Ok(Defined::Own(_)), Ok(Defined::Own(_))) | (Ok(Defined::Borrow(_)), Ok(Defined::Borrow(_))) => true,
        (Err(wanted), Err(found)) => wanted == found,
        _ => false,
    }
}

fn all(a: TypesRef<'_>, wanted: &[Val], b: TypesRef<'_>, found: &[Val]) -> bool {
    wanted.len() == found.len() && wanted.iter().zip(found).all(|(x, y)| equal(a, *x, b, *y))
}

fn maybe(a: TypesRef<'_>, wanted: Option<Val>, b: TypesRef<'_>, found: Option<Val>) -> bool {
    match (wanted, found) {
        (Some(wanted), Some(found)) => equal(a, wanted, b, found),
        (wanted, found) => wanted.is_none() && found.is_none(),
    }
}

/// A type that is put together of others, else the primitive one.
fn defined(types: TypesRef<'_>, ty: Val) -> Result<&Defined, PrimitiveValType> {
    match ty {
        Val::Primitive(primitive) => Err(primitive),
        Val::Type(id) => match types.get(id).expect("an id of these types") {
            Defined::Primitive(primitive) => Err(*primitive),
            defined => Ok(defined),
        },
    }
}

impl<'a> Instance<'a> {
    pub(crate) fn new(types: TypesRef<'a>, id: ComponentInstanceTypeId) -> Self {
        Self { types, id }
    }

    fn exports(&self) -> Vec<(&'a str, Entity)> {
        let types: TypesRef<'a> = self.types;
        types
            .get(self.id)
            .into_iter()
            .flat_map(|of| of.exports.iter())
            .map(|(name, item)| (name.as_str(), item.ty))
            .collect()
    }

    /// An item in the words of WIT.
    fn words(&self, entity: Entity) -> Words {
        let named = Names::of(self);
        match entity {
            Entity::Func(id) => named.function(id),
            Entity::Type { created: ComponentAnyTypeId::Defined(id), .. } => named.definition(id),
            Entity::Type { created: ComponentAnyTypeId::Resource(_), .. } => Words::plain("a resource".to_owned()),
            _ => Words::plain("something else".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frozen_contract_is_read_whole() {
        let contract = Contract::read().expect("readable");
        let names: Vec<&str> = contract.interfaces.keys().map(String::as_str).collect();
        let wanted = ["http/client", "plugin/facts", "plugin/health", "plugin/log", "plugin/operation", "plugin/types"];
        assert_eq!(names, wanted.map(|name| format!("drls:{name}@0.1.0")));
    }
}
