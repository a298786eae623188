"""``python -m spamtide`` is the ``spamtide`` program."""

from spamtide.app.cli import main

if __name__ == "__main__":
    main()
