#!/usr/bin/env bash
# One door: installs what is missing into .venv, then runs what it is told to.
#
#   ./launch.sh [train] [FLAGS]     train; without flags the MNIST GAN, into runs/mnist
#   ./launch.sh sample FLAGS        write samples of a trained generator
#   ./launch.sh interpolate FLAGS   show paths through the latent space of a trained generator
#   ./launch.sh evaluate FLAGS      measure a saved step of a run again
#   ./launch.sh sweep FILE          run a study: all its trials, then its report
#   ./launch.sh test [FLAGS]        run the tests
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv="$here/.venv"

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "error: no Python >= 3.11 found; install one, or name it: PYTHON=/path/to/python ./launch.sh" >&2
    exit 2
}

# install [EXTRA]: nothing to do, and no network needed, while the two files below are as they were.
install() {
    local extra=${1:+[$1]} stamp="$venv/installed${1:+-$1}" wanted
    wanted=$(cat "$here/pyproject.toml" "$here/constraints.txt" | cksum)
    [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
    local python
    python=$(find_python)
    [[ -x $venv/bin/python ]] || "$python" -m venv "$venv"
    echo "installing into $venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$here/constraints.txt" --editable "$here$extra" >&2
    echo "$wanted" >"$stamp"
}

# given FLAG ARGUMENTS…: whether the user set the flag.
given() {
    local flag=$1
    shift
    [[ " $*" == *" --$flag"[=\ ]* ]]
}

command=${1:-train}
case $command in
    -*) command=train ;;
    *) shift $(($# > 0)) ;;
esac
case $command in
    train)
        install
        defaults=()
        given config "$@" || defaults+=("--config=$here/configs/mnist.py")
        given config "$@" || given workdir "$@" || defaults+=("--workdir=$here/runs/mnist")
        exec "$venv/bin/python" -m gan_jax.main ${defaults[@]+"${defaults[@]}"} "$@"
        ;;
    sweep)
        install study
        exec "$venv/bin/python" -m gan_jax.sweep "$@"
        ;;
    sample | interpolate | evaluate)
        install
        exec "$venv/bin/python" -m "gan_jax.$command" "$@"
        ;;
    test)
        install test
        cd "$here"
        "$venv/bin/ruff" check . && "$venv/bin/ruff" format --check .
        # A worker a core, which takes whole files: what tests of a file share is made once.
        exec "$venv/bin/python" -m pytest --numprocesses=auto --dist=loadfile "$@"
        ;;
    *)
        echo "error: $command: no such command, choose from evaluate, interpolate, sample, sweep, test, train" >&2
        exit 2
        ;;
esac
