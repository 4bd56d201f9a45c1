//! Tables for the tests.

use drls_plugin::Properties;
use drls_plugin::facts::{DataFile, Field, PartitionField, PartitionSpec, SortField, Totals};

use crate::group::Cell;
use crate::outcome::Facts;

pub(crate) const MIB: u64 = 1 << 20;

pub(crate) fn file(bytes: u64) -> DataFile {
    DataFile { bytes, records: 1_000, delete_files: 0, deleted_records: 0 }
}

pub(crate) fn cell(path: &str, spec: i32, files: Vec<DataFile>) -> Cell {
    Cell { path: path.into(), spec, delete_files: 0, files }
}

fn field(id: i32, path: &str, data_type: &str) -> Field {
    Field { id, path: path.into(), data_type: data_type.into(), required: false, doc: None, identifier: false }
}

/// A format 2 table with the columns id, region, note and place.city; spec 0 unpartitioned, spec 1 (default) by region.
pub(crate) fn facts(cells: Vec<Cell>) -> Facts {
    let region =
        PartitionField { source_id: 2, source: "region".into(), transform: "identity".into(), name: "region".into() };
    let files = || cells.iter().flat_map(|c| &c.files);
    let totals = Totals {
        records: files().map(|f| f.records).sum(),
        data_files: files().count() as u64,
        data_bytes: files().map(|f| f.bytes).sum(),
        delete_files: cells.iter().map(|c| c.delete_files).sum(),
        position_deletes: files().map(|f| f.deleted_records).sum(),
        equality_deletes: 0,
        manifests: None,
    };
    Facts {
        format_version: 2,
        properties: Properties::default(),
        fields: vec![
            field(1, "id", "long"),
            field(2, "region", "string"),
            field(3, "note", "string"),
            field(4, "place", "struct<5: city: optional string>"),
            field(5, "place.city", "string"),
        ],
        specs: vec![
            PartitionSpec { id: 0, is_default: false, fields: vec![] },
            PartitionSpec { id: 1, is_default: true, fields: vec![region] },
        ],
        sort_order: Vec::<SortField>::new(),
        totals,
        newest_deletes: false,
        cells,
    }
}
