# syntax=docker/dockerfile:1
# The programs mcpw and mcpw-tools in a small image. From the root of the repository:
#   docker build --tag mcpw:0.1.0 .

# The version is that of rust-toolchain.toml.
FROM rust:1.95.0-slim-bookworm AS toolchain
ENV CARGO_TERM_COLOR=never
RUN cargo install --locked --version 0.1.78 cargo-chef
WORKDIR /build

# What the dependencies are, in a file that changes only with them.
FROM toolchain AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM toolchain AS programs
# A layer that is made anew only when a dependency changes.
COPY --from=recipe /build/recipe.json recipe.json
RUN cargo chef cook --release --locked --package gateway --package tools --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked --package gateway --package tools --bins \
    && mkdir -p /out/data \
    && cp target/release/mcpw target/release/mcpw-tools /out/

# The same release of Debian, for its C library. Nothing is installed, and nothing of the build is in it.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="mcpw" \
      org.opencontainers.image.description="The WebSocket front door of an MCP platform." \
      org.opencontainers.image.licenses="Apache-2.0"
# The authorities by which identity providers, Redis and PostgreSQL prove who they are.
COPY --from=toolchain /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=programs /out/mcpw /out/mcpw-tools /usr/local/bin/
# Where contexts in SQLite and audit logs go: a volume belongs here.
COPY --from=programs --chown=65532:65532 /out/data /var/lib/mcpw
WORKDIR /var/lib/mcpw
USER 65532:65532
EXPOSE 8080 9090 9091
# Kubernetes has probes of its own and does not look at it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=2 CMD ["/usr/local/bin/mcpw", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/mcpw"]
CMD ["gateway"]
