"""The realtime engine as a server of its own, configured with the option names of Centrifugo v6. See docs/standalone.md."""
