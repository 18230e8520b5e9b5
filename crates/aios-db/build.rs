//! Rebuilds the crate when a migration changes, and lists the migrations with their texts, by whose checksums an edited
//! migration is recognised.

use std::path::{Path, PathBuf};
use std::{env, fmt::Write as _, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../migrations");
    let mut generated = String::new();
    for (side, constant) in [("postgres", "POSTGRES"), ("sqlite", "SQLITE")] {
        let directory = root.join(side);
        println!("cargo::rerun-if-changed={}", directory.display());
        let _ = writeln!(generated, "const {constant}_TEXTS: &[(&str, &str)] = &[");
        for name in migrations(&directory)? {
            let up = directory.join(&name).join("up.sql");
            let _ = writeln!(
                generated,
                "    ({name:?}, include_str!({:?})),",
                up.display().to_string()
            );
        }
        generated.push_str("];\n");
    }
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(output.join("migration_texts.rs"), generated)
}

/// The names of the migrations in a directory, in their order.
fn migrations(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().join("up.sql").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
