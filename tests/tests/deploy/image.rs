//! The image's recipe. Refuses to know a container engine: none is needed to read it.

use crate::{output, program, read, repository};

#[test]
fn hadolint_finds_no_fault_with_the_recipe() {
    let file = repository().join("Dockerfile");
    let judged = output(program("hadolint").arg("--no-color").arg(file));
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
}

#[test]
fn the_recipe_builds_with_the_toolchain_of_the_workspace_and_does_not_run_as_root() {
    let recipe = read(&repository().join("Dockerfile"));
    let toolchain = read(&repository().join("rust-toolchain.toml"));
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = "));
    let channel = channel.expect("the toolchain has a channel").trim_matches('"');
    assert!(recipe.contains(&format!("FROM rust:{channel}-slim-bookworm AS ")), "not built with {channel}");
    let (_, last) = recipe.rsplit_once("\nFROM ").expect("there are stages");
    let user = last.lines().find_map(|line| line.strip_prefix("USER ")).expect("a user is named");
    let user = user.split(':').next().expect("a user stands first");
    assert!(user.parse::<u32>().expect("Kubernetes asks for a number") > 0);
    assert!(!last.contains("RUN "), "nothing is installed in what is shipped");
    assert!(last.contains(r#"HEALTHCHECK "#) && last.contains(r#"["/usr/local/bin/mcpw", "health"]"#));
}

/// Secrets, the history and what was built stay out of the image's context.
#[test]
fn the_context_of_the_image_has_only_what_it_is_built_of() {
    let ignored = read(&repository().join(".dockerignore"));
    let mut lines = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "everything is left out first");
    for line in lines {
        match line.strip_prefix('!') {
            Some(kept) => assert!(repository().join(kept).exists(), "{kept} is not there"),
            None => assert!(["**/target", "**/node_modules"].contains(&line), "{line}"),
        }
    }
}
