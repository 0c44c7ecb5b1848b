"""`python -m serving.jobs SETTINGS`: the runner, see `serving.jobs.runner`. Started by the service."""

import sys

if __name__ == "__main__":
    from serving.jobs.runner import main

    main(sys.argv[1])
