//! Prepares what the compiler of this crate needs: a database with the current schema for the checked SQL macros, and where the
//! Python that PyO3 links lives.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use sqlx::{ConnectOptions as _, Connection as _, migrate::Migrator, sqlite::SqliteConnectOptions};

fn main() -> Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().context("the crate lies in the workspace's folder")?;
    schema_database(&root.join("migrations"))?;
    python(root);
    Ok(())
}

/// Makes `$OUT_DIR/schema.db` from the migrations and names it to `sqlx::query!`, so that SQL is checked without a `.sqlx` folder.
fn schema_database(migrations: &Path) -> Result<()> {
    println!("cargo:rerun-if-changed={}", migrations.display());
    let database = PathBuf::from(env::var("OUT_DIR")?).join("schema.db");
    for file in ["schema.db", "schema.db-wal", "schema.db-shm"] {
        let _gone = fs::remove_file(database.with_file_name(file));
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut connection = SqliteConnectOptions::new().filename(&database).create_if_missing(true).connect().await?;
        Migrator::new(migrations).await?.run(&mut connection).await?;
        connection.close().await?;
        anyhow::Ok(())
    })?;
    println!("cargo:rustc-env=DATABASE_URL=sqlite://{}", database.display());
    Ok(())
}

/// Gives the binary and its tests a run path to libpython, and bakes in the interpreter and package folder as defaults of the configuration.
fn python(root: &Path) {
    println!("cargo:rerun-if-env-changed=PYO3_PYTHON");
    let interpreter = pyo3_build_config::get();
    if let Some(folder) = interpreter.lib_dir() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    let executable =
        env::var("PYO3_PYTHON").ok().or_else(|| interpreter.executable().map(str::to_owned)).unwrap_or_default();
    println!("cargo:rustc-env=DRLS_PYTHON_EXECUTABLE={executable}");
    println!("cargo:rustc-env=DRLS_PYTHON_PACKAGES={}", root.join("python").display());
}
