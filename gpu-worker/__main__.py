"""Entry of the zipapp, and of `python3 gpu-worker` from a checkout."""

import sys

from runpod_trainer_worker.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
