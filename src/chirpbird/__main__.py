"""``python -m chirpbird`` is the ``chirpbird`` command."""

from chirpbird.cli import main

main()
