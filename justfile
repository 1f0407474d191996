# Short names for the project's commands; what they do is in `xtask`.

# List the recipes.
default:
    @just --list --unsorted

# Migrate a real Elasticsearch to a real OpenSearch on this machine.
demo *args:
    cargo xtask demo {{args}}

# Everything CI asks of a change.
ci:
    cargo xtask test

# Some lanes of it, as in `just lane fmt lint`.
lane +names:
    cargo xtask test --lane {{names}}

# The tests that need nothing but this machine.
test *args:
    cargo test --workspace {{args}}

# The tests between real servers; `just servers up` first.
test-servers *args:
    cargo build --workspace --bins
    cargo test --workspace --features tests/real-servers --test real_servers {{args}}

# Keep real servers up while you work: up, down, status, load.
servers *args:
    cargo xtask servers {{args}}

# A Kubernetes of one node with Argo on this machine: up, down, status, load, run.
cluster *args:
    cargo xtask cluster {{args}}

# The container images, as OCI archives.
images *args:
    cargo xtask images {{args}}

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets --features tests/real-servers,tests/real-cluster -- --deny warnings
    cargo xtask tidy

# Rewrite what is made from the code: the schema, the findings, the command lines.
generate:
    cargo xtask generate

# Look at changed snapshots.
review:
    cargo insta test --workspace --review

deny:
    cargo deny check
