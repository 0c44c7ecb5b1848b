"""`python -m stance.cli`: the same as `python -m stance`."""

from stance.cli import main

if __name__ == "__main__":
    main()
