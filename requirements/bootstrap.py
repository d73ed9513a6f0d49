"""Put uv into .uv/, with the pip that is at hand; checks the hash that uv.txt names."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / ".uv"
NO_PIP = """Atoll needs pip once, to fetch uv, and this Python has neither pip nor ensurepip.
On Debian or Ubuntu: apt-get install python3-venv"""


def succeeds(*command: str) -> bool:
    """Say whether a command ends well; its output is dropped."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def python_with_pip() -> str:
    """Return a Python that has pip: this one, or that of a throw-away environment."""
    if succeeds(sys.executable, "-m", "pip", "--version"):
        return sys.executable
    scratch = TARGET / "pip"
    if succeeds(sys.executable, "-m", "venv", "--clear", str(scratch)):
        return str(scratch / "bin" / "python")
    raise SystemExit(NO_PIP)


def main() -> None:
    """Install uv; leave nothing half-done behind."""
    if sys.version_info[:2] != (3, 11):
        raise SystemExit(
            f"Atoll's locked dependencies are for Python 3.11; {sys.executable} is {sys.version.split()[0]}.\n"
            "Name one: make PYTHON=/path/to/python3.11"
        )
    # --target is allowed on Debian's externally managed Python: nothing of the system is touched.
    command = [
        python_with_pip(),
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-warn-script-location",
    ]
    command += [
        "--root-user-action=ignore",
        "--require-hashes",
        "--upgrade",
        "--target",
        str(TARGET),
        "-r",
        str(HERE / "uv.txt"),
    ]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("uv could not be installed from the package index: see pip's message above.")
    (TARGET / "bin" / "uv").touch()


if __name__ == "__main__":
    main()
