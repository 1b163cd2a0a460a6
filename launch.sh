#!/usr/bin/env bash
# One door: installs what is missing into .venv, then runs what it is told to.
#
#   ./launch.sh [train] [FLAGS]     train; without flags the MNIST GAN, into runs/mnist
#   ./launch.sh sample FLAGS        write samples of a trained generator
#   ./launch.sh interpolate FLAGS   show paths through the latent space of a trained generator
#   ./launch.sh evaluate FLAGS      measure a saved step of a run again
#   ./launch.sh sweep FILE          run a study: all its trials, then its report
#   ./launch.sh search FILE         search for hyperparameters, then report
#   ./launch.sh test [FLAGS]        run the tests
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv="$here/.venv"

# find_python: the path of the first that is new enough and can make a virtual environment.
find_python() {
    local name python incomplete=
    for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python; do
        python=$(command -v "$name") || continue
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$python"
            return
        fi
        incomplete=${incomplete:-$python}
    done
    if [[ $incomplete ]]; then
        # Debian and Ubuntu have these modules in a package of their own.
        name=$("$incomplete" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        echo "error: $incomplete lacks ensurepip or venv; install the package $name or python3-venv (sudo apt install $name), or name another Python: PYTHON=/path/to/python ./launch.sh" >&2
    else
        echo "error: no Python >= 3.11 found; install one, or name it: PYTHON=/path/to/python ./launch.sh" >&2
    fi
    exit 2
}

# make_venv: a virtual environment with pip. What was cut short, or has lost its Python, is made
# anew; what only lacks pip is given it.
make_venv() {
    local python
    if [[ ! -e $venv/unfinished ]] && "$venv/bin/python" -m pip --version &>/dev/null; then
        return
    fi
    python=$(find_python)
    if [[ -e $venv/unfinished ]] || ! "$venv/bin/python" -c '' 2>/dev/null; then
        rm -rf "$venv"/*
    fi
    mkdir -p "$venv"
    touch "$venv/unfinished"
    "$python" -m venv "$venv"
}

# install [EXTRA]: nothing to do, and no network needed, while the two files below are as they were.
install() {
    local extra=${1:+[$1]} stamp="$venv/installed${1:+-$1}" wanted code=0
    # One at a time, where there is flock: another would take what is being made for unfinished.
    exec 9<"$here/pyproject.toml"
    if command -v flock >/dev/null && ! flock --nonblock 9; then
        echo "waiting for another installation into $venv" >&2
        flock 9
    fi
    wanted=$(cat "$here/pyproject.toml" "$here/constraints.txt" | cksum)
    if [[ -e $venv/unfinished || ! -x $venv/bin/python ]] ||
        [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
        make_venv
        echo "installing into $venv" >&2
        touch "$venv/unfinished"
        trap 'exit 130' INT # once pip has ended, which leaves half a package then
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --constraint "$here/constraints.txt" --editable "$here$extra" >&2 || code=$?
        trap - INT
        ((code >= 128)) || rm "$venv/unfinished" # an error of pip's own leaves nothing half done
        ((code == 0)) || exit "$code"
        echo "$wanted" >"$stamp"
    fi
    exec 9<&-
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
    search)
        install search
        exec "$venv/bin/python" -m gan_jax.search "$@"
        ;;
    sample | interpolate | evaluate)
        install
        exec "$venv/bin/python" -m "gan_jax.$command" "$@"
        ;;
    test)
        install test
        cd "$here"
        "$venv/bin/ruff" check .
        "$venv/bin/ruff" format --check .
        # A worker a core, which takes whole files: what tests of a file share is made once. One that
        # dies is not replaced: by whole files that can end in waiting for ever.
        exec "$venv/bin/python" -m pytest --numprocesses=auto --dist=loadfile \
            --max-worker-restart=0 "$@"
        ;;
    *)
        echo "error: $command: no such command, choose from evaluate, interpolate, sample, search, sweep, test, train" >&2
        exit 2
        ;;
esac
