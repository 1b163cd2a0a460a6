"""What a damaged checkpoint says, in a process of its own: whose terminal it is matters."""

import subprocess
import sys

READ = """
import os, sys
from pathlib import Path
import numpy as np
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.core.errors import RunError

folder = Path(sys.argv[1])
parts = {f"part_{n}": np.arange(90_000.0) + n for n in range(20)}
checkpoints = Checkpoints(folder)
checkpoints.save(1, parts)
checkpoints.wait()
checkpoints.close()
for path in folder.rglob("d/*"):
    os.truncate(path, path.stat().st_size // 2)
for _ in range(5):
    checkpoints = Checkpoints(folder)
    try:
        checkpoints.restore(1)
    except RunError as error:
        print(error)
    checkpoints.close()
"""


def test_of_the_many_reads_that_fail_one_is_told(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "cut"], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert all(line.startswith(str(tmp_path / "cut" / "1")) for line in lines)
    assert done.stderr == ""
