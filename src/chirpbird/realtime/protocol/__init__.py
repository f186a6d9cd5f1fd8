"""The Centrifuge client protocol: codes, messages and codecs. No I/O and no state."""
