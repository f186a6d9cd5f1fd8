"""Where the log and the records live. Every store passes the suite in ``tests/storage/contract``."""
