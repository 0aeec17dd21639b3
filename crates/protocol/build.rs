//! Compiles `proto/` in pure Rust: no protoc is needed.
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = protox::compile(["mcpw/v1/backend.proto"], [&root])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptor.bin"), prost::Message::encode_to_vec(&files))?;
    tonic_prost_build::configure().bytes(".").compile_fds(files)?;
    Ok(())
}
