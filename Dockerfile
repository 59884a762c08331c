# The program in an image of its own, with the operator: docker build -t registry.example.com/portalctl .
#
# The builder's own target is musl, so that the program is static, on amd64 and arm64 alike.
# The digest is that of the tag `1.95-alpine`, for all platforms.
FROM rust:1.95-alpine@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
# A C compiler and linker, for the cryptography.
RUN apk add --no-cache build-base ca-certificates
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --features operator \
    # What is not static would look for an interpreter, and there is none.
    && ! readelf --program-headers target/release/portalctl | grep -q INTERP \
    && install -D target/release/portalctl /out/usr/local/bin/portalctl \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

FROM scratch
LABEL org.opencontainers.image.title="portalctl" \
      org.opencontainers.image.description="Declares customer organizations and their WorkOS Admin Portal features" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/portalctl"]
