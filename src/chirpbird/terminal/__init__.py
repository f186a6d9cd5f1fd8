"""``chirpbird chat``: the messenger in a terminal, over the documented API and the official Python SDK, as any program would."""
