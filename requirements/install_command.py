"""Put the `atoll` command and this folder's packages into the environment that runs this script."""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write a .pth file (so that imports work from any folder) and the command itself."""
    site_packages = Path(sysconfig.get_path("purelib"))
    (site_packages / "atoll.pth").write_text(f"{ROOT}\n{ROOT / 'client'}\n")
    script = Path(sys.executable).parent / "atoll"
    script.write_text(f"#!{sys.executable}\nimport sys\n\nfrom command import main\n\nsys.exit(main())\n")
    script.chmod(0o755)


if __name__ == "__main__":
    main()
