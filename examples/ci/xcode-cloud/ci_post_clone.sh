#!/bin/bash
# Xcode Cloud runs this file after it has cloned the repository.
# Copy it to ci_scripts/ci_post_clone.sh beside the project, and make it executable. docs/ci/xcode-cloud.md explains each line.
set -euo pipefail
# The runner is empty each time. Homebrew is on it, Rust is not.
command -v cargo >/dev/null || brew install --quiet rust
# No release exists yet: build one commit that you have reviewed.
cargo install --locked --git https://github.com/countersign-dev/countersign --rev 9a8176d0151092d0930ebc947d803e758e15ab87 countersign
