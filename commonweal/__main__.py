"""Run the command line as ``python -m commonweal``."""

from commonweal.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
