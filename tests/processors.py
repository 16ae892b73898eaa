"""The stored outputs come out on other processors too: each notebook with what stands in for one, and other threads.

.venv/bin/python tests/processors.py [notebooks/05_summation.ipynb …]
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETTINGS = (
    "ATEN_CPU_CAPABILITY=default",  # torch's own kernels without vectors
    "ATEN_CPU_CAPABILITY=avx2",
    "MKL_CBWR=COMPATIBLE",  # products of matrices as on an old processor
    "ONEDNN_MAX_CPU_ISA=SSE41",
    "OMP_NUM_THREADS=2",  # 1 is what all tests are run with
    "OMP_NUM_THREADS=4",
)


def run(setting, arguments):
    """pytest's exit status."""
    print(f"== {setting}", flush=True)
    environment = os.environ | dict([setting.split("=")])
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--durations=0", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    red = [setting for setting in SETTINGS if run(setting, sys.argv[1:] or ["notebooks"])]
    sys.exit(f"Red with {', '.join(red)}." if red else 0)
