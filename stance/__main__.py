"""`python -m stance`: the command line, where its program is not on the path."""

from stance.cli import main

if __name__ == "__main__":
    main()
