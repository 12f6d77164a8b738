# shellcheck shell=bash
# Set-up that .ci/run and .ci/full share. Both change to the root of the checkout and then source this file.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/rere
mkdir -p "$cache"
# The output of tests is shown, so that a test which reports that it was skipped can be seen.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target} CARGO_TERM_COLOR=never RUST_TEST_NOCAPTURE=1
# A folder beside some checkouts, with real data and scripts that get weights and LibTorch.
shared=$PWD/../shared

step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

# Installs a C compiler, for linking, if there is none.
need_c_compiler() {
  command -v cc >/dev/null || { step "a C compiler, for linking"; apt-get update -qq && apt-get install -y -qq gcc libc6-dev; }
}

# Installs a C++ compiler if there is none.
need_cpp_compiler() {
  command -v g++ >/dev/null || { apt-get update -qq && apt-get install -y -qq g++; }
}

# Names the folders of real data and weights if they are here. Tests that need them report if they are not.
find_real_data() {
  if [[ -d $shared/data ]]; then
    export RERE_DATA=${RERE_DATA:-$shared/data} RERE_ENCODERS=${RERE_ENCODERS:-$cache/encoders}
    step "encoders"
    for encoder in minilm mpnet m3e-small; do "$shared/scripts/get-encoder" "$encoder" "$RERE_ENCODERS"; done
  fi
}

# Sets LIBTORCH, unless it is set. Returns 1 if there is no LibTorch.
find_libtorch() {
  if [[ -z ${LIBTORCH:-} ]]; then
    [[ -d $shared/scripts ]] || return 1
    need_cpp_compiler
    "$shared/scripts/get-libtorch" 2.9.0 "$cache/libtorch-2.9.0"
    export LIBTORCH=$cache/libtorch-2.9.0
  fi
}
