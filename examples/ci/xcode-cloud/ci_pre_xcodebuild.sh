#!/bin/bash
# Xcode Cloud runs this file before each xcodebuild.
# Copy it to ci_scripts/ci_pre_xcodebuild.sh beside the project, and make it executable. docs/ci/xcode-cloud.md explains each line.
set -euo pipefail
# Tests are not signed for distribution: only the archive is gated.
if [[ ${CI_XCODEBUILD_ACTION:-} != archive ]]; then
  exit 0
fi
export PATH="$HOME/.cargo/bin:$PATH"
PROJECT=${PROJECT:-App.xcodeproj}
# Scripts start in ci_scripts; the project and manifests/ stand beside it or above it.
cd "${CI_PRIMARY_REPOSITORY_PATH:-..}"
# The digests of what is reviewed. The checkout is shallow and may lack the protected branch, so fetch that first.
git fetch --no-tags --depth=1 origin +refs/heads/main:refs/remotes/origin/main
policy=$(git show origin/main:manifests/signing.toml | shasum -a 256 | cut -d' ' -f1)
manifest=$(git show origin/main:manifests/profiles.json | shasum -a 256 | cut -d' ' -f1)
# Xcode Cloud signs with keys that Apple holds, so there are no identities to look at here; the policy allows that for a verdict.
countersign gate --without identities \
  --expect-policy "$policy" --expect-manifest "$manifest" --project "$PROJECT"
