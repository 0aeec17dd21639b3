//! The binary `mcpw` with its default allocator, for tests that look at a process from outside.

fn main() -> std::process::ExitCode {
    gateway::cli::main()
}
