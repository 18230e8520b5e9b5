//! Rebuilds the crate when a migration changes, and lists the checksums by which an edited migration is recognised.

use std::path::{Path, PathBuf};
use std::{env, fmt::Write as _, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../migrations");
    let mut generated = String::new();
    for (side, constant) in [("postgres", "POSTGRES"), ("sqlite", "SQLITE")] {
        let directory = root.join(side);
        println!("cargo::rerun-if-changed={}", directory.display());
        let _ = writeln!(generated, "const {constant}_CHECKSUMS: &[(&str, u64)] = &[");
        for name in migrations(&directory)? {
            let up = fs::read(directory.join(&name).join("up.sql"))?;
            let _ = writeln!(generated, "    ({name:?}, {}),", literal(checksum(&up)));
        }
        generated.push_str("];\n");
    }
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(output.join("migration_checksums.rs"), generated)
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

/// FNV-1a of the bytes without carriage returns, so that a checkout on Windows has the same checksum.
fn checksum(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().filter(|byte| **byte != b'\r');
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A number as Rust's style wants it, with separators.
fn literal(number: u64) -> String {
    let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (number >> shift) & 0xffff);
    format!("0x{a:04x}_{b:04x}_{c:04x}_{d:04x}")
}
